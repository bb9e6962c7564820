//! Earlier versions of `tasks.json`, kept in the private folder for the day the file can't be read.
//!
//! A copy is not fsynced: it is a second chance, not the record. One that a power cut tore is not
//! offered, since only copies that can be read count as good.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::parse::{Loaded, parse};
use super::v1;
use crate::model::StreamId;

/// How many copies of a stream are kept.
const KEPT: usize = 5;

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
pub(super) struct Copies {
    dir: PathBuf,
}

impl Copies {
    pub(super) fn new(private: &Path, stream: &str) -> Self {
        Self { dir: private.join("backups").join(stream) }
    }

    /// Keeps `bytes` as the newest copy and removes the oldest. Only under the stream's lock.
    pub(super) fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        let mut numbers = match self.numbers() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                crate::store::private::create_dir(&self.dir)?;
                Vec::new()
            }
            numbers => numbers?,
        };
        let next = numbers.last().map_or(1, |last| last + 1);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path(next))?;
        file.write_all(bytes)?;
        numbers.truncate((numbers.len() + 1).saturating_sub(KEPT));
        for old in numbers {
            fs::remove_file(self.path(old))?;
        }
        Ok(())
    }

    /// Keeps `bytes` unless they are the newest copy already. Only under the stream's lock.
    pub(super) fn keep_if_new(&self, bytes: &[u8]) -> io::Result<()> {
        let newest = self.numbers().unwrap_or_default().pop();
        match newest.map(|number| fs::read(self.path(number))) {
            Some(Ok(newest)) if newest == bytes => Ok(()),
            _ => self.keep(bytes),
        }
    }

    /// The copies that can be read, newest first.
    pub(super) fn good(&self) -> Vec<GoodCopy> {
        let numbers = self.numbers().unwrap_or_default();
        numbers.into_iter().rev().filter_map(|number| good(self.path(number))).collect()
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("tasks-{number:06}.json"))
    }

    /// The numbers of all copies, oldest first.
    fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers: Vec<u64> = fs::read_dir(&self.dir)?
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                name.to_str()?.strip_prefix("tasks-")?.strip_suffix(".json")?.parse().ok()
            })
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
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
