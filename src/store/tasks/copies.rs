//! Earlier versions of `tasks.json`, and what is in them. Only those that can be read count as good.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::parse::{Loaded, parse};
use super::v1;
use crate::model::StreamId;
use crate::store::rotation::Rotation;

/// An earlier version that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodCopy {
    /// Where it is.
    pub path: PathBuf,
    /// When the state in it was written.
    pub at: DateTime<Utc>,
    /// How many threads it has.
    pub threads: usize,
    /// How many tasks it has.
    pub tasks: usize,
    /// How many session records it has.
    pub sessions: usize,
}

/// The copies of one stream.
#[derive(Debug, Clone)]
pub(super) struct Copies(Rotation);

impl Copies {
    pub(super) fn new(private: &Path, stream: &str) -> Self {
        Self(Rotation::new(private, stream, "tasks"))
    }

    /// Keeps `bytes` as the newest copy and removes the oldest. Only under the stream's lock.
    pub(super) fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.keep(bytes)
    }

    /// Keeps `bytes` unless they are the newest copy already. Only under the stream's lock.
    pub(super) fn keep_if_new(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.keep_if_new(bytes)
    }

    /// The copies that can be read, newest first.
    pub(super) fn good(&self) -> Vec<GoodCopy> {
        self.0.newest_first().into_iter().filter_map(good).collect()
    }
}

fn good(path: PathBuf) -> Option<GoodCopy> {
    let bytes = fs::read(&path).ok()?;
    let Loaded { stream, .. } = parse(&bytes, |_| Err(v1::refused())).ok()?;
    Some(GoodCopy {
        path,
        at: stream.updated_at,
        threads: stream.threads.len(),
        tasks: stream.threads.iter().map(|thread| thread.tasks.len()).sum(),
        sessions: stream.threads.iter().map(|thread| thread.sessions.len()).sum(),
    })
}

/// Whether a folder name is a stream's, so that copies of it have a place.
pub(super) fn folder_of(dir: &Path) -> Option<String> {
    let name = dir.file_name()?.to_str()?;
    name.parse::<StreamId>().ok().map(|id| id.to_string())
}
