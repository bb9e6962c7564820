//! The files of the older tool: `tasks.json` version 1, `threads.json` beside it, `index.json` above.
//!
//! They are read as they are and become a [`Stream`](crate::model::Stream) in memory. Whatever is
//! odd in them is a warning and never an error, and whatever the model has no place for is kept in
//! `extra`: nothing of them is lost. Session ids in them were made up, so no agent knows them; the
//! one exception is the id of a thread's last run, which later versions kept apart.

mod approvals;
mod fields;
mod sessions;
mod tasks;
pub(super) mod tasks_md;

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::parse::Unreadable;
use crate::diag::Diagnostic;
use crate::model::Stream;

/// A stream made from files of the older tool.
#[derive(Debug)]
pub(super) struct Migrated {
    pub(super) stream: Stream,
    /// What was odd.
    pub(super) notes: Vec<Diagnostic>,
}

/// The files of a stream, as they are.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// The name of the stream's folder.
    pub(super) folder: String,
    /// `tasks.json`
    pub(super) tasks: Value,
    /// `threads.json`, where there is one.
    pub(super) threads: Option<Value>,
    /// `index.json` of the folder above, where there is one.
    pub(super) index: Option<Value>,
}

/// Reads version 1 of `tasks.json` and the files that belong to it.
pub(super) fn read(bytes: &[u8], dir: &Path) -> Result<Migrated, Unreadable> {
    let tasks = serde_json::from_slice(bytes).map_err(Unreadable::Json)?;
    // `threads.json` holds session records: without it, some would be lost.
    let threads = match beside(&dir.join("threads.json")) {
        Ok(bytes) => bytes
            .map(|bytes| serde_json::from_slice(&bytes))
            .transpose()
            .map_err(|error| Unreadable::Beside("threads.json", error))?,
        Err(error) => return Err(Unreadable::BesideIo("threads.json", error)),
    };
    // `index.json` only adds approvals; without it, they are given again.
    let mut notes = Vec::new();
    let index = dir.parent().map(|parent| parent.join("index.json")).and_then(|path| {
        let read = beside(&path).map_err(|error| error.to_string()).and_then(|bytes| {
            bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose().map_err(|e| e.to_string())
        });
        read.unwrap_or_else(|error| {
            notes.push(fields::odd(format!(
                "`index.json` can't be read, so its approvals are not taken over: {error}"
            )));
            None
        })
    });
    let folder = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut migrated = migrate(Sources { folder, tasks, threads, index });
    notes.append(&mut migrated.notes);
    Ok(Migrated { notes, ..migrated })
}

/// A copy is always of our own version.
pub(super) fn refused() -> Unreadable {
    Unreadable::Value("it is of version 1".to_owned())
}

/// Makes a stream of the files.
pub(super) fn migrate(sources: Sources) -> Migrated {
    let mut notes = Vec::new();
    let mut stream = tasks::stream(sources.tasks, &sources.folder, &mut notes);
    if let Some(threads) = sources.threads {
        sessions::add_threads_file(&mut stream, threads, &mut notes);
    }
    sessions::settle(&mut stream, &mut notes);
    if let Some(index) = sources.index {
        approvals::add_index(&mut stream, &index);
    }
    Migrated { stream, notes }
}

fn beside(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
