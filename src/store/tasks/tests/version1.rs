//! Files of the older tool: every task and every record comes through, whatever is odd.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{at, clock, data};
use crate::model::{Outcome, SessionRecord, SessionRef, SessionState, Stream, StreamState, Task, TaskStatus};
use crate::store::tasks::parse::{Loaded, parse, render};
use crate::store::tasks::v1::{self, Sources};
use crate::store::tasks::{Format, Store};

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

/// What must be found again: everything that the older files say of tasks and sessions.
fn compare(tasks: &Value, threads: Option<&Value>, stream: &Stream) {
    let mut ids = Vec::new();
    for raw in tasks["tasks"].as_array().into_iter().flatten().filter(|raw| raw.is_object()) {
        let id = raw["id"].as_str().unwrap_or_default();
        let unplaced = stream.extra.get("unplacedTasks").and_then(Value::as_array);
        if unplaced.is_some_and(|all| all.contains(raw)) {
            continue;
        }
        let task = find(stream, id, raw["name"].as_str().unwrap_or_default());
        compare_task(raw, task);
        for session in raw["sessions"].as_array().into_iter().flatten() {
            compare_session(session, stream, &task.id.thread.to_string());
            ids.push((
                task.id.thread.to_string(),
                session["sessionId"].as_str().unwrap_or_default().to_owned(),
            ));
        }
    }
    for raw in threads.and_then(|file| file["threads"].as_array()).into_iter().flatten() {
        let thread = raw["threadId"].as_str().expect("an id");
        for session in raw["sessions"].as_array().into_iter().flatten() {
            compare_session(session, stream, thread);
            ids.push((thread.to_owned(), session["sessionId"].as_str().unwrap_or_default().to_owned()));
        }
        for key in ["promptPath", "synthesis", "githubIssue"] {
            let kept =
                stream.threads.iter().find(|t| t.id.to_string() == thread).expect("a thread").extra.get(key);
            assert_eq!(kept, raw.get(key), "{key} of {thread}");
        }
        let real = raw.get("workingAgentSessionId").or(raw.get("opencodeSessionId"));
        let records = &stream.thread(thread.parse().expect("an id")).expect("a thread").sessions;
        let known = records.last().and_then(|record| record.session.known()).map(|id| id.0.as_str());
        assert_eq!(known, real.and_then(Value::as_str));
        assert!(records.iter().rev().skip(1).all(|record| record.session.known().is_none()), "invented");
    }
    ids.sort();
    ids.dedup();
    let imported = stream.threads.iter().flat_map(|thread| &thread.sessions);
    let made = imported.clone().filter(|record| invented(record).is_none()).count();
    assert_eq!(imported.count() - made, ids.len(), "a record was lost or doubled");
    for thread in &stream.threads {
        let attempts: Vec<u32> = thread.sessions.iter().map(|record| record.attempt).collect();
        assert!(attempts.iter().copied().eq(1..=attempts.len() as u32), "{attempts:?}");
        assert!(thread.sessions.iter().filter(|record| record.is_open()).count() <= 1);
    }
}

fn find<'a>(stream: &'a Stream, id: &str, name: &str) -> &'a Task {
    let same = |task: &&Task| {
        (task.id.to_string() == id || task.extra.get("originalId").and_then(Value::as_str) == Some(id))
            && task.name == name
    };
    stream
        .threads
        .iter()
        .flat_map(|thread| &thread.tasks)
        .find(same)
        .unwrap_or_else(|| panic!("task {id} is lost"))
}

fn compare_task(raw: &Value, task: &Task) {
    let text = |key: &str| raw[key].as_str();
    assert_eq!(text("name"), Some(task.name.as_str()));
    assert_eq!(text("report"), task.report.as_deref());
    assert_eq!(text("breadcrumb"), task.breadcrumb.as_deref());
    for (key, time) in [("created_at", task.created_at), ("updated_at", task.updated_at)] {
        if let Some(said) = text(key) {
            assert_eq!(at(said), time, "{key} of {}", task.id);
        }
    }
    let kept = task.extra.get("status").and_then(Value::as_str).unwrap_or(task.status.name());
    assert_eq!(text("status"), Some(kept));
    assert_eq!(raw.get("github_issue"), task.extra.get("github_issue"));
}

fn invented(record: &SessionRecord) -> Option<&str> {
    match &record.session {
        SessionRef::Invented(id) => Some(id),
        _ => record.extra.get("inventedSessionId").and_then(Value::as_str),
    }
}

