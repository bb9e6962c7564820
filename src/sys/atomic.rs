//! Files that are replaced as a whole, and durably: a reader sees the old bytes or the new ones, and
//! what was reported as written is there after a power cut.
//!
//! The sequence is: a new temporary file in the same directory (`O_EXCL`), write, fsync, rename,
//! fsync of the directory. The last step is separate ([`Written::sync_dir`]), because a writer that
//! holds a lock may let go of it first: the next writer's rename is as durable as ours, and both
//! report success only after their own directory fsync. This is why the sequence is ours and no
//! library's: the ones there are join the last two steps.
//!
//! One invariant: until the rename the old file is untouched, and every error says on which side of
//! the rename it happened.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};

use super::fault;

/// The end of the name of every temporary file of ours: `.NAME.16 HEX DIGITS.work-tmp`.
const TEMPORARY: &str = ".work-tmp";

/// How many symbolic links are followed before it counts as a circle.
const MOST_LINKS: usize = 40;

/// Who may read a file that did not exist before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever the umask allows. A file that exists keeps its mode.
    Shared,
    /// Only its owner, whatever the umask says and whatever the mode was.
    Private,
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk, the quota or the limit on file sizes is used up.
    #[error("there is no room to write `{path}`; it was left as it was")]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file system is read-only.
    #[error("`{path}` is on a read-only file system; it was left as it was")]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// We may not write there.
    #[error("not allowed to write `{path}`{whose}; it was left as it was")]
    Denied {
        /// The file.
        path: PathBuf,
        /// Whose it is, when it is not ours; else empty.
        whose: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Anything else that happened before the file was replaced.
    #[error("cannot write `{path}`; it was left as it was")]
    Failed {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The new content is there, but it may be gone after a power cut.
    #[error("`{path}` was replaced, but its directory could not be made durable")]
    NotDurable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl WriteError {
    fn before(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { path, source }
            }
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, source },
            io::ErrorKind::PermissionDenied => Self::Denied { whose: whose(&path), path, source },
            _ => Self::Failed { path, source },
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Full { .. } => {
                Some("make room on the disk (or raise `ulimit -f`), then run it again".into())
            }
            Self::ReadOnly { .. } => Some("mount it writable, or work in another checkout".into()),
            Self::Denied { path, whose, .. } if !whose.is_empty() => Some(format!(
                "a command that ran as another user made it; give it back with `sudo chown -R \"$USER\" {}`",
                path.parent().unwrap_or(path).display()
            )),
            Self::Denied { .. } => Some("check the permissions of the folder and the file".into()),
            Self::Failed { .. } | Self::NotDurable { .. } => None,
        }
    }
}

/// Whose a file or the folder it would lie in is, in words, unless they are ours.
#[must_use]
pub fn whose(path: &Path) -> String {
    let me = Uid::effective().as_raw();
    let foreign = [Some(path), path.parent()]
        .into_iter()
        .flatten()
        .filter_map(|place| fs::metadata(place).ok().map(|meta| (place, meta.uid())))
        .find(|(_, uid)| *uid != me);
    let Some((place, uid)) = foreign else {
        return String::new();
    };
    let name = User::from_uid(Uid::from_raw(uid)).ok().flatten().map_or_else(|| uid.to_string(), |u| u.name);
    if place == path {
        format!(", which belongs to `{name}`")
    } else {
        format!(", whose folder belongs to `{name}`")
    }
}

/// A file that was replaced, and is not durable yet.
#[derive(Debug)]
#[must_use = "what was written survives a power cut only after `sync_dir`"]
pub struct Written {
    path: PathBuf,
}

impl Written {
    /// Makes the replacement durable. Only after this may success be reported.
    ///
    /// # Errors
    /// [`WriteError::NotDurable`].
    pub fn sync_dir(self) -> Result<(), WriteError> {
        File::open(folder(&self.path))
            .and_then(|dir| dir.sync_all())
            .map_err(|source| WriteError::NotDurable { path: self.path, source })
    }
}

/// Replaces a file durably. A new file gets the mode that the umask allows.
///
/// # Errors
/// [`WriteError`]
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    replace(path, bytes, Access::Shared)?.sync_dir()
}

/// Replaces a file durably; only its owner may read it.
///
/// # Errors
/// [`WriteError`]
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    replace(path, bytes, Access::Private)?.sync_dir()
}

/// Replaces a file. A symbolic link stays, and what it points to is replaced.
///
/// # Errors
/// [`WriteError`]; the old file is then as it was.
pub fn replace(path: &Path, bytes: &[u8], access: Access) -> Result<Written, WriteError> {
    let target = resolve(path).map_err(|source| WriteError::before(path, source))?;
    put(&target, bytes, access).map_err(|source| WriteError::before(&target, source))?;
    fault::point("atomic.renamed");
    Ok(Written { path: target })
}

