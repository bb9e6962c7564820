//! The only way to change the queue: lock, read, change, write, let go, make durable.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::wire::{Read, Unreadable, parse, render};
use crate::model::Jobs;
use crate::store::private::Private;
use crate::store::{StoreError, TransactError};
use crate::sys::atomic::{self, Access};
use crate::sys::lock;

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
            StoreError::Corrupt { path, .. } => Some(format!(
                "correct it by hand, or `mv {path} {path}.bad` and begin with an empty queue: the records of \
                 all turns are elsewhere",
                path = path.display()
            )),
            StoreError::Newer { .. } => Some("upgrade `work`; until then it only reads the queue".to_owned()),
            other => other.hint(),
        }
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
        let failed = |error: crate::store::private::PrivateError| StoreError::Io {
            action: "make",
            path: self.private.clone(),
            source: io::Error::other(error),
        };
        Private::open(&self.private).map_err(failed)?;
        let lock =
            lock::acquire(&self.private.join(".jobs.json.lock"), PATIENCE).map_err(StoreError::from)?;
        let Read { jobs: before, newer } = self.load()?;
        if let Some(version) = newer {
            return Err(StoreError::Newer { path, version }.into());
        }
        let mut jobs = before.clone();
        let result = change(&mut jobs).map_err(TransactError::Refused)?;
        if jobs == before {
            return Ok(result);
        }
        let bytes = render(&jobs).map_err(StoreError::Render)?;
        atomic::remove_leftovers(&path);
        if !lock.is_intact() {
            return Err(StoreError::LockLost { path: lock.path().to_owned() }.into());
        }
        let written = atomic::replace(&path, &bytes, Access::Private).map_err(StoreError::from)?;
        drop(lock);
        written.sync_dir().map_err(StoreError::from)?;
        Ok(result)
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
