//! The ACP backend on the real `opencode acp`.

use work::agent::{Backend as _, PermissionReply};
use work::model::{AgentEvent, CancelCause, FailureKind, ToolStatus, TurnOutcome};
use work::sys::process::{self, Signal};

use crate::support::acp::Real;
use crate::support::backend::{ask, lives, script, text, thoughts, to_the_end, turn, until, until_so};
use crate::support::opencode;
use crate::support::project::Project;
use crate::support::terminal::Terminal;

const CANCELLED: TurnOutcome = TurnOutcome::Cancelled { cause: CancelCause::Person };

/// Mutant: the effort left as the agent has it.
#[tokio::test]
async fn a_turn_tells_each_thing_and_the_next_one_remembers_it() {
    let agent = Real::opencode().await;
    let mut session = agent.open(None).await.expect("a session");
    let told = "@reason let me think\n@usage input=50 output=20\n@bash echo hello $WORK_THREAD\n@text all is done\n@usage input=500 output=40 cached=100 reasoning=10";
    let (events, outcome) = turn(&mut *session, script(told)).await;
    assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
    assert_eq!((text(&events).as_str(), thoughts(&events).as_str()), ("all is done", "let me think"));
    let ended = events.iter().find_map(|event| match event {
        AgentEvent::ToolCall { name, title, status: ToolStatus::Completed, output, .. } => {
            Some((name.clone(), title.clone(), output.clone()))
        }
        _ => None,
    });
    let expected =
        ("bash".to_owned(), "echo hello $WORK_THREAD".to_owned(), Some("hello 01.02.03\n".to_owned()));
    assert_eq!(ended, Some(expected), "{events:?}");
    let usage = session.usage().await.expect("usage");
    // It tells the tokens of the last step only, and the cost of all of them.
    assert_eq!(
        (usage.input, usage.cache_read, usage.output, usage.reasoning),
        (400, 100, 30, 10),
        "{usage:?}"
    );
    assert!(usage.cost > 0.0, "{usage:?}");
    let asked = agent.requests().pop().expect("a request");
    assert!(asked["parameters"].get("reasoning_effort").is_none(), "{}", asked["parameters"]);

    let (events, outcome) = turn(&mut *session, ask("scripted/plain", "@text again")).await;
    assert_eq!((outcome, text(&events).as_str()), (TurnOutcome::Completed, "again"));
    let asked = agent.requests().pop().expect("a request");
    assert_eq!(asked["model"], "plain");
    assert!(asked["messages"].to_string().contains("all is done"), "{asked}");
    let (_, outcome) = turn(&mut *session, ask("scripted/ok#high", "@text hard")).await;
    assert_eq!(outcome, TurnOutcome::Completed);
    let asked = agent.requests().pop().expect("a request");
    assert_eq!(asked["parameters"]["reasoning_effort"], "high", "{}", asked["parameters"]);
    let failure = session.prompt(ask("scripted/okk", "@text never")).await.expect_err("not listed");
    assert_eq!(failure.kind, FailureKind::ModelUnknown);
    assert!(failure.message.contains("did you mean `scripted/ok`"), "{failure}");
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn a_cancel_in_a_tool_ends_the_tool_and_the_turn() {
    let agent = Real::opencode().await;
    let mut session = agent.open(None).await.expect("a session");
    let pid = agent.backend.process().expect("a child").pid;
    session.prompt(script("@bash sleep 4720.25\n@text never")).await.expect("taken");
    until(&mut *session, |event| format!("{event:?}").contains("Running")).await;
    until_so("the tool runs", || lives("sleep 4720.25")).await;
    session.cancel().await;
    assert_eq!(to_the_end(&mut *session).await.1, CANCELLED);
    until_so("the tool is gone", || !lives("sleep 4720.25")).await;
    let (events, outcome) = turn(&mut *session, script("@text next")).await;
    assert_eq!((text(&events).as_str(), outcome), ("next", TurnOutcome::Completed));
    assert_eq!(agent.backend.process().expect("a child").pid, pid, "the same child");
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn permissions_are_asked_and_answered() {
    let agent = Real::opencode().await;
    let outside = agent.write_beside("outside.txt", "secret");
    let look = format!("@tool read {{\"filePath\":\"{}\"}}\n@text looked", outside.display());
    let mut session = agent.open(None).await.expect("a session");
    session.prompt(script(&look)).await.expect("taken");
    let events = until(&mut *session, |event| matches!(event, AgentEvent::Permission { .. })).await;
    let Some(AgentEvent::Permission { id, .. }) = events.last().cloned() else { unreachable!("waited for") };
    session.answer(id, PermissionReply::Once).await.expect("answered");
    let (events, outcome) = to_the_end(&mut *session).await;
    assert_eq!((text(&events).as_str(), outcome), ("looked", TurnOutcome::Completed));
    assert!(format!("{events:?}").contains("secret"), "{events:?}");

    session.prompt(script(&look)).await.expect("taken");
    let events = until(&mut *session, |event| matches!(event, AgentEvent::Permission { .. })).await;
    let Some(AgentEvent::Permission { id, .. }) = events.last().cloned() else { unreachable!("waited for") };
    session.answer(id, PermissionReply::Reject("no".to_owned())).await.expect("answered");
    let (events, outcome) = to_the_end(&mut *session).await;
    let TurnOutcome::Failed { failure } = outcome else { panic!("{outcome:?} after {events:?}") };
    assert_eq!(failure.kind, FailureKind::PermissionDenied, "it ends its turn: {events:?}");
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn a_killed_child_is_replaced_and_the_session_goes_on() {
    let agent = Real::opencode().await;
    let mut session = agent.open(None).await.expect("a session");
    let id = session.id().expect("an id").clone();
    turn(&mut *session, script("@text the first words")).await;
    session.prompt(script("@bash sleep 4721.25\n@text never")).await.expect("taken");
    until_so("the tool runs", || lives("sleep 4721.25")).await;
    process::signal_process(agent.backend.process().expect("a child").pid, Signal::SIGKILL);
    let (events, outcome) = to_the_end(&mut *session).await;
    assert!(format!("{outcome:?}").contains("AgentCrashed"), "{outcome:?} after {events:?}");
    assert!(!lives("sleep 4721.25"), "its tool is gone with it");
    let mut session = agent.open(Some(&id)).await.expect("resumed");
    let (events, outcome) = turn(&mut *session, script("@text the second words")).await;
    assert_eq!((text(&events).as_str(), outcome), ("the second words", TurnOutcome::Completed));
    let asked = agent.requests().pop().expect("a request")["messages"].to_string();
    assert!(asked.contains("the first words"), "{asked}");
    agent.backend.shutdown().await;
    let unknown = work::model::SessionId("ses_0000000000000000000000nope".to_owned());
    let failure = agent.open(Some(&unknown)).await.err().expect("unknown");
    assert_eq!(failure.kind, FailureKind::SessionUnknown, "{failure}");
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn a_provider_that_refuses_the_key_fails_the_turn() {
    let agent = Real::opencode().await;
    let mut session = agent.open(None).await.expect("a session");
    let (events, outcome) = turn(&mut *session, ask("scripted/fail-401", "@text never")).await;
    let TurnOutcome::Failed { failure } = outcome else { panic!("{outcome:?} after {events:?}") };
    assert_eq!(failure.kind, FailureKind::Auth, "{failure}");
    assert_eq!(turn(&mut *session, script("@text on")).await.1, TurnOutcome::Completed);
    agent.backend.shutdown().await;
}

/// Its sessions are in the store of opencode's own server, so opencode's UI opens them.
#[test]
fn its_sessions_open_in_opencodes_own_ui() {
    let project = Project::new(&["@text The word is heron."]);
    let program = opencode::program();
    let agents = format!(
        "agents:\n  - name: default\n    backend: acp\n    command: ['{}', acp]\n    models: [scripted/ok]\n",
        program.display()
    );
    project.env.write("repo/work/agents.yaml", agents);
    let done = project.execute(1, &[]);
    assert!(done.stdout.contains("heron"), "{done:#?}");
    assert_eq!(project.attempt(1)["backend"], "acp");
    // Its server is up before anybody waits for the UI.
    project.work(["session", "connect", "--list"]).ok();
    let person = Terminal::open(&project.env, &project.repo(), (120, 40), "work session attach 1.1.1");
    person.shows("The word is heron.");
}
