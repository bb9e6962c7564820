//! The one writer of a journal: appends whole lines.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::JournalError;
use super::line::{Header, HeaderKind, HeaderLine, JournalLine};
use crate::model::{AgentEvent, TurnNumber};
use crate::sys::clock::Clock;
use crate::sys::fault;

/// The version of the format.
const VERSION: u32 = 1;

/// Appends to one journal. A line is handed to the system in one piece and not made durable, before
/// [`sync`](Self::sync) does that; what the end of a turn means for the record stands in `tasks.json`, which
/// always is.
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
    turn: TurnNumber,
    clock: Clock,
    line: Vec<u8>,
}

impl Writer {
    pub(super) fn create(dir: &Path, first: TurnNumber, header: Header) -> Result<Self, JournalError> {
        let mut turn = first;
        let (file, path) = loop {
            let path = dir.join(format!("{turn}.jsonl"));
            match OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => break (file, path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => turn += 1,
                Err(source) => return Err(JournalError { action: "make", path, source }),
            }
        };
        // The umask may have taken even our own rights.
        file.set_permissions(Permissions::from_mode(0o600)).map_err(|source| JournalError {
            action: "make",
            path: path.clone(),
            source,
        })?;
        let mut writer = Self { file, path, turn, clock: Clock::System, line: Vec::new() };
        let header = Header { turn, ..header };
        let at = writer.clock.now();
        writer.put(&HeaderLine { at, kind: HeaderKind::TurnStarted, version: VERSION, header })?;
        Ok(writer)
    }

    /// Goes on with a journal whose writer is gone. A line that it left unfinished is closed, so
    /// that readers skip it and nothing else.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn reopen(path: &Path, turn: TurnNumber) -> Result<Self, JournalError> {
        let fail = |source| JournalError { action: "reopen", path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).append(true).open(path).map_err(fail)?;
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(0)).map_err(fail)? > 0 {
            file.seek(SeekFrom::End(-1)).map_err(fail)?;
            file.read_exact(&mut last).map_err(fail)?;
        }
        if last != *b"\n" {
            file.write_all(b"\n").map_err(fail)?;
        }
        Ok(Self { file, path: path.to_owned(), turn, clock: Clock::System, line: Vec::new() })
    }

    /// The same, with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The number of the turn.
    #[must_use]
    pub fn turn(&self) -> TurnNumber {
        self.turn
    }

    /// The journal.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends an event, now.
    ///
    /// # Errors
    /// [`JournalError`]; the line may then stand there in part.
    pub fn append(&mut self, event: AgentEvent) -> Result<JournalLine, JournalError> {
        self.append_at(self.clock.now(), event)
    }

    /// Appends an event that happened at `at`.
    ///
    /// # Errors
    /// [`JournalError`]; the line may then stand there in part.
    pub fn append_at(&mut self, at: DateTime<Utc>, event: AgentEvent) -> Result<JournalLine, JournalError> {
        let line = JournalLine { at, event };
        self.put(&line)?;
        Ok(line)
    }

    /// Makes all that was appended durable, as the end of a turn has to be.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(|source| JournalError {
            action: "sync",
            path: self.path.clone(),
            source,
        })
    }

    fn put(&mut self, line: &impl Serialize) -> Result<(), JournalError> {
        self.line.clear();
        let written = serde_json::to_writer(&mut self.line, line).map_err(io::Error::from).and_then(|()| {
            self.line.push(b'\n');
            self.file.write_all(&self.line)
        });
        fault::point("journal.appended");
        written.map_err(|source| JournalError { action: "append to", path: self.path.clone(), source })
    }
}
