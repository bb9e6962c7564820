//! Model → bytes → model is the identity, and bytes → model → bytes loses nothing.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::data;
use crate::model::{
    AgentName, Approval, Approvals, Ask, BackendKind, CheckRun, CheckedCommand, CommandEnd, End, Extra,
    Failure, FailureKind, Mode, ObjectId, Outcome, OutsidePaths, Owner, Question, SessionId, SessionRecord,
    SessionRef, SessionState, Stream, StreamState, Task, TaskStatus, Thread, Usage, Verification, Wish,
};
use crate::store::tasks::parse::{Loaded, parse, render};
use crate::store::tasks::v1;

fn read(bytes: &[u8]) -> Stream {
    let Loaded { stream, .. } = parse(bytes, |_| Err(v1::refused())).expect("it is readable");
    stream
}

#[test]
fn a_file_is_written_as_it_was_read() {
    for name in ["v2.json", "v2-unknown.json", "v2-checked.json"] {
        let before = std::fs::read_to_string(data(name)).expect("a fixture");
        let after = String::from_utf8(render(&read(before.as_bytes())).expect("rendered")).expect("text");
        let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert_eq!(value(&after), value(&before), "{name}");
        if name == "v2.json" {
            snapbox::assert_data_eq!(after, snapbox::Data::text(before));
        }
    }
}

#[test]
fn unknown_words_mean_something_careful() {
    let stream = read(&std::fs::read(data("v2-unknown.json")).expect("a fixture"));
    let thread = &stream.threads[0];
    assert_eq!(stream.state, StreamState::Open);
    assert_eq!((thread.declared, thread.tasks[0].status), (TaskStatus::InProgress, TaskStatus::InProgress));
    assert_eq!((thread.sessions[0].backend, thread.sessions[0].mode), (None, None));
    let SessionState::Ended { outcome, end } = &thread.sessions[0].state else { panic!("it ended") };
    assert_eq!(*outcome, Outcome::Interrupted);
    assert_eq!(end.failure.as_ref().map(|failure| failure.kind), Some(FailureKind::Task));
    assert_eq!(thread.sessions[2].owner().map(|owner| owner.pid), Some(4242));
    // What is asked is not understood; that something is asked, is.
    assert_eq!(thread.sessions[2].asks().len(), 1);
}

#[test]
fn a_new_word_of_ours_overrules_the_kept_one() {
    let mut stream = read(&std::fs::read(data("v2-unknown.json")).expect("a fixture"));
    stream.state = StreamState::Completed;
    let thread = &mut stream.threads[0];
    thread.declared = TaskStatus::Completed;
    thread.tasks[0].status = TaskStatus::Completed;
    thread.sessions[0].backend = Some(BackendKind::Acp);
    thread.sessions[0].usage = None;
    thread.sessions[0].state = SessionState::Ended { outcome: Outcome::Completed, end: End::default() };
    thread.sessions[2].state = SessionState::Ended { outcome: Outcome::Failed, end: End::default() };
    let after: Value = serde_json::from_slice(&render(&stream).expect("rendered")).expect("JSON");
    let thread = &after["threads"][0];
    assert_eq!(after["stream"]["status"], "completed");
    assert_eq!(
        (&thread["status"], &thread["tasks"][0]["status"]),
        (&json!("completed"), &json!("completed"))
    );
    let session = &thread["sessions"][0];
    assert_eq!((&session["status"], &session["backend"]), (&json!("completed"), &json!("acp")));
    assert_eq!((session.get("usage"), session.get("error"), session.get("completedAt")), (None, None, None));
    assert_eq!(session["mode"], "hologram");
    assert_eq!(thread.get("currentSessionId"), None);
}

#[test]
fn a_key_that_comes_twice_is_no_guess() {
    let file = std::fs::read_to_string(data("v2.json")).expect("a fixture");
    for twice in [
        file.replacen("\"stage\":", "\"stage\": \"x\", \"stage\":", 1),
        file.replacen("\"stage\":", "\"q\": 1, \"q\": 2, \"stage\":", 1),
    ] {
        assert!(parse(twice.as_bytes(), |_| Err(v1::refused())).is_err());
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,6}", any::<String>()]
}

