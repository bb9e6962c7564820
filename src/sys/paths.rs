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

/// The folder for a user's data: `XDG_DATA_HOME`, or `~/.local/share`.
///
/// # Errors
/// When there is no home folder.
pub fn data_dir() -> io::Result<PathBuf> {
    use etcetera::base_strategy::{BaseStrategy as _, Xdg};
    Xdg::new().map(|folders| folders.data_dir()).map_err(|error| io::Error::other(error.to_string()))
}

/// The path of a socket ends at 107 bytes; our longest name in the folder for sockets takes 40 of them.
const LONGEST_SOCKET_DIR: usize = 107 - 1 - 40;

/// The folder for our sockets: below `XDG_RUNTIME_DIR`, or in the temporary folder, or in `/tmp` when
/// the paths of these are too long for a socket. Private.
///
/// # Errors
/// When there is none that belongs to us alone.
pub fn socket_dir(runtime_dir: Option<&Path>) -> io::Result<PathBuf> {
    let own = format!("work-{}", nix::unistd::getuid());
    let given = runtime_dir.filter(|dir| dir.is_absolute() && dir.is_dir()).map(|dir| dir.join("work"));
    let dir = [given, Some(std::env::temp_dir().join(&own))]
        .into_iter()
        .flatten()
        .find(|dir| dir.as_os_str().len() <= LONGEST_SOCKET_DIR)
        .unwrap_or_else(|| Path::new("/tmp").join(own));
    private_dir(&dir).map(|()| dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_dir_is_private_and_short_enough() {
        let home = tempfile::tempdir().expect("a folder");
        assert_eq!(socket_dir(Some(home.path())).expect("a folder"), home.path().join("work"));
        let long = home.path().join("x".repeat(90));
        fs::create_dir(&long).expect("a folder");
        for unfit in [Some(long.as_path()), Some(Path::new("relative")), None] {
            let dir = socket_dir(unfit).expect("a folder");
            assert!(dir.as_os_str().len() <= LONGEST_SOCKET_DIR, "{}", dir.display());
            assert_eq!(fs::metadata(&dir).expect("it is there").mode() & 0o777, 0o700);
        }
    }
}