fn put(target: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let old = match fs::metadata(target) {
        Ok(meta) if meta.is_file() => Some(meta),
        Ok(_) => return Err(io::Error::other("it is not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mode = if old.is_some() || access == Access::Private { 0o600 } else { 0o666 };
    let mut temporary = Temporary::create(target, mode)?;
    fault::point("atomic.created");
    temporary.file.write_all(bytes)?;
    fault::point("atomic.written");
    keep_owner_and_mode(&temporary.file, old.as_ref(), access)?;
    temporary.file.sync_all()?;
    fault::point("atomic.synced");
    fs::rename(&temporary.path, target)?;
    temporary.renamed = true;
    Ok(())
}

fn keep_owner_and_mode(file: &File, old: Option<&Metadata>, access: Access) -> io::Result<()> {
    let mine = file.metadata()?;
    if let Some(old) = old
        && (old.uid(), old.gid()) != (mine.uid(), mine.gid())
    {
        // Only root may always do this (a `sudo work` must not take the file from its owner); for
        // everyone else the file becomes theirs, as with every editor.
        let _ = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()));
    }
    let mode = match (access, old) {
        (Access::Private, _) => 0o600,
        (Access::Shared, Some(old)) => old.mode() & 0o7777,
        (Access::Shared, None) => return Ok(()),
    };
    if mine.mode() & 0o7777 != mode {
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// The file that a path means, when it is a symbolic link; links to what does not exist included.
///
/// # Errors
/// When a link can't be read, or they go in a circle.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_symlink() => path = folder(&path).join(fs::read_link(&path)?),
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("its symbolic links go in a circle"))
}

/// Removes the temporary files that killed writers of this file left. Only for whoever holds the
/// lock that all writers of the file take: then nobody is writing.
pub fn remove_leftovers(path: &Path) {
    let Some(name) = path.file_name() else { return };
    let Ok(entries) = fs::read_dir(folder(path)) else { return };
    for entry in entries.flatten() {
        if is_temporary_of(&entry.file_name(), name) {
            // Whoever can't remove it leaves it to the next.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether `found` is the name of a temporary file that we made for a file called `name`.
fn is_temporary_of(found: &OsStr, name: &OsStr) -> bool {
    let random = found
        .as_bytes()
        .strip_prefix(b".")
        .and_then(|rest| rest.strip_prefix(name.as_bytes()))
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(TEMPORARY.as_bytes()));
    random.is_some_and(|random| random.len() == 16 && random.iter().all(u8::is_ascii_hexdigit))
}

/// The folder that a file lies in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A temporary file, gone with this value unless it was renamed.
struct Temporary {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    fn create(target: &Path, mode: u32) -> io::Result<Self> {
        let name = target.file_name().ok_or_else(|| io::Error::other("it has no file name"))?;
        loop {
            let random = RandomState::new().build_hasher().finish();
            let mut temporary = OsString::from(".");
            temporary.push(name);
            temporary.push(format!(".{random:016x}{TEMPORARY}"));
            let path = folder(target).join(temporary);
            match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
                Ok(file) => return Ok(Self { file, path, renamed: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // The next write removes it if this can't.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it exists").mode() & 0o7777
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_private_one_is_for_its_owner_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("f");
        write_atomic(&path, b"1").expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("mode");
        write_atomic(&path, b"2").expect("written");
        assert_eq!((fs::read(&path).expect("read"), mode(&path)), (b"2".to_vec(), 0o640));
        write_private(&path, b"3").expect("written");
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("real")).expect("a folder");
        for name in ["one", "two"] {
            std::os::unix::fs::symlink(if name == "one" { "real/f" } else { "one" }, dir.path().join(name))
                .expect("a link");
        }
        write_atomic(&dir.path().join("two"), b"x").expect("written");
        assert!(fs::symlink_metadata(dir.path().join("two")).expect("meta").is_symlink());
        assert_eq!(fs::read(dir.path().join("real/f")).expect("read"), b"x");
        std::os::unix::fs::symlink("circle", dir.path().join("circle")).expect("a link");
        assert!(write_atomic(&dir.path().join("circle"), b"x").is_err());
    }

    #[test]
    fn leftovers_are_removed_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("tasks.json");
        let ours = ".tasks.json.0123456789abcdef.work-tmp";
        let others = [
            ".other.json.0123456789abcdef.work-tmp",
            ".tasks.json.work-tmp",
            ".tasks.json.0123.work-tmp",
            ".tasks.json.0123456789abcdeg.work-tmp",
            "tasks.json.0123456789abcdef.work-tmp",
        ];
        for name in others.iter().chain([&ours]) {
            write_atomic(&dir.path().join(name), b"").expect("written");
        }
        remove_leftovers(&path);
        assert!(!dir.path().join(ours).exists());
        for name in others {
            assert!(dir.path().join(name).exists(), "{name}");
        }
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("f");
        fs::create_dir(&path).expect("a folder in its place");
        let error = write_atomic(&path, b"x").expect_err("a folder is no file");
        assert!(error.to_string().contains("left as it was"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).expect("read").count(), 1);
        let error = write_atomic(&dir.path().join("no/such/f"), b"x").expect_err("no folder");
        assert!(matches!(error, WriteError::Failed { .. }));
    }

    #[test]
    fn a_file_keeps_its_owner_and_a_foreign_one_is_named() {
        if !Uid::effective().is_root() {
            return;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("f");
        write_atomic(&path, b"1").expect("written");
        assert_eq!(whose(&path), "");
        std::os::unix::fs::chown(&path, Some(54_321), Some(54_321)).expect("given away");
        write_atomic(&path, b"2").expect("written by root");
        assert_eq!(fs::metadata(&path).expect("meta").uid(), 54_321);
        let denied = WriteError::before(&path, io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(denied.to_string().contains("which belongs to `54321`"), "{denied}");
        assert!(denied.hint().is_some_and(|hint| hint.contains("chown")));
    }
}