fn compare_session(raw: &Value, stream: &Stream, thread: &str) {
    let id = raw["sessionId"].as_str();
    let thread = stream.threads.iter().find(|t| t.id.to_string() == thread).expect("a thread");
    let mut same = thread.sessions.iter().filter(|record| invented(record) == id);
    let record = same.next().unwrap_or_else(|| panic!("session {id:?} is lost"));
    assert!(same.next().is_none(), "session {id:?} is there twice");
    assert_eq!(raw["agentName"].as_str(), Some(record.agent.0.as_str()));
    assert_eq!(raw["model"].as_str(), Some(record.model.as_str()));
    assert_eq!(raw["startedAt"].as_str().map(at), Some(record.started_at));
    let (status, completed, exit) = match &record.state {
        SessionState::Running { owner, .. } => {
            assert_eq!(*owner, None);
            ("running", None, None)
        }
        SessionState::Ended { outcome, end } => (outcome.name(), end.at, end.exit_code),
    };
    let also = record.extra.get("alsoRecorded").and_then(Value::as_array).into_iter().flatten();
    let told = |status: &str, record: &Value| record["status"].as_str() == Some(status);
    let said = raw["status"].as_str().expect("a status");
    if let Some(other) = also.clone().find(|other| told(said, other)) {
        assert_eq!(other["startedAt"].as_str().map(at), raw["startedAt"].as_str().map(at));
        return;
    }
    let kept = record.extra.get("status").and_then(Value::as_str).unwrap_or(status);
    let superseded = said == "running" && status == "interrupted";
    assert!(kept == said || superseded, "{id:?}: {said} became {kept}");
    assert_eq!(raw["completedAt"].as_str().map(at), completed);
    assert_eq!(raw["exitCode"].as_i64(), exit.map(i64::from));
}

/// Migrates, compares, writes as version 2, reads that back, and compares again.
fn check(folder: &str, tasks: &Value, threads: Option<&Value>, index: Option<Value>) -> v1::Migrated {
    let migrated = v1::migrate(Sources {
        folder: folder.to_owned(),
        tasks: tasks.clone(),
        threads: threads.cloned(),
        index,
    });
    compare(tasks, threads, &migrated.stream);
    let bytes = render(&migrated.stream).expect("rendered");
    let Loaded { stream, format, .. } = parse(&bytes, |_| Err(v1::refused())).expect("readable");
    assert_eq!((&stream, format), (&migrated.stream, Format::V2));
    migrated
}

#[test]
fn a_flat_file_with_sessions_on_tasks() {
    let migrated = check("004-parser-rework", &json(&data("v1-flat.json")), None, None);
    assert!(migrated.notes.is_empty(), "{:?}", migrated.notes);
    let stream = migrated.stream;
    assert_eq!((stream.threads.len(), stream.extra.len()), (3, 0));
    let lexer = &stream.threads[0];
    assert_eq!(
        (lexer.stage_name.as_str(), lexer.batch_name.as_str(), lexer.name.as_str()),
        ("Foundations", "Core", "Lexer")
    );
    assert_eq!(lexer.sessions.len(), 2, "the same record on two tasks is one");
    assert_eq!(lexer.tasks[0].extra.keys().collect::<Vec<_>>(), ["github_issue"]);
    let parser = &stream.threads[1];
    assert_eq!(parser.agent.as_ref().map(|agent| agent.0.as_str()), Some("specialist"));
    assert_eq!(parser.open_record().map(|record| record.owner()), Some(None));
    assert!(parser.tasks[0].extra.is_empty(), "{:?}", parser.tasks[0].extra);
    assert_eq!(stream.created_at, at("2026-01-20T08:00:00Z"));
}

#[test]
fn an_empty_file() {
    let migrated = check("001-empty", &json(&data("v1-empty.json")), None, None);
    assert!(migrated.notes.is_empty() && migrated.stream.threads.is_empty());
}

#[test]
fn whatever_is_odd_is_a_warning() {
    let migrated = check("006-odd", &json(&data("v1-odd.json")), None, None);
    let (stream, notes) = (migrated.stream, migrated.notes);
    assert_eq!(stream.id.as_str(), "006-odd");
    assert_eq!(stream.extra.keys().collect::<Vec<_>>(), ["stream_id", "somebody", "tasks", "unplacedTasks"]);
    let one = &stream.threads[0];
    assert_eq!(
        one.tasks.iter().map(|task| task.id.to_string()).collect::<Vec<_>>(),
        ["01.01.01.01", "01.01.01.02", "01.01.01.03"]
    );
    assert_eq!(one.tasks[2].status, TaskStatus::InProgress);
    assert_eq!(one.tasks[1].extra["assigned_agent"], "other");
    let three = stream.threads.iter().find(|thread| thread.name == "Three").expect("a thread");
    let outcomes: Vec<_> = three
        .sessions
        .iter()
        .map(|record| match &record.state {
            SessionState::Running { .. } => None,
            SessionState::Ended { outcome, .. } => Some(*outcome),
        })
        .collect();
    assert_eq!(outcomes, [Some(Outcome::Failed), Some(Outcome::Interrupted), None]);
    assert!(notes.len() >= 6, "{notes:#?}");
}

