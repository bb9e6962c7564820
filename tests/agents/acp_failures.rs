//! The ACP backend when its agent fails: it crashes, forgets, stays silent, or is not there.

use std::time::Duration;

use work::agent::Backend as _;
use work::agent::acp::{Acp, AcpOptions, Limits};
use work::model::{CancelCause, FailureKind, SessionId, TurnOutcome};
use work::sys::process::{self, Signal};

use crate::support::acp::{Scripted, open};
use crate::support::backend::{lives, script, text, to_the_end, turn, until, until_so};
use crate::support::wait::PATIENCE;

/// Mutants: the last words left out; the marker not swept.
#[tokio::test]
async fn a_crash_fails_the_turn_and_the_next_child_takes_the_session_up() {
    for (arguments, method) in [
        (&[][..], "session/resume"),
        (&["--no-resume"], "session/load"),
        (&["--no-resume", "--false-resume"], "session/load"),
    ] {
        let agent = Scripted::new(arguments);
        let mut session = agent.open(None).await.expect("a session");
        let id = session.id().expect("an id").clone();
        turn(&mut *session, script("@text the first words")).await;
        let crash = "@bash setsid sleep 4716.25 > /dev/null 2>&1 & echo started\n@crash out of memory";
        let (events, outcome) = turn(&mut *session, script(crash)).await;
        let TurnOutcome::Failed { failure } = outcome else { panic!("{outcome:?} after {events:?}") };
        assert_eq!(failure.kind, FailureKind::AgentCrashed);
        assert!(failure.message.contains("out of memory") && failure.message.contains('3'), "{failure}");
        assert!(!lives("sleep 4716.25"), "what ran away from it is gone as well");
        assert!(agent.backend.process().is_none());

        let mut session = agent.open(Some(&id)).await.expect("taken up again");
        assert_eq!(session.id(), Some(&id));
        let (events, outcome) = turn(&mut *session, script("@recall")).await;
        assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
        assert!(text(&events).contains("the first words"), "it remembers: {events:?}");
        assert_eq!(text(&events).matches("the first words").count(), 1, "and nothing is told twice");
        assert_eq!(agent.count(method), 1, "{arguments:?}");
        assert_eq!([agent.count("session/new"), agent.count("initialize")], [1, 2]);
        agent.backend.shutdown().await;
        assert_eq!(agent.children(), [2, 2]);
    }
}

/// Mutant: an empty replay taken for a session.
#[tokio::test]
async fn a_session_that_can_not_be_taken_up_is_unknown() {
    let mut agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    let id = session.id().expect("an id").clone();
    turn(&mut *session, script("@text words")).await;
    drop(session);
    agent.backend.shutdown().await;
    let nope = SessionId("nope".to_owned());
    for (arguments, id, words) in [
        (&["--no-load", "--no-resume"][..], &id, "neither `session/resume` nor `session/load`"),
        (&["--no-load", "--no-resume", "--false-resume"], &id, "does not know it"),
        (&[], &nope, "Session not found: nope"),
        (&["--no-resume", "--loads-any"], &nope, "nothing of session `nope`"),
    ] {
        agent.change(arguments);
        let failure = agent.open(Some(id)).await.err().expect("unknown");
        assert_eq!(failure.kind, FailureKind::SessionUnknown, "{failure}");
        assert!(failure.message.contains(words), "{failure}");
        // The child is still good for a new one.
        let mut session = agent.open(None).await.expect("a new session");
        assert_eq!(turn(&mut *session, script("@text new")).await.1, TurnOutcome::Completed);
        agent.backend.shutdown().await;
    }
}

#[tokio::test]
async fn a_killed_child_is_noticed_and_replaced() {
    let agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    let id = session.id().expect("an id").clone();
    let pid = agent.backend.process().expect("a child").pid;
    session.prompt(script("@bash sleep 4717.25")).await.expect("taken");
    until_so("the tool runs", || lives("sleep 4717.25")).await;
    process::signal_process(pid, Signal::SIGKILL);
    let (events, outcome) = to_the_end(&mut *session).await;
    assert!(format!("{outcome:?}").contains("AgentCrashed"), "{outcome:?} after {events:?}");
    assert!(!lives("sleep 4717.25"));
    // Between two turns it is noticed as well.
    agent.open(Some(&id)).await.expect("resumed");
    let pid = agent.backend.process().expect("a child").pid;
    process::signal_process(pid, Signal::SIGKILL);
    until_so("its end is noticed", || agent.children()[1] == 2).await;
    let mut session = agent.open(Some(&id)).await.expect("resumed");
    assert_eq!(turn(&mut *session, script("@text on")).await.1, TurnOutcome::Completed);
    agent.backend.shutdown().await;
}

/// Mutant: the marker not swept.
#[tokio::test]
async fn a_shutdown_ends_turns_and_all_that_they_started() {
    let agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    let tools = "@bash setsid sh -c 'trap \"\" TERM; sleep 4718.25' & sleep 4718.5";
    session.prompt(script(tools)).await.expect("taken");
    until_so("the tools run", || lives("sleep 4718.25") && lives("sleep 4718.5")).await;
    agent.backend.shutdown().await;
    let (events, outcome) = to_the_end(&mut *session).await;
    assert_eq!(outcome, TurnOutcome::Cancelled { cause: CancelCause::Shutdown }, "{events:?}");
    assert!(!lives("sleep 4718"));
    assert_eq!(agent.children(), [1, 1]);
    // Nobody holds it: it is ended as well.
    let session = agent.open(None).await.expect("a session");
    let started = std::sync::Arc::clone(&agent.started);
    drop((session, agent));
    until_so("the last child is gone", || started[1].load(std::sync::atomic::Ordering::SeqCst) == 2).await;
}

