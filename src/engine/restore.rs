//! `work validate --restore`: earlier versions of tasks.json, and the way back to one.
//!
//! One invariant: nothing is replaced that is not kept beside, and never the state of work that is
//! going on.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Hint, StreamHandle, owner};
use crate::model::{Progress, Stream, ThreadId};
use crate::store::{GoodCopy, StoreError, TransactError};

/// How much a state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Numbers {
    /// Threads.
    pub threads: i64,
    /// Tasks.
    pub tasks: i64,
    /// Tasks that are completed.
    pub completed: i64,
    /// Reports of tasks.
    pub reports: i64,
    /// Session records.
    pub sessions: i64,
}

impl Numbers {
    fn of(stream: &Stream) -> Self {
        let tasks = || stream.threads.iter().flat_map(|thread| &thread.tasks);
        let progress = Progress::of(tasks());
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            threads: number(stream.threads.len()),
            tasks: number(tasks().count()),
            completed: number(progress.completed),
            reports: number(tasks().filter(|task| task.report.is_some()).count()),
            sessions: number(stream.threads.iter().map(|thread| thread.sessions.len()).sum()),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            threads: self.threads - other.threads,
            tasks: self.tasks - other.tasks,
            completed: self.completed - other.completed,
            reports: self.reports - other.reports,
            sessions: self.sessions - other.sessions,
        }
    }

    /// `+1 task, -2 reports`; empty when all are zero.
    #[must_use]
    pub fn words(self) -> String {
        let parts = [
            (self.threads, "thread", "threads"),
            (self.tasks, "task", "tasks"),
            (self.completed, "completed", "completed"),
            (self.reports, "report", "reports"),
            (self.sessions, "session", "sessions"),
        ];
        let parts = parts.into_iter().filter(|(number, ..)| *number != 0);
        let words = parts
            .map(|(number, one, many)| format!("{number:+} {}", if number.abs() == 1 { one } else { many }));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// An earlier version that can be read.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CopyRow {
    /// Its number; 1 is the newest.
    pub number: usize,
    /// The name of its file.
    pub name: String,
    /// When the state in it was written.
    pub at: DateTime<Utc>,
    /// What it holds.
    pub holds: Numbers,
    /// What it has more, or less, than tasks.json now; nothing when that can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differs: Option<Numbers>,
    /// Whether it is tasks.json as it is now, byte for byte.
    pub same: bool,
    #[serde(skip)]
    copy: GoodCopy,
}

/// What was brought back.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The copy.
    pub copy: GoodCopy,
    /// Where the file that was there is kept; none when there was none.
    pub kept: Option<PathBuf>,
}

/// Why nothing was brought back. Everything is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is no copy.
    #[error("there is no good copy of `{0}`")]
    NoCopy(PathBuf),
    /// There is no such copy.
    #[error("no good copy `{wanted}`")]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// How many there are.
        count: usize,
    },
    /// An agent is at work, and its end would find no record.
    #[error("{} {} running", list(.0), if .0.len() == 1 { "is" } else { "are" })]
    Running(Vec<ThreadId>),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(threads: &[ThreadId]) -> String {
    threads.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl From<TransactError<RestoreError>> for RestoreError {
    fn from(error: TransactError<RestoreError>) -> Self {
        match error {
            TransactError::Store(error) => Self::Store(error),
            TransactError::Refused(error) => error,
        }
    }
}

impl Hint for RestoreError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoCopy(_) => vec!["bring it back with git, or correct it by hand".to_owned()],
            Self::Unknown { count, .. } => {
                vec![format!("`work validate --restore` lists them; they are numbered from 1 to {count}")]
            }
            Self::Running(_) => {
                vec!["wait until they are done, or stop them: `work supervisor stop`".to_owned()]
            }
            Self::Store(error) => error.hint().into_iter().collect(),
        }
    }
}

/// The copies of a stream's state, newest first.
#[must_use]
pub fn copies(handle: &StreamHandle) -> Vec<CopyRow> {
    let current = handle.store.read().ok().map(|stream| Numbers::of(&stream));
    let bytes = std::fs::read(handle.store.path()).ok();
    let row = |(index, copy): (usize, GoodCopy)| {
        let holds = Numbers::of(&handle.store.read_copy(&copy).ok()?);
        Some(CopyRow {
            number: index + 1,
            name: copy.path.file_name()?.to_string_lossy().into_owned(),
            at: copy.at,
            holds,
            differs: current.map(|current| holds.minus(current)),
            same: bytes.is_some() && std::fs::read(&copy.path).ok() == bytes,
            copy,
        })
    };
    handle.store.good_copies().into_iter().enumerate().filter_map(row).collect()
}

/// Whether tasks.json needs no restoring.
#[must_use]
pub fn is_sound(handle: &StreamHandle) -> bool {
    handle.store.load().is_ok()
}

/// Brings back the copy that is `wanted`, by its number or the name of its file; without, the newest,
/// and only in the place of a file that can't be read.
///
/// # Errors
/// [`RestoreError`].
pub fn restore(handle: &StreamHandle, wanted: Option<&str>) -> Result<Restored, RestoreError> {
    let Some(wanted) = wanted else {
        let newest = handle.store.good_copies().into_iter().next();
        let copy = newest.ok_or_else(|| RestoreError::NoCopy(handle.store.path()))?;
        let kept = handle.store.restore(&copy)?;
        return Ok(Restored { copy, kept });
    };
    let rows = copies(handle);
    let count = rows.len();
    let is_it = |row: &CopyRow| {
        wanted.parse() == Ok(row.number)
            || row.name == wanted
            || row.name.strip_suffix(".json") == Some(wanted)
    };
    let unknown = || RestoreError::Unknown { wanted: wanted.to_owned(), count };
    if rows.is_empty() {
        return Err(RestoreError::NoCopy(handle.store.path()));
    }
    let copy = rows.into_iter().find(is_it).ok_or_else(unknown)?.copy;
    let kept = handle.store.bring_back(&copy, nobody_runs)?;
    Ok(Restored { copy, kept })
}

fn nobody_runs(stream: &Stream) -> Result<(), RestoreError> {
    let runs = |record: &crate::model::SessionRecord| record.owner().is_some_and(owner::is_alive);
    let running = stream.threads.iter().filter(|thread| thread.sessions.iter().any(runs));
    let running: Vec<ThreadId> = running.map(|thread| thread.id).collect();
    if running.is_empty() { Ok(()) } else { Err(RestoreError::Running(running)) }
}