#[test]
fn threads_and_approvals_from_the_files_beside() {
    let dir = data("v1-threads");
    let (tasks, threads) = (json(&dir.join("003-demo/tasks.json")), json(&dir.join("003-demo/threads.json")));
    let stream = check("003-demo", &tasks, Some(&threads), Some(json(&dir.join("index.json")))).stream;
    assert_eq!((stream.name.as_str(), stream.state), ("A demo", StreamState::OnHold));
    assert_eq!(stream.stream_extra["github"]["pr_number"], 6);
    let plan = stream.approvals.plan.as_ref().expect("approved");
    assert_eq!(
        (plan.by.as_str(), &plan.hash, &plan.extra["plan_hash"]),
        ("user", &None, &Value::from("2d79"))
    );
    assert_eq!(stream.approvals.stages.len(), 1, "a revoked approval is none");
    assert_eq!(stream.approvals.extra["otherStages"]["2"]["reason"], "too early");
    assert_eq!(stream.approvals.extra["tasks"]["task_count"], 3);
    let session = |thread: usize| stream.threads[thread].sessions.last().map(|record| record.session.clone());
    let known = |id: &str| Some(SessionRef::Known(crate::model::SessionId(id.to_owned())));
    assert_eq!(session(0), known("ses_real_one"));
    assert_eq!(stream.threads[0].extra["opencodeSessionId"], "ses_real_summary");
    assert_eq!(session(2), known("ses_real_three"));
    assert_eq!(stream.threads[1].sessions.len(), 2);
}

#[test]
fn the_first_change_writes_version_2_and_keeps_the_old_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("003-demo");
    fs::create_dir(&folder).expect("a folder");
    for name in ["003-demo/tasks.json", "003-demo/threads.json", "index.json"] {
        fs::copy(data("v1-threads").join(name), dir.path().join(name)).expect("copied");
    }
    let store = Store::open(&folder, clock());
    let old = fs::read(store.path()).expect("read");
    let before = store.load().expect("read");
    assert_eq!((before.format, before.stream.approvals.stages.len()), (Format::V1, 1));
    store.transact(|_| Ok::<_, Infallible>(())).expect("nothing");
    assert_eq!(fs::read(store.path()).expect("read"), old, "reading rewrites nothing");
    for round in 0..2 {
        let change = |stream: &mut Stream| {
            stream.threads[1].tasks[0].status = TaskStatus::InProgress;
            stream.name = format!("round {round}");
            Ok::<_, Infallible>(())
        };
        store.transact(change).expect("changed");
        assert_eq!(fs::read(folder.join("tasks.v1.json")).expect("kept"), old);
        let after = store.load().expect("read");
        assert_eq!(after.format, Format::V2);
        assert_eq!(after.stream.threads[0], before.stream.threads[0]);
    }
}

/// Real files: `WORK_WILD=DIR cargo test wild -- --ignored --nocapture`.
#[test]
#[ignore = "needs a folder of real files"]
#[expect(clippy::disallowed_methods, reason = "the folder is the caller's")]
fn wild() {
    let dir = PathBuf::from(std::env::var("WORK_WILD").expect("WORK_WILD is a folder of real files"));
    let mut names: Vec<_> =
        fs::read_dir(&dir).expect("a folder").flatten().map(|entry| entry.path()).collect();
    names.sort();
    let index =
        names.iter().find(|path| path.to_string_lossy().contains("work_index")).map(|path| json(path));
    let (mut files, mut tasks, mut sessions) = (0, 0, 0);
    for path in &names {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let Some((folder, rest)) = name.split_once("_tasks@") else { continue };
        let threads = dir.join(format!("{folder}_threads@{rest}"));
        let threads = threads.exists().then(|| json(&threads));
        if !rest.ends_with(".json") {
            continue;
        }
        let Migrated { stream, notes } = check(folder, &json(path), threads.as_ref(), index.clone());
        files += 1;
        tasks += stream.threads.iter().map(|thread| thread.tasks.len()).sum::<usize>();
        sessions += stream.threads.iter().map(|thread| thread.sessions.len()).sum::<usize>();
        for note in notes {
            println!("{name}: {}", note.message);
        }
        assert!(stream.extra.is_empty(), "{name}: {:?}", stream.extra.keys());
    }
    println!("{files} files, {tasks} tasks, {sessions} session records");
    assert!(files > 0);
}

use v1::Migrated;
