//! Folders that the operating system gives, and private ones.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Makes a folder, and those above it, that only its owner may enter. One that is there already is
/// made private.
///
/// # Errors
/// When it can't be made, or belongs to somebody else.
pub fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let found = fs::metadata(path)?;
    if found.uid() != nix::unistd::getuid().as_raw() {
        let message = format!("`{}` belongs to user {}", path.display(), found.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// The bytes that a folder of sockets may take, so that a path of 103 bytes holds our longest name.
const LONGEST: usize = 64;

/// The folder for our sockets: below `XDG_RUNTIME_DIR`, or in the temporary folder when that is none or
/// too long for a socket. Private.
///
/// # Errors
/// When there is none that belongs to us alone.
pub fn socket_dir(runtime_dir: Option<&Path>) -> io::Result<PathBuf> {
    let own = format!("work-{}", nix::unistd::getuid());
    let wanted = runtime_dir.filter(|dir| dir.is_absolute() && dir.is_dir()).map(|dir| dir.join("work"));
    let short = |dir: &PathBuf| dir.as_os_str().len() <= LONGEST;
    let dir = wanted
        .filter(short)
        .or_else(|| Some(std::env::temp_dir().join(&own)).filter(short))
        .unwrap_or_else(|| Path::new("/tmp").join(own));
    private_dir(&dir).map(|()| dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_lie_where_their_paths_are_short_enough() {
        let folder = tempfile::tempdir().expect("a folder");
        let long = folder.path().join("long/".repeat(20));
        fs::create_dir_all(&long).expect("a folder");
        assert_eq!(socket_dir(Some(folder.path())).expect("a folder"), folder.path().join("work"));
        for odd in
            [Some(long.as_path()), Some(Path::new("relative")), Some(Path::new("/nowhere/at/all")), None]
        {
            let dir = socket_dir(odd).expect("a folder");
            assert!(dir.is_absolute() && dir.as_os_str().len() <= LONGEST, "{}", dir.display());
            assert!(!dir.starts_with(folder.path()));
        }
    }
}
