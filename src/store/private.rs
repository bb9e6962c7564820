//! The private folder of a repository on this machine: `.git/work`, or `work/.local` without git.
//!
//! Only its owner may look into it, under any umask. Small facts about this checkout live in files
//! of one line here ("pointers"). One invariant: a pointer that can't be read is an error and never
//! the same as none.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::model::{IdError, SessionId, StreamId};
use crate::sys::atomic::{self, WriteError};

/// Why the private folder was of no use.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// It, or something in it, can't be made, read or removed.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A pointer was not written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A pointer holds something else than it should.
    #[error("`{path}` does not hold what it should")]
    Corrupt {
        /// The pointer.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: IdError,
    },
}

/// The pointer to the session that `--mode primary` talks to.
const CONNECTED: &str = "connected";

/// The private folder.
#[derive(Debug, Clone)]
pub struct Private {
    root: PathBuf,
}

impl Private {
    /// The private folder at `root`, made if it is not there.
    ///
    /// # Errors
    /// [`PrivateError::Io`]
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, PrivateError> {
        let root = root.into();
        create_dir(&root).map_err(|source| PrivateError::Io {
            action: "make",
            path: root.clone(),
            source,
        })?;
        Ok(Self { root })
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder in it, made if it is not there.
    ///
    /// # Errors
    /// [`PrivateError::Io`]
    pub fn dir(&self, name: impl AsRef<Path>) -> Result<PathBuf, PrivateError> {
        let path = self.root.join(name);
        match create_dir(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(PrivateError::Io { action: "make", path, source }),
        }
    }

    /// The current stream, if one was chosen.
    ///
    /// # Errors
    /// [`PrivateError::Corrupt`] when the pointer holds no stream id.
    pub fn current(&self) -> Result<Option<StreamId>, PrivateError> {
        self.pointer("current")?
            .map(|text| text.parse())
            .transpose()
            .map_err(|source| PrivateError::Corrupt { path: self.root.join("current"), source })
    }

    /// Chooses the current stream, or none.
    ///
    /// # Errors
    /// [`PrivateError`]
    pub fn set_current(&self, stream: Option<&StreamId>) -> Result<(), PrivateError> {
        self.set_pointer("current", stream.map(StreamId::as_str))
    }

    /// The session that `--mode primary` talks to, if one was chosen. Whether the agent still knows it, only the
    /// agent can tell.
    ///
    /// # Errors
    /// [`PrivateError::Io`]
    pub fn connected(&self) -> Result<Option<SessionId>, PrivateError> {
        Ok(self.pointer(CONNECTED)?.filter(|line| !line.is_empty()).map(SessionId))
    }

    /// Chooses the session that `--mode primary` talks to, or none.
    ///
    /// # Errors
    /// [`PrivateError`]
    pub fn set_connected(&self, session: Option<&SessionId>) -> Result<(), PrivateError> {
        self.set_pointer(CONNECTED, session.map(|session| session.0.as_str()))
    }

    /// The line of a pointer file.
    ///
    /// # Errors
    /// [`PrivateError::Io`]
    pub fn pointer(&self, name: &str) -> Result<Option<String>, PrivateError> {
        let path = self.root.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim_end_matches('\n').to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PrivateError::Io { action: "read", path, source }),
        }
    }

    /// Replaces or removes a pointer file.
    ///
    /// # Errors
    /// [`PrivateError`]
    pub fn set_pointer(&self, name: &str, line: Option<&str>) -> Result<(), PrivateError> {
        let path = self.root.join(name);
        let Some(line) = line else {
            return match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    Err(PrivateError::Io { action: "remove", path, source })
                }
                _ => Ok(()),
            };
        };
        Ok(atomic::write_private(&path, format!("{line}\n").as_bytes())?)
    }
}

/// Makes a folder, and those above it that are missing, for its owner only.
pub(super) fn create_dir(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(_) => return fs::metadata(path).and_then(|meta| tighten(path, &meta)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        create_dir(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        // The umask may have taken even our own rights.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(0o700)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Closes a folder that others may look into; somebody else's is left as it is.
fn tighten(path: &Path, meta: &fs::Metadata) -> io::Result<()> {
    if !meta.is_dir() {
        return Err(io::Error::other("it is no folder"));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        let _ = fs::set_permissions(path, Permissions::from_mode(0o700));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_kept_removed_and_never_guessed() {
        let dir = tempfile::tempdir().expect("a folder");
        let private = Private::open(dir.path().join("git/work")).expect("made");
        assert_eq!(private.current().expect("none"), None);
        let id: StreamId = "005-session-tracking".parse().expect("an id");
        private.set_current(Some(&id)).expect("set");
        assert_eq!(private.current().expect("read"), Some(id));
        for damage in ["", "\n", "\0\0\0", "../../etc"] {
            private.set_pointer("current", Some(damage)).expect("set");
            let error = private.current().expect_err("unreadable is not none");
            assert!(error.to_string().contains("current"), "{error}");
        }
        private.set_current(None).expect("removed");
        private.set_current(None).expect("removed again");
        assert_eq!(private.current().expect("none"), None);
    }

    #[test]
    fn a_folder_that_others_may_read_is_closed_and_those_above_are_left() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("git/work");
        fs::create_dir_all(&root).expect("made");
        for path in [&root, &dir.path().join("git")] {
            fs::set_permissions(path, Permissions::from_mode(0o755)).expect("mode");
        }
        Private::open(&root).and_then(|private| private.dir("turns")).expect("made");
        let mode = |path: &Path| fs::metadata(path).expect("meta").permissions().mode() & 0o777;
        assert_eq!((mode(&root), mode(&dir.path().join("git"))), (0o700, 0o755));
        fs::File::create(root.join("file")).expect("a file");
        assert!(Private::open(root.join("file")).is_err());
    }
}