fn time() -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..4_000_000_000_000)
        .prop_map(|millis| DateTime::from_timestamp_millis(millis).expect("a time in range"))
}

fn maybe<S: Strategy>(inner: S) -> impl Strategy<Value = Option<S::Value>>
where
    S::Value: Clone,
{
    proptest::option::of(inner)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Fields that nobody knows: their names start with `x`, as none of ours do.
fn extra() -> impl Strategy<Value = Extra> {
    prop::collection::vec(("x[a-zA-Z \"]{0,5}", value()), 0..3).prop_map(|pairs| pairs.into_iter().collect())
}

fn status() -> impl Strategy<Value = TaskStatus> {
    select(&TaskStatus::ALL[..])
}

fn failure() -> impl Strategy<Value = Failure> {
    let kinds = vec![FailureKind::Auth, FailureKind::RateLimit, FailureKind::Task, FailureKind::AgentTooOld];
    (select(kinds), text(), maybe(time())).prop_map(|(kind, message, reset_at)| Failure {
        kind,
        message,
        reset_at,
    })
}

fn ask() -> impl Strategy<Value = Ask> {
    let texts = || prop::collection::vec(text(), 0..3);
    let question = (text(), texts()).prop_map(|(question, options)| Question { question, options });
    let wish = prop_oneof![
        (text(), texts(), texts()).prop_map(|(permission, patterns, always)| Wish::Permission {
            permission,
            patterns,
            always
        }),
        prop::collection::vec(question, 0..3).prop_map(|questions| Wish::Question { questions }),
        Just(Wish::Unknown),
    ];
    (text(), wish, time(), time()).prop_map(|(id, wish, since, until)| Ask { id, wish, since, until })
}

fn owner() -> impl Strategy<Value = Owner> {
    (any::<u32>(), any::<u64>(), text(), text()).prop_map(|(pid, started_at, boot_id, host)| Owner {
        pid,
        started_at,
        boot_id,
        host,
    })
}

fn state() -> impl Strategy<Value = SessionState> {
    let owner = owner();
    let end = (maybe(time()), maybe(any::<i32>()), maybe(failure()), maybe(text()))
        .prop_map(|(at, exit_code, failure, interrupted_by)| End { at, exit_code, failure, interrupted_by });
    let outcome = select(vec![Outcome::Completed, Outcome::Failed, Outcome::Interrupted]);
    prop_oneof![
        (maybe(owner), prop::collection::vec(ask(), 0..3))
            .prop_map(|(owner, asks)| SessionState::Running { owner, asks }),
        (outcome, end).prop_map(|(outcome, end)| SessionState::Ended { outcome, end }),
    ]
}

fn session() -> impl Strategy<Value = SessionRecord> {
    let session = prop_oneof![
        text().prop_map(|id| SessionRef::Known(SessionId(id))),
        text().prop_map(SessionRef::Invented),
        Just(SessionRef::Unopened),
    ];
    let usage = (any::<[u64; 5]>(), 0.0..1e9_f64).prop_map(|(counts, cost)| {
        let [input, output, reasoning, cache_read, cache_write] = counts;
        Usage { input, output, reasoning, cache_read, cache_write, cost }
    });
    let backend = maybe(select(vec![BackendKind::Opencode, BackendKind::Acp]));
    let mode = maybe(select(vec![Mode::Tui, Mode::Plain, Mode::Headless, Mode::Primary]));
    let numbers = (any::<u32>(), maybe(any::<u32>()), prop::collection::vec(any::<u32>(), 0..3));
    let outside = prop::collection::vec(text(), 0..3).prop_map(OutsidePaths::of);
    (
        (session, text(), text(), maybe(text()), backend, mode),
        (maybe(text()), time(), state(), numbers, (maybe(usage), maybe(verification()), outside), extra()),
    )
        .prop_map(|(who, what)| {
            let (session, agent, model, variant, backend, mode) = who;
            let (directory, started_at, state, (attempt, resumed_from, turns), ended, extra) = what;
            let (usage, verification, outside_paths) = ended;
            SessionRecord {
                session,
                attempt,
                agent: AgentName(agent),
                model,
                variant,
                backend,
                mode,
                directory: directory.map(Into::into),
                started_at,
                state,
                resumed_from,
                turns,
                usage,
                verification,
                outside_paths,
                extra,
            }
        })
}

fn verification() -> impl Strategy<Value = Verification> {
    let end = prop_oneof![
        any::<i32>().prop_map(|code| CommandEnd::Exited { code }),
        any::<i32>().prop_map(|signal| CommandEnd::Killed { signal }),
        Just(CommandEnd::TimedOut),
        text().prop_map(|why| CommandEnd::NotStarted { why }),
    ];
    let command = (text(), end, any::<u64>(), text())
        .prop_map(|(command, end, millis, tail)| CheckedCommand { command, end, millis, tail });
    let tree = maybe(Just("a".repeat(40))).prop_map(|tree| tree.and_then(|tree| ObjectId::new(&tree)));
    let run = (time(), tree, prop::collection::vec(command, 0..3))
        .prop_map(|(at, tree, commands)| CheckRun { at, tree, commands })
        .boxed();
    prop_oneof![
        Just(Verification::Due),
        (time(), owner()).prop_map(|(since, owner)| Verification::Running { since, owner }),
        run.clone().prop_map(Verification::Passed),
        run.prop_map(Verification::Failed),
        (time(), text()).prop_map(|(at, why)| Verification::Stopped { at, why }),
        Just(Verification::Waived),
    ]
}

fn task() -> impl Strategy<Value = Task> {
    (
        ("[0-9]1\\.[0-9]2\\.[0-9]3\\.[1-9]0", text(), status(), maybe(text()), maybe(text())),
        (time(), time(), extra()),
    )
        .prop_map(|((id, name, status, report, breadcrumb), (created_at, updated_at, extra))| Task {
            id: id.parse().expect("an id"),
            name,
            status,
            report,
            breadcrumb,
            created_at,
            updated_at,
            extra,
        })
}

fn thread() -> impl Strategy<Value = Thread> {
    (
        ("[0-9]1\\.[0-9]2\\.[0-9]3", text(), text(), text(), maybe(text()), maybe(text()), any::<bool>()),
        (
            status(),
            maybe(text()),
            prop::collection::vec(session(), 0..3),
            prop::collection::vec(task(), 0..3),
            extra(),
        ),
    )
        .prop_map(|((id, stage_name, batch_name, name, agent, plan_hash, in_plan), rest)| {
            let (declared, report, sessions, tasks, extra) = rest;
            Thread {
                id: id.parse().expect("an id"),
                stage_name,
                batch_name,
                name,
                agent: agent.map(AgentName),
                plan_hash,
                in_plan,
                declared,
                report,
                sessions,
                tasks,
                extra,
            }
        })
}

fn approval() -> impl Strategy<Value = Approval> {
    (time(), text(), maybe(text()), maybe(text()), extra()).prop_map(|(at, by, hash, seal, extra)| Approval {
        at,
        by,
        hash,
        seal,
        extra,
    })
}

fn stream() -> impl Strategy<Value = Stream> {
    let stages = prop::collection::btree_map(
        (1_u8..=99).prop_map(|n| n.to_string().parse().expect("an id")),
        approval(),
        0..3,
    );
    let approvals = (maybe(approval()), stages, extra()).prop_map(|(plan, stages, extra)| Approvals {
        plan,
        stages,
        extra,
    });
    let state = select(vec![StreamState::Open, StreamState::OnHold, StreamState::Completed]);
    (
        "[0-9]{3}-[a-z]{1,9}",
        (".+", time(), time(), state, approvals),
        (prop::collection::vec(thread(), 0..3), extra(), extra()),
    )
        .prop_map(
            |(id, (name, created_at, updated_at, state, approvals), (threads, extra, stream_extra))| Stream {
                id: id.parse().expect("an id"),
                name,
                created_at,
                updated_at,
                state,
                approvals,
                threads,
                extra,
                stream_extra,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_is_read_as_it_was_written(stream in stream()) {
        let bytes = render(&stream).expect("rendered");
        prop_assert_eq!(&read(&bytes), &stream);
        prop_assert_eq!(render(&read(&bytes)).expect("rendered"), bytes);
    }
}
