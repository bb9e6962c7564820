//! The ACP backend against the scripted agent: turns, what they tell, and how they end.

use std::time::Duration;

use serde_json::json;
use work::agent::acp::Limits;
use work::agent::{Backend as _, PermissionReply, PromptRequest};
use work::model::{AgentEvent, BackendKind, CancelCause, FailureKind, ToolStatus, TurnOutcome};

use crate::support::acp::{Scripted, request};
use crate::support::backend::{ask, lives, script, text, thoughts, to_the_end, turn, until, until_so};

const CANCELLED: TurnOutcome = TurnOutcome::Cancelled { cause: CancelCause::Person };

/// Mutant: a session that is open in the child is taken up again.
#[tokio::test]
async fn one_child_and_one_session_serve_many_turns() {
    let agent = Scripted::new(&[]);
    assert!(agent.backend.process().is_none() && !agent.backend.is_busy(), "nothing runs yet");
    let mut session = agent.open(None).await.expect("a session");
    assert_eq!(session.backend(), BackendKind::Acp);
    let told = "@think let me see\n@bash echo hello\n@diff /a.txt old new\n@text all is done\n@usage input=5 output=2 cost=0.5";
    let (events, outcome) = turn(&mut *session, script(told)).await;
    assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
    assert_eq!((text(&events).as_str(), thoughts(&events).as_str()), ("all is done", "let me see"));
    let calls: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::ToolCall { name, title, status, output, .. } => {
                Some((name.as_str(), title.as_str(), *status, output.as_deref().unwrap_or_default()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        calls,
        [
            ("execute", "echo hello", ToolStatus::Running, ""),
            ("execute", "echo hello", ToolStatus::Completed, "hello\n"),
            ("write", "write", ToolStatus::Completed, "--- /a.txt\n-old\n+new"),
        ]
    );
    let usage = session.usage().await.expect("usage");
    assert_eq!((usage.input, usage.output, usage.cost), (5, 2, 0.5));

    let id = session.id().expect("an id").clone();
    drop(session);
    let mut session = agent.open(Some(&id)).await.expect("the same session");
    let (events, _) = turn(&mut *session, script("@text again\n@usage input=1 cost=0.75\n@recall")).await;
    assert!(text(&events).contains("all is done"), "{events:?}");
    let usage = session.usage().await.expect("usage");
    assert_eq!((usage.input, usage.cost), (6, 0.75));
    assert_eq!(
        [agent.count("initialize"), agent.count("session/new"), agent.count("session/prompt")],
        [1, 1, 2]
    );
    assert_eq!([agent.count("session/load"), agent.count("session/resume")], [0, 0], "it is still open");
    let hello = &agent.received()[0]["params"]["clientCapabilities"];
    assert_eq!(*hello, json!({ "fs": { "readTextFile": false, "writeTextFile": false }, "terminal": false }));
    assert_eq!(agent.children(), [1, 0]);
    agent.backend.shutdown().await;
    assert_eq!(agent.children(), [1, 1]);
    assert!(agent.backend.process().is_none());
}

#[tokio::test]
async fn tools_know_their_thread_and_the_agent_its_variables() {
    let agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    let names = "WORK_ROOT WORK_STREAM WORK_THREAD GREETING OWN QWEN_CODE_NO_RELAUNCH PWD";
    let told = format!("@bash for name in {names}; do printenv $name; done; test -n \"$WORK_SERVER\" && pwd");
    let (events, _) = turn(&mut *session, script(&told)).await;
    let output = events.iter().find_map(|event| match event {
        AgentEvent::ToolCall { output, .. } => output.clone(),
        _ => None,
    });
    let project = agent.project().display().to_string();
    let expected = [&project, "001-test", "01.02.03", "good day", "of the agent", "true", &project, &project];
    assert_eq!(output.expect("an output").lines().collect::<Vec<_>>(), expected);
    // A session for another thread needs another environment.
    let mut other = request(&agent.project(), None);
    other.thread = "02.01.01".parse().expect("an id");
    let mut session = agent.backend.open(other).await.expect("a session");
    let (events, _) = turn(&mut *session, script("@env WORK_THREAD")).await;
    assert_eq!((text(&events).as_str(), agent.children()), ("02.01.01", [2, 1]));
    agent.backend.shutdown().await;
}

/// Mutant: the agent's own reason is believed.
#[tokio::test]
async fn a_cancel_ends_the_turn_and_not_the_child() {
    for arguments in [&[][..], &["--lies"]] {
        let agent = Scripted::with_limits(arguments, Limits::default());
        let mut session = agent.open(None).await.expect("a session");
        for (told, word) in [("@hang", "Busy"), ("@bash echo 4712; sleep 4712.25", "Running")] {
            session.prompt(script(told)).await.expect("taken");
            until(&mut *session, |event| format!("{event:?}").contains(word)).await;
            assert!(agent.backend.is_busy());
            session.cancel().await;
            assert!(!agent.backend.is_busy());
            let (events, outcome) = to_the_end(&mut *session).await;
            assert_eq!(outcome, CANCELLED, "{arguments:?} {told} {events:?}");
            let (events, outcome) = turn(&mut *session, script("@text next")).await;
            assert_eq!((text(&events).as_str(), outcome), ("next", TurnOutcome::Completed));
        }
        until_so("the tool is gone", || !lives("sleep 4712.25")).await;
        // A turn that is over before it is cancelled is not cancelled.
        session.prompt(script("@text done")).await.expect("taken");
        until_so("it is over", || !agent.backend.is_busy()).await;
        session.cancel().await;
        assert_eq!(to_the_end(&mut *session).await.1, TurnOutcome::Completed);
        assert_eq!(agent.children(), [1, 0]);
        agent.backend.shutdown().await;
    }
}

/// Mutant: no deadline for a cancel.
#[tokio::test]
async fn a_cancel_that_is_ignored_ends_the_child() {
    let agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    let id = session.id().expect("an id").clone();
    session.prompt(script("@ignore-cancel\n@bash sleep 4713.25\n@text never")).await.expect("taken");
    until_so("the tool runs", || lives("sleep 4713.25")).await;
    session.cancel().await;
    let (events, outcome) = to_the_end(&mut *session).await;
    assert_eq!(outcome, CANCELLED, "{events:?}");
    assert!(!lives("sleep 4713.25"), "the tool is gone with it");
    session.prompt(script("@text never")).await.expect_err("its child is gone");
    let mut session = agent.open(Some(&id)).await.expect("resumed in another child");
    let (events, outcome) = turn(&mut *session, script("@text next")).await;
    assert_eq!((text(&events).as_str(), outcome), ("next", TurnOutcome::Completed));
    assert_eq!(agent.children(), [2, 1]);
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn nothing_of_a_turn_reaches_the_next() {
    let agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    let (_, outcome) = turn(&mut *session, script("@bash true\n@late\n@text first")).await;
    assert_eq!(outcome, TurnOutcome::Completed);
    let (events, _) = turn(&mut *session, script("@sleep 20ms\n@text second")).await;
    assert_eq!(text(&events), "second");
    assert!(!format!("{events:?}").contains("late"), "{events:?}");
    // Whoever prompted is gone: the turn is cancelled, and the next one waits until it is over.
    session.prompt(script("@bash sleep 4714.25\n@text never")).await.expect("taken");
    until(&mut *session, |event| format!("{event:?}").contains("Running")).await;
    let id = session.id().expect("an id").clone();
    drop(session);
    let mut session = agent.open(Some(&id)).await.expect("still open");
    let (events, outcome) = turn(&mut *session, script("@text third")).await;
    assert_eq!((text(&events).as_str(), outcome), ("third", TurnOutcome::Completed));
    let mut other = agent.open(Some(&id)).await.expect("still open");
    session.prompt(script("@hang")).await.expect("taken");
    let refused = other.prompt(script("@text never")).await.expect_err("one turn at a time");
    assert!(refused.message.contains("runs"), "{refused}");
    session.cancel().await;
    assert_eq!(agent.children(), [1, 0]);
    agent.backend.shutdown().await;
}

/// Mutant: a request that waits is left unanswered by a cancel.
#[tokio::test]
async fn permissions_are_asked_and_answered() {
    for arguments in [&[][..], &["--text-ids"]] {
        let agent = Scripted::with_limits(arguments, Limits::default());
        let mut session = agent.open(None).await.expect("a session");
        let mut seen = Vec::new();
        for (reply, option) in [
            (PermissionReply::Once, "my-allow_once"),
            (PermissionReply::Always, "my-allow_always"),
            (PermissionReply::Reject("words that are not carried".to_owned()), "my-reject_once"),
        ] {
            session.prompt(script("@permission touch x\n@text and on")).await.expect("taken");
            let events = until(&mut *session, |event| matches!(event, AgentEvent::Permission { .. })).await;
            let Some(AgentEvent::Permission { id, permission, patterns, always }) = events.last().cloned()
            else {
                unreachable!("that is what was waited for")
            };
            assert_eq!((permission.as_str(), &patterns[..]), ("execute", &["touch x".to_owned()][..]));
            assert_eq!(always, ["allow_always touch x"]);
            assert!(!seen.contains(&id), "each request has a name of its own");
            seen.push(id.clone());
            let words = session.answer(id.clone(), PermissionReply::Text(vec!["yes".to_owned()])).await;
            words.expect_err("that is no answer, and it still waits");
            session.answer(id.clone(), reply).await.expect("answered");
            session.answer(id, PermissionReply::Once).await.expect_err("answered before");
            let (events, outcome) = to_the_end(&mut *session).await;
            assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
            assert_eq!(text(&events), format!("chose {option} and on"));
            assert!(events.iter().any(|event| matches!(event, AgentEvent::Answered { .. })), "{events:?}");
        }
        // It ends a cancelled turn only when it is answered.
        session.prompt(script("@permission touch x")).await.expect("taken");
        until(&mut *session, |event| matches!(event, AgentEvent::Permission { .. })).await;
        session.cancel().await;
        assert_eq!(to_the_end(&mut *session).await.1, CANCELLED);
        let last = agent.received().into_iter().rev().find(|message| message.get("result").is_some());
        assert_eq!(last.expect("an answer")["result"], json!({ "outcome": { "outcome": "cancelled" } }));
        assert_eq!(agent.children(), [1, 0]);
        agent.backend.shutdown().await;
    }
}

#[tokio::test]
async fn what_we_do_not_know_costs_nothing() {
    let agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    let told = "@text before \n@garbage\n@request fs/read_text_file\n@request terminal/create\n@text  after";
    let (events, outcome) = turn(&mut *session, script(told)).await;
    assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
    assert_eq!(text(&events), "before code -32601code -32601 after");
    let log = std::fs::read_to_string(agent.log()).expect("a log");
    assert!(log.contains("Debugger attached"), "{log}");
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(agent.log()).expect("a log").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn a_huge_message_is_borne_and_one_beyond_the_limit_left_out() {
    let agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    let (events, outcome) = turn(&mut *session, script("@huge 24\n@text end")).await;
    assert_eq!((text(&events).len(), outcome), (24 * 1024 * 1024 + 3, TurnOutcome::Completed));
    let (events, outcome) = turn(&mut *session, script("@huge 65\n@text end")).await;
    assert_eq!((text(&events).as_str(), outcome), ("end", TurnOutcome::Completed));
    let log = std::fs::read_to_string(agent.log()).expect("a log");
    assert!(log.contains("bytes was left out"), "{log}");
    agent.backend.shutdown().await;
}

#[tokio::test]
async fn the_model_is_set_once_and_checked_against_the_list() {
    let chosen = "@model";
    for (arguments, first, second) in [
        (&["--models", "ok,big"][..], "ok low", "big low"),
        (&["--model-options", "scripted/ok,scripted/big"], "scripted/ok default", "scripted/big high"),
    ] {
        let agent = Scripted::new(arguments);
        let mut session = agent.open(None).await.expect("a session");
        session.prepare(&"scripted/ok".parse().expect("a model")).await;
        let (events, _) = turn(&mut *session, script(chosen)).await;
        assert_eq!(text(&events), first, "{arguments:?}");
        let model = if second.ends_with("high") { "scripted/big#high" } else { "scripted/big" };
        let (events, _) = turn(&mut *session, ask(model, chosen)).await;
        assert_eq!(text(&events), second, "{arguments:?}");
        let before = agent.received().len();
        turn(&mut *session, ask(model, chosen)).await;
        assert_eq!(agent.received().len(), before + 1, "nothing but the prompt");
        let failure = session.prompt(ask("scripted/bug", chosen)).await.expect_err("not listed");
        assert_eq!(failure.kind, FailureKind::ModelUnknown);
        assert!(failure.message.contains("big`"), "{failure}");
        let failure = session.prompt(ask("scripted/ok#huge", chosen)).await.expect_err("no such variant");
        assert_eq!(failure.kind, FailureKind::ModelUnknown);
        let nobody = PromptRequest { persona: Some("nobody".to_owned()), ..script(chosen) };
        session.prompt(nobody).await.expect_err("no such mode");
        agent.backend.shutdown().await;
    }
    // Who lists none has its own.
    let agent = Scripted::new(&[]);
    let mut session = agent.open(None).await.expect("a session");
    assert_eq!(turn(&mut *session, ask("any/thing", chosen)).await.1, TurnOutcome::Completed);
    assert_eq!(agent.received().len(), 3, "initialize, new, prompt");
    agent.backend.shutdown().await;
}

/// A tool is no stall, however long it says nothing. Mutant: nothing said when it wakes.
#[tokio::test]
async fn a_long_tool_is_told_of_from_time_to_time() {
    let agent = Scripted::with_limits(&[], Limits { pulse: Duration::from_millis(20), ..Limits::default() });
    let mut session = agent.open(None).await.expect("a session");
    session.prompt(script("@bash sleep 4715.25")).await.expect("taken");
    for _ in 0..3 {
        until(&mut *session, |event| format!("{event:?}").contains("Busy")).await;
    }
    session.cancel().await;
    agent.backend.shutdown().await;
}
