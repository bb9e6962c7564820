//! A stream of the older tool as a whole: what a take-over needs beside the state itself.
//!
//! Counts what the files hold before anything is converted, so that whoever takes a stream over can
//! show that nothing was lost on the way.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::error::{StoreError, TransactError};
use super::parse::{Format, Loaded};
use super::transact::Store;
use super::v1::tasks_md;
use crate::diag::Diagnostic;
use crate::model::{Extra, Stream, TaskId, ThreadId};

/// How much of everything there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Threads of which something is recorded.
    pub threads: usize,
    /// Tasks.
    pub tasks: usize,
    /// Tasks with a report.
    pub reports: usize,
    /// Session records.
    pub sessions: usize,
}

impl Counts {
    /// Those of a stream; tasks without a place count as well.
    #[must_use]
    pub fn of(stream: &Stream) -> Self {
        let tasks = || stream.threads.iter().flat_map(|thread| &thread.tasks);
        let unplaced = stream.extra.get("unplacedTasks").and_then(Value::as_array);
        let unplaced = || unplaced.into_iter().flatten();
        Self {
            threads: stream.threads.len(),
            tasks: tasks().count() + unplaced().count(),
            reports: tasks().filter(|task| task.report.is_some()).count()
                + unplaced().filter(|task| task["report"].is_string()).count(),
            sessions: stream.threads.iter().map(|thread| thread.sessions.len()).sum(),
        }
    }

    /// Those of the files, before anything is made of them.
    fn of_files(tasks: &Value, threads: Option<&Value>, list: &[tasks_md::Listed]) -> Self {
        let raw = || tasks["tasks"].as_array().into_iter().flatten().filter(|task| task.is_object());
        let mut ids: HashSet<TaskId> = HashSet::new();
        let mut reported: HashSet<TaskId> = HashSet::new();
        let mut thread_ids: HashSet<ThreadId> = HashSet::new();
        let mut sessions: HashSet<(Option<ThreadId>, String)> = HashSet::new();
        let mut found = Self::default();
        let mut nameless = 0;
        let mut add_sessions = |thread: Option<ThreadId>, of: &Value| {
            let list = of["sessions"].as_array();
            for session in list.into_iter().flatten().filter(|session| session.is_object()) {
                match session["sessionId"].as_str() {
                    Some(id) => drop(sessions.insert((thread, id.to_owned()))),
                    None => nameless += 1,
                }
            }
            // A thread's real id is a record of its own where there is no other.
            let real = ["workingAgentSessionId", "opencodeSessionId"].iter().find_map(|key| of[key].as_str());
            if let Some(real) = real
                && !sessions.iter().any(|(other, _)| *other == thread)
            {
                sessions.insert((thread, real.to_owned()));
            }
        };
        for task in raw() {
            let id = task["id"].as_str().unwrap_or_default();
            let parsed = id.parse::<TaskId>().ok();
            let thread = parsed.map(|id| id.thread).or_else(|| {
                let before = id.rsplit_once('.').and_then(|(before, _)| before.parse().ok());
                id.parse().ok().or(before)
            });
            thread_ids.extend(thread);
            found.tasks += 1;
            found.reports += usize::from(task["report"].is_string());
            if task["report"].is_string() {
                reported.extend(parsed);
            }
            ids.extend(parsed);
            // One without a place is kept as it is, with its sessions in it.
            if thread.is_some() {
                add_sessions(thread, &serde_json::json!({ "sessions": task["sessions"] }));
            }
        }
        for thread in threads.and_then(|file| file["threads"].as_array()).into_iter().flatten() {
            let Some(id) = thread["threadId"].as_str().and_then(|id| id.parse().ok()) else { continue };
            thread_ids.insert(id);
            add_sessions(Some(id), thread);
        }
        for task in list {
            thread_ids.insert(task.id.thread);
            found.tasks += usize::from(ids.insert(task.id));
            found.reports += usize::from(task.report.is_some() && reported.insert(task.id));
        }
        Self { threads: thread_ids.len(), sessions: sessions.len() + nameless, ..found }
    }
}

/// `TASKS.md`, with what is odd in it.
#[derive(Debug, Clone)]
pub struct TaskList {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub source: String,
    /// What is odd.
    pub diagnostics: Vec<Diagnostic>,
}

