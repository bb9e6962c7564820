//! What goes wrong with the real opencode, and that it is said, in time and as what it is.

use std::time::Instant;

use work::agent::Backend as _;
use work::agent::opencode::{Opencode, stop_leftover};
use work::model::{AgentEvent, Busyness, CancelCause, FailureKind, TurnOutcome};
use work::sys::process::{self, Signal};

use crate::support::backend::{Rig, ask, lives, script, text, to_the_end, turn, until, until_so};

fn kind(outcome: &TurnOutcome) -> Option<FailureKind> {
    match outcome {
        TurnOutcome::Failed { failure } => Some(failure.kind),
        TurnOutcome::Completed | TurnOutcome::Cancelled { .. } => None,
    }
}

#[tokio::test]
async fn a_prompt_right_after_a_failed_turn_is_not_lost() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    for _ in 0..4 {
        let (events, outcome) = turn(&mut *session, ask("scripted/fail-401", "")).await;
        assert_eq!(kind(&outcome), Some(FailureKind::Auth), "{events:?}");
        let (events, outcome) = turn(&mut *session, script("@text still here")).await;
        assert_eq!((text(&events).as_str(), outcome), ("still here", TurnOutcome::Completed));
    }
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn each_failure_of_the_model_has_its_kind() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    for (model, directives, expected) in [
        ("scripted/fail-400", "", Some(FailureKind::Provider)),
        ("scripted/ok", "@status 429 retry-after-ms=50", Some(FailureKind::RateLimit)),
        ("scripted/garbage", "", Some(FailureKind::Provider)),
        ("scripted/context-full", "", Some(FailureKind::ContextFull)),
        // opencode would sum the conversation up for ever.
        ("scripted/context-loop", "", Some(FailureKind::ContextFull)),
        ("scripted/ok", "@text cut off\n@finish length", None),
        ("scripted/ok", "@text fine", None),
    ] {
        let (events, outcome) = turn(&mut *session, ask(model, directives)).await;
        assert_eq!(kind(&outcome), expected, "{model} {directives}: {outcome:?} {events:?}");
    }
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn a_broken_stream_is_said_again_and_says_so() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    session.prompt(ask("scripted/cut", "")).await.expect("taken");
    let events = until(&mut *session, |event| format!("{event:?}").contains("Retrying")).await;
    let restarted = events.iter().position(|event| *event == AgentEvent::Restarted);
    assert!(restarted.is_some() || text(&events).is_empty(), "{events:?}");
    session.cancel().await;
    to_the_end(&mut *session).await;

    let (events, outcome) =
        turn(&mut *session, script("@status 500 times=2 retry-after-ms=50\n@text third time lucky")).await;
    assert_eq!((text(&events).as_str(), &outcome), ("third time lucky", &TurnOutcome::Completed));
    let retries = |event: &&AgentEvent| matches!(event, AgentEvent::Status(Busyness::Retrying { .. }));
    assert_eq!(events.iter().filter(retries).count(), 2, "{events:?}");
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn an_unknown_model_is_refused_before_anything_is_sent() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    for model in ["scripted/okay", "scriptd/ok", "scripted/ok#hihg", "nobody/nothing"] {
        let refused = session.prompt(ask(model, "@text never")).await.expect_err("refused");
        assert_eq!(refused.kind, FailureKind::ModelUnknown, "{refused}");
        assert!(model == "nobody/nothing" || refused.message.contains('`'), "{refused}");
    }
    assert!(rig.requests().is_empty(), "something was sent");
    let (_, outcome) = turn(&mut *session, ask("scripted/ok#high", "@text fine")).await;
    assert_eq!(outcome, TurnOutcome::Completed);
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn an_unknown_session_is_told_as_such() {
    let rig = Rig::new().await;
    for id in ["ses_e0000000000000000000000000", "nonsense"] {
        let unknown = rig.open(Some(&work::model::SessionId(id.to_owned()))).await;
        assert_eq!(unknown.err().map(|failure| failure.kind), Some(FailureKind::SessionUnknown), "{id}");
    }
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn a_killed_server_ends_the_turn_and_the_next_prompt_starts_another() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    session.prompt(script("@bash sleep 4712.25\n@text never")).await.expect("taken");
    until(&mut *session, |event| format!("{event:?}").contains("Running")).await;
    until_so("the tool runs", || lives("sleep 4712.25")).await;
    let pid = rig.server_pid().await;
    let killed = Instant::now();
    process::signal_process(pid, Signal::SIGKILL);
    let (events, outcome) = to_the_end(&mut *session).await;
    assert_eq!(kind(&outcome), Some(FailureKind::AgentCrashed), "{events:?}");
    assert!(killed.elapsed().as_secs() < 5, "{:?}", killed.elapsed());
    until_so("its tool is gone", || !lives("sleep 4712.25")).await;

    let (events, outcome) = turn(&mut *session, script("@text back again")).await;
    assert_eq!((text(&events).as_str(), outcome), ("back again", TurnOutcome::Completed));
    assert_ne!(rig.server_pid().await, pid);
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn a_stop_ends_turns_and_tools() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    session.prompt(script("@bash (trap '' TERM; sleep 4713.25)\n@text never")).await.expect("taken");
    until(&mut *session, |event| format!("{event:?}").contains("Running")).await;
    until_so("the tool runs", || lives("sleep 4713.25")).await;
    let pid = rig.server_pid().await;
    let (_, (_, outcome)) = tokio::join!(rig.backend.shutdown(), to_the_end(&mut *session));
    assert_eq!(outcome, TurnOutcome::Cancelled { cause: CancelCause::Shutdown });
    assert!(!lives("sleep 4713.25"), "the tool is left");
    assert!(work::sys::identity::Identity::of(pid).is_none(), "the server is left");
}

#[tokio::test]
async fn a_server_that_was_left_behind_is_stopped_by_its_record() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    session.prompt(script("@bash sleep 4714.25\n@text never")).await.expect("taken");
    until_so("the tool runs", || lives("sleep 4714.25")).await;
    let server = rig.backend.server().await.expect("a server");
    let text = serde_json::to_string(&server.record()).expect("JSON");
    let record = serde_json::from_str(&text).expect("a record");
    stop_leftover(&record).await;
    assert!(!lives("sleep 4714.25"), "the tool is left");
    assert!(!server.is_running() || work::sys::identity::Identity::of(server.identity().pid).is_none());
    stop_leftover(&record).await;
}

#[tokio::test]
async fn two_backends_of_one_home_share_the_sessions() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    turn(&mut *session, script("@text one")).await;
    let other = Opencode::new(rig.options.clone());
    let (one, two) = (rig.server_pid().await, other.server().await.expect("a server").identity().pid);
    assert_ne!(one, two);
    other.shutdown().await;
    let (events, _) = turn(&mut *session, script("@text two")).await;
    assert_eq!(text(&events), "two");
    rig.backend.shutdown().await;
}
