//! The journals of turns: `turns/STREAM/THREAD/N.jsonl` in the private folder, one fact a line.
//!
//! The first line is the [`Header`], then come the agent's events, then the turn's end, and after it
//! only the steps of a check of what it left. A journal has one writer and only grows. One invariant: whatever happened to a journal
//! (a writer killed in the middle of a line, a damaged block), every whole line can still be read.

mod line;
mod reader;
mod writer;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

pub use line::{Entry, Header, JournalLine, Kept};
pub use reader::Reader;
pub use writer::Writer;

use crate::model::{StreamId, ThreadId, TurnNumber};

/// Why a journal was not read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the journal `{path}`")]
pub struct JournalError {
    /// What was tried, e.g. `append to`.
    pub action: &'static str,
    /// The journal.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// All journals of a repository.
#[derive(Debug, Clone)]
pub struct Journals {
    root: PathBuf,
}

impl Journals {
    /// The journals in the private folder. Touches nothing.
    #[must_use]
    pub fn new(private: &Path) -> Self {
        Self { root: private.join("turns") }
    }

    /// The folder of a stream's journals.
    #[must_use]
    pub fn dir_of(&self, stream: &StreamId) -> PathBuf {
        self.root.join(stream.as_str())
    }

    /// The threads of a stream that have a journal, in order.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn threads(&self, stream: &StreamId) -> Result<Vec<ThreadId>, JournalError> {
        let dir = self.dir_of(stream);
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries.flatten(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(JournalError { action: "list", path: dir, source }),
        };
        let mut threads: Vec<ThreadId> =
            entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        threads.sort_unstable();
        Ok(threads)
    }

    /// The folder of a thread's journals.
    #[must_use]
    pub fn dir(&self, stream: &StreamId, thread: ThreadId) -> PathBuf {
        self.root.join(stream.as_str()).join(thread.to_string())
    }

    /// The journal of a turn.
    #[must_use]
    pub fn path(&self, stream: &StreamId, thread: ThreadId, turn: TurnNumber) -> PathBuf {
        self.dir(stream, thread).join(format!("{turn}.jsonl"))
    }

    /// The turns of a thread that have a journal, oldest first.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn turns(&self, stream: &StreamId, thread: ThreadId) -> Result<Vec<TurnNumber>, JournalError> {
        let dir = self.dir(stream, thread);
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(JournalError { action: "list", path: dir, source }),
        };
        let mut turns: Vec<TurnNumber> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".jsonl")?.parse().ok())
            .collect();
        turns.sort_unstable();
        Ok(turns)
    }

    /// Opens the journal of the next turn of a thread. Two callers never get the same one.
    ///
    /// `header.turn` is set to its number, which is never less than it was.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn begin(&self, header: Header) -> Result<Writer, JournalError> {
        let (dir, turns) =
            (self.dir(&header.stream, header.thread), self.turns(&header.stream, header.thread)?);
        super::private::create_dir(&dir).map_err(|source| JournalError {
            action: "make",
            path: dir.clone(),
            source,
        })?;
        let next = turns.last().map_or(1, |last| last + 1);
        Writer::create(&dir, next.max(header.turn), header)
    }

    /// The journal of a turn, to be read from its start.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn read(
        &self,
        stream: &StreamId,
        thread: ThreadId,
        turn: TurnNumber,
    ) -> Result<Reader, JournalError> {
        Reader::open(self.path(stream, thread, turn), 0)
    }
}