/// A stream of the older tool, or of ours elsewhere.
#[derive(Debug, Clone)]
pub struct Older {
    /// The stream, with what only `TASKS.md` says.
    pub loaded: Loaded,
    /// The bytes of `tasks.json`; none when there is no such file.
    pub bytes: Option<Vec<u8>>,
    /// `TASKS.md`, where it was looked at.
    pub list: Option<TaskList>,
    /// How much there is in the files.
    pub found: Counts,
}

/// The name of the list of tasks.
const LIST: &str = "TASKS.md";

impl Store {
    /// Reads the stream with everything that the older tool kept beside it. A stream that only has a
    /// plan is an empty one.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn read_older(&self) -> Result<Older, StoreError> {
        let bytes = match self.bytes() {
            Ok(bytes) => Some(bytes),
            Err(StoreError::Missing { .. }) => None,
            Err(error) => return Err(error),
        };
        let dir = self.dir();
        let folder = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let empty = || serde_json::json!({ "stream_id": folder, "tasks": [] }).to_string().into_bytes();
        let mut loaded = self.parse(bytes.as_deref().unwrap_or(&empty()))?;
        if loaded.format != Format::V1 {
            let found = Counts::of(&loaded.stream);
            return Ok(Older { loaded, bytes, list: None, found });
        }
        let tasks = bytes.as_deref().and_then(json).unwrap_or_default();
        let threads = std::fs::read(dir.join("threads.json")).ok().as_deref().and_then(json);
        let source = self.list()?;
        let (list, mut diagnostics) = source.as_deref().map(tasks_md::parse).unwrap_or_default();
        let found = Counts::of_files(&tasks, threads.as_ref(), &list);
        diagnostics.append(&mut tasks_md::merge(&mut loaded.stream, list));
        let list = source.map(|source| TaskList { path: dir.join(LIST), source, diagnostics });
        Ok(Older { loaded, bytes, list, found })
    }

    /// The text of `TASKS.md`, if it is there.
    fn list(&self) -> Result<Option<String>, StoreError> {
        let path = self.dir().join(LIST);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Io { action: "read", path, source }),
        }
    }

    /// Rewrites a stream of the older tool, in its own folder, as ours: like `transact`, but written
    /// also when `change` leaves it as it is. The old `tasks.json` is kept as `tasks.v1.json`.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when it is one of ours already; else as `transact`.
    pub fn upgrade<T, E>(
        &self,
        change: impl FnOnce(&mut Stream) -> Result<T, E>,
    ) -> Result<T, TransactError<E>> {
        let lock = self.lock()?;
        let older = self.read_older()?;
        if older.loaded.format != Format::V1 {
            return Err(StoreError::Exists { path: self.path() }.into());
        }
        let mut stream = older.loaded.stream;
        let result = change(&mut stream).map_err(TransactError::Refused)?;
        if let Some(bytes) = &older.bytes {
            self.keep_v1(bytes)?;
        }
        let written = self.write(&mut stream, &lock)?;
        drop(lock);
        written.sync_dir().map_err(StoreError::from)?;
        Ok(result)
    }
}

fn json(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).ok()
}

/// `index.json` of the older tool: all its streams, and the current one.
#[derive(Debug, Clone, Default)]
pub struct OlderIndex {
    /// The id of the current stream.
    pub current: Option<String>,
    /// What it knows of each stream, by id.
    pub entries: Vec<(String, Extra)>,
    /// Its text.
    pub source: String,
}

/// Reads `index.json` in `root`; none when there is no such file.
///
/// # Errors
/// Why it can't be read, in words.
pub fn older_index(root: &Path) -> Result<Option<OlderIndex>, String> {
    let source = match std::fs::read(root.join("index.json")) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let file: Value =
        serde_json::from_str(source.trim_start_matches('\u{feff}')).map_err(|e| e.to_string())?;
    let current = file["current_stream"].as_str().map(str::to_owned);
    let entry = |entry: &Value| {
        let entry = entry.as_object()?;
        Some((entry.get("id")?.as_str()?.to_owned(), entry.clone()))
    };
    let entries = file["streams"].as_array().into_iter().flatten().filter_map(entry).collect();
    Ok(Some(OlderIndex { current, entries, source }))
}
