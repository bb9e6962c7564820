//! `tasks.json` version 1: a flat list of tasks, each with the names of its thread, batch and stage.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::fields::{objects, odd, take, time};
use super::sessions::record;
use crate::diag::Diagnostic;
use crate::model::{AgentName, Extra, Ordinal, Stream, StreamId, Task, TaskId, TaskStatus, Thread, ThreadId};

/// Where tasks are kept whose id says nothing of their place.
const UNPLACED: &str = "unplacedTasks";

/// The stream of a version 1 file, without `threads.json` and approvals.
pub(super) fn stream(file: Value, folder: &str, notes: &mut Vec<Diagnostic>) -> Stream {
    let mut file = match file {
        Value::Object(file) => file,
        // The caller saw an object; a list as the whole file has no place for anything else.
        other => Extra::from_iter([("tasks".to_owned(), other)]),
    };
    file.shift_remove("version");
    let id = stream_id(&mut file, folder, notes);
    let saved = time(&mut file, "last_updated");
    let tasks = objects(&mut file, "tasks");
    let first = tasks.iter().filter_map(|task| time(&mut task.clone(), "created_at")).min();
    let mut stream = Stream::new(id.clone(), id.slug().to_owned(), first.or(saved).unwrap_or_default());
    stream.updated_at = saved.unwrap_or(stream.created_at);
    let mut unplaced = Vec::new();
    for task in tasks {
        add_task(&mut stream, task, &mut unplaced, notes);
    }
    if !unplaced.is_empty() {
        notes.push(odd(format!(
            "{} tasks have an id that is no task id; they are kept in `{UNPLACED}` and not shown",
            unplaced.len()
        )));
        file.insert(UNPLACED.to_owned(), Value::Array(unplaced));
    }
    stream.extra = file;
    stream.threads.sort_by_key(|thread| thread.id);
    for thread in &mut stream.threads {
        thread.tasks.sort_by_key(|task| task.id);
    }
    stream
}

fn stream_id(file: &mut Extra, folder: &str, notes: &mut Vec<Diagnostic>) -> StreamId {
    let said = file.get("stream_id").and_then(Value::as_str).and_then(|id| id.parse::<StreamId>().ok());
    if let Some(id) = said {
        file.shift_remove("stream_id");
        return id;
    }
    notes.push(odd("`stream_id` is no stream id; the name of the folder is taken instead".to_owned()));
    folder
        .parse()
        .or_else(|_| StreamId::from_name(0, folder))
        .or_else(|_| StreamId::from_name(0, "imported"))
        .expect("`000-imported` is a stream id")
}

fn add_task(stream: &mut Stream, mut raw: Extra, unplaced: &mut Vec<Value>, notes: &mut Vec<Diagnostic>) {
    let said = raw.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some((thread_id, number)) = place(&said) else {
        unplaced.push(Value::Object(raw));
        return;
    };
    let known = stream.threads.iter().position(|thread| thread.id == thread_id);
    let tasks = known.map_or(&[][..], |at| &stream.threads[at].tasks);
    let id = match number.map(|number| thread_id.task(number)) {
        Some(id) if tasks.iter().all(|task| task.id != id) => id,
        wanted => {
            let last = tasks.iter().map(|task| task.id.number).max();
            let Some(free) = last.map_or(Some(Ordinal::FIRST), Ordinal::next) else {
                unplaced.push(Value::Object(raw));
                return;
            };
            let id = thread_id.task(free);
            notes.push(odd(match wanted {
                Some(_) => format!("task id `{said}` appears twice; the second one became `{id}`"),
                None => format!("`{said}` is no task id; the task became `{id}`"),
            }));
            raw.insert("originalId".to_owned(), Value::String(said));
            id
        }
    };
    raw.shift_remove("id");
    let at = known.unwrap_or_else(|| {
        stream.threads.push(Thread::new(thread_id));
        stream.threads.len() - 1
    });
    let thread = &mut stream.threads[at];
    name_thread(thread, &mut raw, known.is_none(), id, notes);
    add_sessions(thread, &mut raw);
    let task = task(id, raw, stream.updated_at, notes);
    thread.tasks.push(task);
}

