//! Many files at once in a folder that others look at: all are ready before the first is replaced.
//!
//! Each file is written and made durable apart, then renamed into its place. Whoever must be able to take it
//! back keeps what was there before. One invariant: nothing is changed before everything is staged, so a full
//! disk or a file that can't be made changes nothing.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::fault;

/// What a path is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Absent,
    /// A file. Its mode is that of the file it replaces, or what the umask allows, besides the right to
    /// execute it; with `mode`, just that.
    File {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Whether it is a program.
        executable: bool,
        /// The permissions that it must have.
        mode: Option<u32>,
    },
    /// A symbolic link to this.
    Link(PathBuf),
}

/// Why files were not placed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct PlaceError {
    /// What was tried.
    pub action: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Whether something was changed before.
    pub begun: bool,
    /// Why.
    #[source]
    pub source: io::Error,
}

fn failed(action: &'static str, path: &Path, begun: bool) -> impl FnOnce(io::Error) -> PlaceError {
    let path = path.to_owned();
    move |source| PlaceError { action, path, begun, source }
}

/// Makes each path below `root` what it is to become. `staging` is an empty folder on the same file system.
///
/// # Errors
/// [`PlaceError`]; when it has `begun`, some paths are changed and some are not.
pub fn place(root: &Path, staging: &Path, files: &[(PathBuf, Content)]) -> Result<(), PlaceError> {
    let mut staged = Vec::new();
    for (number, (path, content)) in files.iter().enumerate() {
        let target = root.join(path);
        let temporary = staging.join(number.to_string());
        if stage(&temporary, &target, content).map_err(failed("write", &target, false))? {
            staged.push((temporary, target));
        }
    }
    fault::point("place.staged");
    let mut folders = Vec::new();
    for (path, content) in files {
        let target = root.join(path);
        if *content == Content::Absent {
            remove(&target).map_err(failed("remove", &target, true))?;
            folders.extend(remove_empty(root, &target));
            fault::point("place.removed");
        }
    }
    for (temporary, target) in staged {
        let folder = target.parent().unwrap_or(root);
        fs::create_dir_all(folder).map_err(failed("make", folder, true))?;
        if fs::symlink_metadata(&target).is_ok_and(|found| found.is_dir()) {
            // Only an empty one goes; anything else stays, and this fails.
            fs::remove_dir(&target).map_err(failed("replace", &target, true))?;
        }
        fs::rename(&temporary, &target).map_err(failed("replace", &target, true))?;
        folders.push(folder.to_owned());
        fault::point("place.placed");
    }
    folders.sort();
    folders.dedup();
    for folder in folders.iter().flat_map(|folder| folder.ancestors()).filter(|at| at.starts_with(root)) {
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("make durable", folder, true)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes what a path becomes beside it; false when it becomes nothing.
fn stage(temporary: &Path, target: &Path, content: &Content) -> io::Result<bool> {
    match content {
        Content::Absent => Ok(false),
        Content::Link(to) => symlink(to, temporary).map(|()| true),
        Content::File { bytes, executable, mode } => {
            let new = if *executable { 0o777 } else { 0o666 };
            let mut file = OpenOptions::new().write(true).create_new(true).mode(new).open(temporary)?;
            file.write_all(bytes)?;
            let old = fs::symlink_metadata(target).ok().filter(fs::Metadata::is_file);
            let wanted = mode.or_else(|| old.map(|old| with_execution(old.mode() & 0o7777, *executable)));
            if let Some(wanted) = wanted {
                file.set_permissions(Permissions::from_mode(wanted))?;
            }
            file.sync_all().map(|()| true)
        }
    }
}

/// A mode whose readers may execute the file, or nobody.
fn with_execution(mode: u32, executable: bool) -> u32 {
    if !executable {
        mode & !0o111
    } else if mode & 0o111 != 0 {
        mode
    } else {
        mode | ((mode & 0o444) >> 2)
    }
}

/// A path that is gone already is no error, nor is one whose folder has become something else.
fn remove(target: &Path) -> io::Result<()> {
    match fs::remove_file(target) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(())
        }
        result => result,
    }
}

/// Removes the folders above a path that are empty now; gives the first that stays.
fn remove_empty(root: &Path, target: &Path) -> Option<PathBuf> {
    let above = target.ancestors().skip(1);
    let mut above = above.take_while(|folder| folder.starts_with(root) && *folder != root);
    above.find(|folder| fs::remove_dir(folder).is_err()).map(Path::to_owned).or_else(|| Some(root.to_owned()))
}

/// What lies at a path: `None` when there is nothing, and a folder counts as nothing.
///
/// # Errors
/// When it can't be read, or is neither file nor link.
pub fn found(path: &Path) -> io::Result<Option<(Content, u32)>> {
    let meta = match fs::symlink_metadata(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        meta => meta?,
    };
    let mode = meta.mode() & 0o7777;
    if meta.is_symlink() {
        Ok(Some((Content::Link(fs::read_link(path)?), mode)))
    } else if meta.is_file() {
        let executable = mode & 0o100 != 0;
        Ok(Some((Content::File { bytes: fs::read(path)?, executable, mode: Some(mode) }, mode)))
    } else if meta.is_dir() {
        Ok(None)
    } else {
        Err(io::Error::other("it is neither a file nor a link"))
    }
}

/// Whether two folders are on one file system, so that a file can be renamed from one to the other.
#[must_use]
pub fn same_device(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev());
    matches!((device(one), device(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Content {
        Content::File { bytes: text.as_bytes().to_vec(), executable: false, mode: None }
    }

    fn dirs() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let (root, staging) = (folder.path().join("root"), folder.path().join("staging"));
        [&root, &staging].into_iter().for_each(|dir| fs::create_dir(dir).expect("made"));
        (folder, root, staging)
    }

    #[test]
    fn files_folders_and_links_change_their_places() {
        let (_folder, root, staging) = dirs();
        let first = [("a/b".into(), file("1")), ("c".into(), file("2")), ("l".into(), file("3"))];
        place(&root, &staging, &first).expect("placed");
        fs::set_permissions(root.join("c"), Permissions::from_mode(0o640)).expect("mode");
        let second = [
            ("a/b".into(), Content::Absent),
            ("a".into(), file("now a file")),
            ("c".into(), Content::File { bytes: vec![0, 255], executable: true, mode: None }),
            ("l".into(), Content::Link("c".into())),
            ("x/y/z".into(), file("")),
        ];
        place(&root, &staging, &second).expect("placed");
        assert_eq!(fs::read_to_string(root.join("a")).expect("read"), "now a file");
        let (content, mode) = found(&root.join("c")).expect("read").expect("there");
        assert_eq!(
            (content, mode),
            (Content::File { bytes: vec![0, 255], executable: true, mode: Some(0o750) }, 0o750)
        );
        assert_eq!(found(&root.join("l")).expect("read").expect("there").0, Content::Link("c".into()));
        place(&root, &staging, &[("x/y/z".into(), Content::Absent)]).expect("removed");
        assert!(!root.join("x").exists(), "empty folders go with their last file");
    }

    /// Mutant tried: removing before everything is staged.
    #[test]
    fn what_cannot_be_staged_changes_nothing() {
        let (_folder, root, staging) = dirs();
        place(&root, &staging, &[("a".into(), file("1"))]).expect("placed");
        fs::create_dir(staging.join("1")).expect("in the way");
        let error = place(&root, &staging, &[("a".into(), Content::Absent), ("b".into(), file("2"))]);
        assert!(!error.expect_err("no room").begun);
        assert!(root.join("a").exists() && !root.join("b").exists());
    }
}