#[tokio::test]
async fn a_provider_that_fails_is_told_by_its_kind() {
    let agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    for (told, kind) in [
        ("@fail -32603 401 no such key", FailureKind::Auth),
        ("@fail 429 slow down", FailureKind::RateLimit),
        ("@fail -32603 maximum context length exceeded", FailureKind::ContextFull),
        ("@fail -32603 terminated", FailureKind::Provider),
        ("@stop refusal", FailureKind::Provider),
    ] {
        let (events, outcome) = turn(&mut *session, script(told)).await;
        let TurnOutcome::Failed { failure } = outcome else { panic!("{outcome:?} after {events:?}") };
        assert_eq!(failure.kind, kind, "{failure}");
    }
    assert_eq!(turn(&mut *session, script("@text on")).await.1, TurnOutcome::Completed);
    agent.backend.shutdown().await;
    let agent = Scripted::new(&["--log-in"]);
    let failure = agent.open(None).await.err().expect("not logged in");
    assert_eq!(failure.kind, FailureKind::Auth, "{failure}");
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn an_agent_that_does_not_come_up_is_told_of() {
    let soon = Limits { answer: Duration::from_millis(500), ..Limits::default() };
    let agent = Scripted::with_limits(&["--mute"], soon);
    let failure = agent.open(None).await.err().expect("it is silent");
    assert_eq!(failure.kind, FailureKind::ServerUnreachable);
    assert!(failure.message.contains("`initialize` in time"), "{failure}");
    assert_eq!(agent.children(), [1, 1], "nothing is left of it");
    let folder = tempfile::TempDir::new().expect("a folder");
    for (command, words) in [
        (&["no-such-agent", "--acp"][..], "cannot start `no-such-agent --acp`"),
        (&[], "command is empty"),
        (&["sh", "-c", "echo 'please install me' >&2; exit 4"], "please install me"),
        (&["sh", "-c", "echo 'said on the wrong stream'; exit 4"], "said on the wrong stream"),
    ] {
        let backend = Acp::new(AcpOptions {
            command: command.iter().map(|&word| word.to_owned()).collect(),
            launcher: None,
            env: Default::default(),
            root: folder.path().to_owned(),
            log: folder.path().join("log"),
            on_start: None,
        });
        let failure = open(&backend, folder.path(), None).await.err().expect("it is not there");
        assert_eq!(failure.kind, FailureKind::AgentMissing, "{failure}");
        assert!(failure.message.contains(words), "{failure}");
    }
    let mute = Scripted::with_limits(&["--mute"], Limits { answer: PATIENCE, ..Limits::default() });
    let backend = mute.backend.clone();
    let opening = tokio::spawn(async move { open(&backend, &std::env::temp_dir(), None).await.map(drop) });
    until_so("it starts", || mute.count("initialize") == 1).await;
    mute.backend.shutdown().await;
    opening.await.expect("no panic").expect_err("it was stopped while it started");
    assert_eq!(mute.children(), [1, 1]);
}

#[tokio::test]
async fn a_slow_agent_is_waited_for_and_one_that_hangs_can_be_left() {
    let agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    session.prompt(script("@sleep 300ms\n@text slowly")).await.expect("taken");
    // Dropped at any await, no event is lost.
    let mut heard = String::new();
    while heard.is_empty() {
        let soon = tokio::time::timeout(Duration::from_millis(1), session.next_event()).await;
        if let Ok(work::model::AgentEvent::Text { delta }) = soon {
            heard = delta;
        }
    }
    assert_eq!((heard.as_str(), to_the_end(&mut *session).await.1), ("slowly", TurnOutcome::Completed));
    session.prompt(script("@text spoke\n@hang")).await.expect("taken");
    until(&mut *session, |event| format!("{event:?}").contains("spoke")).await;
    drop(session);
    until_so("the turn that was left is over", || !agent.backend.is_busy()).await;
    assert_eq!(agent.children(), [1, 0]);
    agent.backend.shutdown().await;
}

/// How many descriptors we have, and how many children that nobody has waited for.
#[cfg(target_os = "linux")]
fn held() -> (usize, usize) {
    let descriptors = std::fs::read_dir("/proc/self/fd").expect("our own").count();
    let own = std::process::id().to_string();
    let children = process::output_of("ps", &["--ppid", &own, "-o", "comm="]).unwrap_or_default();
    // `ps` itself is one of them.
    (descriptors, children.lines().filter(|name| !name.starts_with("ps")).count())
}

/// Mutant: a descriptor of each child's log forgotten.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thousand_turns_and_twenty_kills_leave_nothing_behind() {
    let agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    let id = session.id().expect("an id").clone();
    turn(&mut *session, script("@text one")).await;
    let before = held();
    for _ in 0..1000 {
        assert_eq!(turn(&mut *session, script("@text one")).await.1, TurnOutcome::Completed);
    }
    assert_eq!((held(), agent.children()), (before, [1, 0]));
    for kill in 1..=20 {
        session.prompt(script("@text spoke\n@hang")).await.expect("taken");
        until(&mut *session, |event| format!("{event:?}").contains("spoke")).await;
        process::signal_process(agent.backend.process().expect("a child").pid, Signal::SIGKILL);
        let (_, outcome) = to_the_end(&mut *session).await;
        assert!(format!("{outcome:?}").contains("AgentCrashed"), "{outcome:?}");
        session = agent.open(Some(&id)).await.expect("resumed");
        assert_eq!(agent.children(), [kill + 1, kill]);
    }
    assert_eq!(turn(&mut *session, script("@text one")).await.1, TurnOutcome::Completed);
    assert_eq!(held(), before);
    agent.backend.shutdown().await;
    assert_eq!(held().1, 0);
}
