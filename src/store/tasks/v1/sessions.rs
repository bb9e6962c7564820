//! Session records of version 1: on tasks, and in `threads.json`.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::fields::{objects, odd, take, text, time};
use crate::diag::Diagnostic;
use crate::model::{
    AgentName, End, Extra, Outcome, SessionId, SessionRecord, SessionRef, SessionState, Stream, Thread,
    ThreadId,
};

/// What hangs on a record that was found twice and did not say the same both times.
const ALSO: &str = "alsoRecorded";

/// The record of a version 1 object. Its number is given by [`settle`].
pub(super) fn record(mut raw: Extra) -> SessionRecord {
    let session = match take::<String>(&mut raw, "sessionId") {
        Some(id) => SessionRef::Invented(id),
        None => SessionRef::Unopened,
    };
    let started = time(&mut raw, "startedAt");
    let completed = time(&mut raw, "completedAt");
    let agent = AgentName(take(&mut raw, "agentName").unwrap_or_default());
    let model = take(&mut raw, "model").unwrap_or_default();
    let outcome = match raw.get("status").and_then(Value::as_str) {
        Some("running") => None,
        Some("completed") => Some(Outcome::Completed),
        Some("failed") => Some(Outcome::Failed),
        _ => Some(Outcome::Interrupted),
    };
    if matches!(
        raw.get("status").and_then(Value::as_str),
        Some("running" | "completed" | "failed" | "interrupted")
    ) {
        raw.shift_remove("status");
    }
    let state = match outcome {
        Some(outcome) => {
            let exit_code = take(&mut raw, "exitCode");
            SessionState::Ended { outcome, end: End { at: completed, exit_code, ..End::default() } }
        }
        None => {
            if let Some(at) = completed {
                raw.insert("completedAt".to_owned(), Value::String(at.to_rfc3339()));
            }
            SessionState::Running { owner: None, asks: Vec::new() }
        }
    };
    SessionRecord {
        session,
        attempt: 0,
        agent,
        model,
        variant: None,
        backend: None,
        mode: None,
        directory: None,
        started_at: started.or(completed).unwrap_or_default(),
        state,
        resumed_from: None,
        turns: Vec::new(),
        usage: None,
        verification: None,
        outside_paths: None,
        extra: raw,
    }
}

/// Adds a record, unless it is there: the same one may hang on several tasks of a thread.
pub(super) fn add(records: &mut Vec<SessionRecord>, record: SessionRecord) {
    let same = |other: &&mut SessionRecord| {
        matches!(&record.session, SessionRef::Invented(_)) && other.session == record.session
    };
    let Some(known) = records.iter_mut().find(same) else {
        records.push(record);
        return;
    };
    if *known == record {
        return;
    }
    // The one that tells of an end knows more; what the other says differently stays readable.
    let mut other = record;
    if known.is_open() && !other.is_open() {
        std::mem::swap(known, &mut other);
    }
    let also = known.extra.entry(ALSO).or_insert_with(|| Value::Array(Vec::new()));
    let mut earlier = other.extra.shift_remove(ALSO).into_iter().collect::<Vec<_>>();
    if let Value::Array(list) = also {
        list.push(describe(&other));
        list.append(&mut earlier);
    }
}

/// A record as an object again, for `extra`.
fn describe(record: &SessionRecord) -> Value {
    let mut object = record.extra.clone();
    let (status, end) = match &record.state {
        SessionState::Running { .. } => ("running", End::default()),
        SessionState::Ended { outcome, end } => (outcome.name(), end.clone()),
    };
    object.insert("status".to_owned(), status.into());
    object.insert("agentName".to_owned(), record.agent.0.clone().into());
    object.insert("model".to_owned(), record.model.clone().into());
    object.insert("startedAt".to_owned(), record.started_at.to_rfc3339().into());
    if let Some(at) = end.at {
        object.insert("completedAt".to_owned(), at.to_rfc3339().into());
    }
    if let Some(code) = end.exit_code {
        object.insert("exitCode".to_owned(), code.into());
    }
    Value::Object(object)
}

