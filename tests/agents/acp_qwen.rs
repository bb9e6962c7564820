//! The ACP backend on the real `qwen --acp`.

use work::agent::{Backend as _, PermissionReply};
use work::model::{AgentEvent, CancelCause, FailureKind, TurnOutcome};
use work::sys::process::{self, Signal};

use crate::support::acp::Real;
use crate::support::backend::{lives, script, text, thoughts, to_the_end, turn, until, until_so};

const CANCELLED: TurnOutcome = TurnOutcome::Cancelled { cause: CancelCause::Person };

/// A call of its tool for commands.
fn shell(command: &str) -> String {
    format!("@tool run_shell_command {{\"command\":\"{command}\",\"is_background\":false}}")
}

/// Prompts, and answers what it asks.
async fn allowed(session: &mut dyn work::agent::Session, told: &str, reply: PermissionReply) {
    session.prompt(script(told)).await.expect("taken");
    let events = until(session, |event| matches!(event, AgentEvent::Permission { .. })).await;
    let Some(AgentEvent::Permission { id, patterns, .. }) = events.last().cloned() else {
        unreachable!("that is what was waited for")
    };
    assert!(patterns.len() == 1 && !patterns[0].is_empty(), "{patterns:?}");
    session.answer(id, reply).await.expect("answered");
}

#[tokio::test]
async fn a_turn_tells_each_thing_and_the_next_one_remembers_it() {
    let agent = Real::qwen().await;
    let mut session = agent.open(None).await.expect("a session");
    let told = format!(
        "@reason let me think\n@usage input=50 output=20\n{}\n@text all is done\n@usage input=500 output=40 cached=100 reasoning=10",
        shell("echo $WORK_THREAD > made.txt; cat made.txt")
    );
    allowed(&mut *session, &told, PermissionReply::Once).await;
    let (events, outcome) = to_the_end(&mut *session).await;
    assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
    assert_eq!(text(&events), "all is done");
    assert!(format!("{events:?}").contains("01.02.03"), "{events:?}");
    let usage = session.usage().await.expect("usage");
    // It tells every step.
    assert_eq!((usage.input, usage.cache_read), (450, 100), "{usage:?}");
    assert_eq!((usage.output, usage.reasoning), (50, 10), "{usage:?}");

    let (events, outcome) = turn(&mut *session, script("@reason hm\n@text again")).await;
    assert_eq!((outcome, text(&events).as_str()), (TurnOutcome::Completed, "again"));
    assert_eq!(thoughts(&events), "hm");
    let asked = agent.requests().pop().expect("a request");
    assert!(asked["messages"].to_string().contains("all is done"), "{asked}");
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn a_refusal_is_told_to_the_model() {
    let agent = Real::qwen().await;
    let mut session = agent.open(None).await.expect("a session");
    let told = format!("{}\n@text without it", shell("touch never.txt"));
    allowed(&mut *session, &told, PermissionReply::Reject("no".to_owned())).await;
    let (events, outcome) = to_the_end(&mut *session).await;
    assert!(!agent.project().join("never.txt").exists());
    // It ends its turn, or goes on; either way what is told is true.
    let denied = format!("{outcome:?}").contains("PermissionDenied");
    assert!(denied || text(&events) == "without it", "{outcome:?} {events:?}");
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn a_cancel_in_a_tool_ends_the_tool_and_the_turn() {
    let agent = Real::qwen().await;
    let mut session = agent.open(None).await.expect("a session");
    let pid = agent.backend.process().expect("a child").pid;
    let told = format!("{}\n@text never", shell("true; sleep 4722.25; true"));
    allowed(&mut *session, &told, PermissionReply::Once).await;
    until_so("the tool runs", || lives("sleep 4722.25")).await;
    session.cancel().await;
    assert_eq!(to_the_end(&mut *session).await.1, CANCELLED);
    until_so("the tool is gone", || !lives("sleep 4722.25")).await;
    let (events, outcome) = turn(&mut *session, script("@text next")).await;
    assert_eq!((text(&events).as_str(), outcome), ("next", TurnOutcome::Completed));
    assert_eq!(agent.backend.process().expect("a child").pid, pid, "the same child");
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn a_killed_child_is_replaced_and_the_session_goes_on() {
    let agent = Real::qwen().await;
    let mut session = agent.open(None).await.expect("a session");
    let id = session.id().expect("an id").clone();
    turn(&mut *session, script("@text the first words")).await;
    session.prompt(script("@text half\n@hang")).await.expect("taken");
    until(&mut *session, |event| format!("{event:?}").contains("half")).await;
    process::signal_process(agent.backend.process().expect("a child").pid, Signal::SIGKILL);
    let (events, outcome) = to_the_end(&mut *session).await;
    assert!(format!("{outcome:?}").contains("AgentCrashed"), "{outcome:?} after {events:?}");
    let mut session = agent.open(Some(&id)).await.expect("loaded");
    let (events, outcome) = turn(&mut *session, script("@text the second words")).await;
    assert_eq!((text(&events).as_str(), outcome), ("the second words", TurnOutcome::Completed));
    let asked = agent.requests().pop().expect("a request")["messages"].to_string();
    assert!(asked.contains("the first words"), "{asked}");
    let unknown = work::model::SessionId("00000000-0000-4000-8000-000000000000".to_owned());
    let failure = agent.open(Some(&unknown)).await.err().expect("unknown");
    assert_eq!(failure.kind, FailureKind::SessionUnknown, "{failure}");
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn a_provider_that_refuses_the_key_fails_the_turn() {
    let agent = Real::qwen().await;
    let mut session = agent.open(None).await.expect("a session");
    let (events, outcome) = turn(&mut *session, script("@status 401\n@text never")).await;
    let TurnOutcome::Failed { failure } = outcome else { panic!("{outcome:?} after {events:?}") };
    assert_eq!(failure.kind, FailureKind::Auth, "{failure}");
    assert_eq!(turn(&mut *session, script("@text on")).await.1, TurnOutcome::Completed);
    agent.backend.shutdown().await;
}
