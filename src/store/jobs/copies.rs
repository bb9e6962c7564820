//! Earlier versions of `jobs.json`, and the way back to one.
//!
//! One invariant: nothing that comes back starts by itself: a job that was pending waits for a person.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::queue::{JobStore, JobStoreError};
use super::wire::{parse, render};
use crate::model::{JobState, Jobs};
use crate::store::StoreError;
use crate::sys::atomic::{self, Access};

/// A version of the queue that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobsCopy {
    /// Where it is.
    pub path: PathBuf,
    /// How many jobs it has.
    pub jobs: usize,
}

impl JobStore {
    /// The newest version that can be read.
    #[must_use]
    pub fn newest_copy(&self) -> Option<JobsCopy> {
        self.copies().newest_first().into_iter().find_map(|path| {
            let jobs = read(&path).ok()?.jobs.len();
            Some(JobsCopy { path, jobs })
        })
    }

    /// Puts a version in the place of a file that can't be read, which is kept beside it. Gives where.
    ///
    /// # Errors
    /// [`JobStoreError`]: `Sound` when the file can be read.
    pub fn restore(&self, copy: &JobsCopy) -> Result<PathBuf, JobStoreError> {
        let path = self.path();
        let lock = self.lock()?;
        match self.read() {
            Ok(_) => return Err(StoreError::Sound { path }.into()),
            Err(JobStoreError(StoreError::Corrupt { .. })) => {}
            Err(other) => return Err(other),
        }
        let mut jobs = read(&copy.path).map_err(|source| StoreError::Io {
            action: "read",
            path: copy.path.clone(),
            source,
        })?;
        for job in &mut jobs.jobs {
            if let JobState::Pending { by } = &mut job.state {
                *by = None;
            }
        }
        let bytes = render(&jobs).map_err(StoreError::Render)?;
        let kept = set_aside(&path)?;
        lock.check()?;
        let written = atomic::replace(&path, &bytes, Access::Private).map_err(StoreError::from)?;
        drop(lock);
        written.sync_dir().map_err(StoreError::from)?;
        Ok(kept)
    }
}

fn read(path: &Path) -> io::Result<Jobs> {
    let bytes = fs::read(path)?;
    parse(&bytes).map(|read| read.jobs).map_err(|_| io::Error::other("it can't be read any more"))
}

/// Keeps the file beside, under a name that nobody has.
fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let failed = |source: io::Error| StoreError::Io { action: "keep", path: path.to_owned(), source };
    let bytes = fs::read(path).map_err(failed)?;
    for number in 1_u32.. {
        let aside = path.with_file_name(format!("jobs.corrupt-{number}.json"));
        if fs::symlink_metadata(&aside).is_err() {
            atomic::write_private(&aside, &bytes)?;
            return Ok(aside);
        }
    }
    Err(failed(io::Error::other("every name is taken")))
}