/// Adds what `threads.json` knows: more records, and the real id of each thread's last run.
pub(super) fn add_threads_file(stream: &mut Stream, file: Value, notes: &mut Vec<Diagnostic>) {
    let Value::Object(mut file) = file else {
        notes.push(odd("`threads.json` holds no object; it is left as it is".to_owned()));
        return;
    };
    let saved = time(&mut file, "last_updated").unwrap_or(stream.updated_at);
    let mut unplaced = Vec::new();
    for mut raw in objects(&mut file, "threads") {
        let id = raw.get("threadId").and_then(Value::as_str).and_then(|id| id.parse::<ThreadId>().ok());
        let Some(id) = id else {
            unplaced.push(Value::Object(raw));
            continue;
        };
        raw.shift_remove("threadId");
        let at = stream.threads.iter().position(|thread| thread.id == id).unwrap_or_else(|| {
            notes.push(odd(format!("thread `{id}` of `threads.json` has no tasks")));
            stream.threads.push(Thread::new(id));
            stream.threads.len() - 1
        });
        add_thread(&mut stream.threads[at], raw, saved);
    }
    if !unplaced.is_empty() {
        notes.push(odd(format!(
            "{} entries of `threads.json` have no thread id; they are kept in `unplacedThreads`",
            unplaced.len()
        )));
        stream.extra.insert("unplacedThreads".to_owned(), Value::Array(unplaced));
    }
    stream.threads.sort_by_key(|thread| thread.id);
}

fn add_thread(thread: &mut Thread, mut raw: Extra, saved: DateTime<Utc>) {
    for session in objects(&mut raw, "sessions") {
        add(&mut thread.sessions, record(session));
    }
    thread.sessions.sort_by_key(|record| record.started_at);
    let current = raw.get("currentSessionId").and_then(Value::as_str);
    let open = thread.sessions.iter().any(|record| {
        record.is_open()
            && matches!(&record.session, SessionRef::Invented(id) if Some(id.as_str()) == current)
    });
    if open || current.is_none_or(str::is_empty) {
        raw.shift_remove("currentSessionId");
    }
    // With a second agent that summed up the work, the working agent's session is the one to resume.
    let summary = text(&mut raw, "opencodeSessionId");
    let working = text(&mut raw, "workingAgentSessionId");
    if let (Some(summary), Some(working)) = (&summary, &working)
        && summary != working
    {
        raw.insert("opencodeSessionId".to_owned(), Value::String(summary.clone()));
    }
    if let Some(real) = working.or(summary) {
        set_real_id(thread, real, saved);
    }
    for (key, value) in raw {
        thread.extra.entry(key).or_insert(value);
    }
}

/// Gives the last record the id that the agent knows, and makes one where there is none.
fn set_real_id(thread: &mut Thread, real: String, saved: DateTime<Utc>) {
    if let Some(last) = thread.sessions.last_mut() {
        if let SessionRef::Invented(invented) = &last.session {
            last.extra.insert("inventedSessionId".to_owned(), Value::String(invented.clone()));
        }
        last.session = SessionRef::Known(SessionId(real));
        return;
    }
    let done = !thread.tasks.is_empty() && thread.tasks.iter().all(|task| task.status.is_settled());
    let mut known = record(Extra::new());
    known.session = SessionRef::Known(SessionId(real));
    known.agent = thread.agent.clone().unwrap_or(AgentName(String::new()));
    known.started_at = thread.tasks.iter().map(|task| task.updated_at).max().unwrap_or(saved);
    let outcome = if done { Outcome::Completed } else { Outcome::Interrupted };
    known.state = SessionState::Ended { outcome, end: End::default() };
    thread.sessions.push(known);
}

/// Orders and numbers the attempts, and leaves at most the last one open.
pub(super) fn settle(stream: &mut Stream, notes: &mut Vec<Diagnostic>) {
    for thread in &mut stream.threads {
        thread.sessions.sort_by_key(|record| record.started_at);
        let last = thread.sessions.len().saturating_sub(1);
        for (at, record) in thread.sessions.iter_mut().enumerate() {
            record.attempt = u32::try_from(at + 1).unwrap_or(u32::MAX);
            if record.is_open() && at < last {
                notes.push(odd(format!(
                    "attempt {} of thread `{}` was never ended, though another one followed",
                    record.attempt, thread.id
                )));
                let end = End {
                    interrupted_by: Some("nobody recorded its end; another attempt followed".to_owned()),
                    ..End::default()
                };
                record.state = SessionState::Ended { outcome: Outcome::Interrupted, end };
            }
        }
    }
}
