//! What is to be seen of files besides their text.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The permission bits of a file or folder.
#[track_caller]
pub(crate) fn mode(path: &Path) -> u32 {
    let meta = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    meta.permissions().mode() & 0o7777
}

/// The temporary files that writers have left in a folder.
#[track_caller]
pub(crate) fn temporaries(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    files.filter(|path| path.to_string_lossy().ends_with(".work-tmp")).collect()
}