/// The thread that a task id means, and its number there if it is a proper one.
fn place(id: &str) -> Option<(ThreadId, Option<Ordinal>)> {
    if let Ok(id) = id.parse::<TaskId>() {
        return Some((id.thread, Some(id.number)));
    }
    let thread = |text: &str| text.parse::<ThreadId>().ok();
    let (before, _) = id.rsplit_once('.')?;
    thread(id).or_else(|| thread(before)).map(|thread| (thread, None))
}

/// The first task names the thread; what later ones say differently stays with them.
fn name_thread(thread: &mut Thread, raw: &mut Extra, first: bool, id: TaskId, notes: &mut Vec<Diagnostic>) {
    let mut differs = |key: &str, of_thread: &mut String| {
        let said = raw.get(key).and_then(Value::as_str);
        if first && let Some(said) = said {
            said.clone_into(of_thread);
        }
        if said == Some(of_thread.as_str()) {
            raw.shift_remove(key);
        } else if said.is_some() {
            notes
                .push(odd(format!("`{key}` of task `{id}` is not the one of the other tasks of its thread")));
        }
    };
    differs("stage_name", &mut thread.stage_name);
    differs("batch_name", &mut thread.batch_name);
    differs("thread_name", &mut thread.name);
    let agent = raw.get("assigned_agent").and_then(Value::as_str).filter(|agent| !agent.is_empty());
    if let Some(agent) = agent {
        let of_thread = thread.agent.get_or_insert_with(|| AgentName(agent.to_owned()));
        if of_thread.0 == agent {
            raw.shift_remove("assigned_agent");
        } else {
            notes.push(odd(format!("task `{id}` was assigned to `{agent}`, its thread to `{of_thread}`")));
        }
    }
}

/// Moves the records of a task to its thread.
fn add_sessions(thread: &mut Thread, raw: &mut Extra) {
    let sessions = objects(raw, "sessions");
    let current = raw.get("currentSessionId").and_then(Value::as_str);
    let said = |session: &Extra, key: &str| session.get(key).and_then(Value::as_str).map(str::to_owned);
    // What names a record that is running follows from the record.
    let follows = sessions.iter().any(|session| {
        said(session, "status").as_deref() == Some("running")
            && said(session, "sessionId").as_deref() == current
    });
    if current.is_none_or(str::is_empty) || follows {
        raw.shift_remove("currentSessionId");
    }
    for session in sessions {
        super::sessions::add(&mut thread.sessions, record(session));
    }
}

fn task(id: TaskId, mut raw: Extra, saved: DateTime<Utc>, notes: &mut Vec<Diagnostic>) -> Task {
    let name = take(&mut raw, "name").unwrap_or_default();
    let created = time(&mut raw, "created_at");
    let updated = time(&mut raw, "updated_at");
    if created.is_none() || updated.is_none() {
        notes.push(odd(format!("task `{id}` does not tell when it was created or changed")));
    }
    let status = take(&mut raw, "status").unwrap_or_else(|| {
        // The unknown word stays in `extra`, and is written as long as nobody says anything else.
        notes.push(odd(format!("the status of task `{id}` is no word that we know; taken as in progress")));
        if raw.get("status").is_some_and(Value::is_string) {
            TaskStatus::InProgress
        } else {
            TaskStatus::Pending
        }
    });
    Task {
        id,
        name,
        status,
        report: take(&mut raw, "report"),
        breadcrumb: take(&mut raw, "breadcrumb"),
        created_at: created.or(updated).unwrap_or(saved),
        updated_at: updated.or(created).unwrap_or(saved),
        extra: raw,
    }
}
