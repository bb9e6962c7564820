//! The only way to change the queue: lock, read, change, write, let go, make durable.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::wire::{Read, Unreadable, parse, render};
use crate::model::Jobs;
use crate::store::private::Private;
use crate::store::rotation::Rotation;
use crate::store::{StoreError, TransactError};
use crate::sys::atomic::{self, Access};
use crate::sys::fault;
use crate::sys::lock::{self, Lock};

/// The name of the file in the private folder.
const FILE_NAME: &str = "jobs.json";

/// How long a writer waits for the others.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the queue was not read or not changed. Nothing on disk was changed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct JobStoreError(#[from] pub StoreError);

impl JobStoreError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.0 {
            StoreError::Corrupt { path, .. } => Some(match JobStore::beside(path).newest_copy() {
                Some(copy) => format!(
                    "`work validate --restore` brings back the newest good copy ({} jobs, none of which starts by \
                     itself) and keeps this file",
                    copy.jobs
                ),
                None => format!(
                    "correct it by hand, or `mv {path} {path}.bad` and begin with an empty queue: the records of \
                 all turns are elsewhere",
                    path = path.display()
                ),
            }),
            StoreError::Newer { .. } => Some("upgrade `work`; until then it only reads the queue".to_owned()),
            other => other.hint(),
        }
    }
}

/// The lock of the queue.
pub(super) struct Held(Lock);

impl Held {
    /// A lock whose file somebody deleted guards nothing.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let lost = || StoreError::LockLost { path: self.0.path().to_owned() };
        if self.0.is_intact() { Ok(()) } else { Err(lost()) }
    }
}

/// The queue on disk. Holds nothing open and nothing cached.
#[derive(Debug, Clone)]
pub struct JobStore {
    private: PathBuf,
}

impl JobStore {
    /// The queue in a private folder. Touches nothing.
    #[must_use]
    pub fn new(private: &Path) -> Self {
        Self { private: private.to_owned() }
    }

    /// The queue whose file this is.
    fn beside(path: &Path) -> Self {
        Self::new(path.parent().unwrap_or(Path::new("/")))
    }

    /// The path of `jobs.json`.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.private.join(FILE_NAME)
    }

    /// Reads the queue. Takes no lock: a file is always whole. No file is an empty queue.
    ///
    /// # Errors
    /// [`JobStoreError`].
    pub fn read(&self) -> Result<Jobs, JobStoreError> {
        Ok(self.load()?.jobs)
    }

    /// Changes the queue: what `change` leaves is written before this returns, and survives a power cut.
    /// Nothing is written when `change` fails or changes nothing, and nothing slow belongs into it.
    ///
    /// # Errors
    /// [`TransactError::Refused`] with the error of `change`, else [`TransactError::Store`].
    pub fn transact<T, E>(
        &self,
        change: impl FnOnce(&mut Jobs) -> Result<T, E>,
    ) -> Result<T, TransactError<E>> {
        let path = self.path();
        let lock = self.lock()?;
        let Read { jobs: before, newer } = self.load()?;
        if let Some(version) = newer {
            return Err(StoreError::Newer { path, version }.into());
        }
        let mut jobs = before.clone();
        let result = change(&mut jobs).map_err(TransactError::Refused)?;
        if jobs == before {
            return Ok(result);
        }
        fault::point("jobs.changed");
        let bytes = render(&jobs).map_err(StoreError::Render)?;
        atomic::remove_leftovers(&path);
        lock.check()?;
        let written = atomic::replace(&path, &bytes, Access::Private).map_err(StoreError::from)?;
        fault::point("jobs.written");
        // Without a second chance the queue is as good; it must not fail for want of one.
        let _ = self.copies().keep(&bytes);
        fault::point("jobs.copied");
        drop(lock);
        fault::point("jobs.unlocked");
        written.sync_dir().map_err(StoreError::from)?;
        fault::point("jobs.durable");
        Ok(result)
    }

    /// Takes the lock of the queue, and makes its folder where there is none.
    pub(super) fn lock(&self) -> Result<Held, StoreError> {
        let failed = |error: crate::store::private::PrivateError| StoreError::Io {
            action: "make",
            path: self.private.clone(),
            source: io::Error::other(error),
        };
        Private::open(&self.private).map_err(failed)?;
        let lock = lock::acquire(&self.private.join(".jobs.json.lock"), PATIENCE)?;
        fault::point("jobs.locked");
        Ok(Held(lock))
    }

    pub(super) fn copies(&self) -> Rotation {
        Rotation::new(&self.private, "jobs", "jobs")
    }

    fn load(&self) -> Result<Read, StoreError> {
        let path = self.path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Read { jobs: Jobs::default(), newer: None });
            }
            Err(source) => return Err(StoreError::Io { action: "read", path, source }),
        };
        parse(&bytes).map_err(|unreadable| {
            let (line, column, what) = match unreadable {
                Unreadable::Newer(version) => return StoreError::Newer { path: path.clone(), version },
                Unreadable::Json(error) => {
                    let text = error.to_string();
                    let what = text.rfind(" at line ").map_or(text.clone(), |at| text[..at].to_owned());
                    (error.line(), error.column(), what)
                }
                Unreadable::Value(what) => (0, 0, what),
            };
            StoreError::Corrupt { path: path.clone(), line, column, what, newest: None }
        })
    }
}
