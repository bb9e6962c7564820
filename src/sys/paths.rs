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

/// The folder for our sockets: below `XDG_RUNTIME_DIR`, or in the temporary folder. Private.
///
/// # Errors
/// When there is none that belongs to us alone.
pub fn socket_dir(runtime_dir: Option<&Path>) -> io::Result<PathBuf> {
    let dir = match runtime_dir {
        Some(dir) if dir.is_absolute() && dir.is_dir() => dir.join("work"),
        _ => std::env::temp_dir().join(format!("work-{}", nix::unistd::getuid())),
    };
    private_dir(&dir).map(|()| dir)
}
