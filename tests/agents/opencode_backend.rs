//! Turns on the real opencode: what they tell, how they end, and that nothing is left behind.

use work::agent::opencode::Opencode;
use work::agent::{Backend as _, PermissionReply, PromptRequest};
use work::model::{AgentEvent, CancelCause, TurnOutcome};

use crate::support::backend::{Rig, ask, lives, script, text, thoughts, to_the_end, turn, until, until_so};

const CANCELLED: TurnOutcome = TurnOutcome::Cancelled { cause: CancelCause::Person };

#[tokio::test]
async fn a_turn_tells_each_thing_once_and_the_next_one_remembers_it() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    let (events, outcome) = turn(
        &mut *session,
        script("@reason let me think\n@usage input=50 output=20 reasoning=5\n@bash echo hello > made.txt; cat made.txt\n@text all is done now\n@usage input=500 output=40 cached=100 reasoning=10"),
    )
    .await;
    assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
    assert_eq!(text(&events), "all is done now");
    assert_eq!(thoughts(&events), "let me think");
    let calls: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::ToolCall { name, status, output, title, .. } => {
                Some(format!("{name} {status:?} {title} {output:?}"))
            }
            _ => None,
        })
        .collect();
    assert!(
        calls.last().is_some_and(|last| last.starts_with("bash Completed") && last.contains("hello")),
        "{calls:?}"
    );
    assert!(calls.iter().any(|call| call.starts_with("bash Running")), "{calls:?}");
    let usage = session.usage().await.expect("usage");
    assert_eq!((usage.input, usage.cache_read), (450, 100), "{usage:?}");
    assert_eq!((usage.output, usage.reasoning), (45, 15), "{usage:?}");

    let (events, outcome) = turn(&mut *session, script("@text again")).await;
    assert_eq!((outcome, text(&events).as_str()), (TurnOutcome::Completed, "again"));
    let asked = rig.requests().pop().expect("a request")["messages"].to_string();
    assert!(asked.contains("@text again") && asked.contains("all is done now"), "{asked}");
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn sessions_of_one_directory_do_not_mix() {
    let rig = Rig::new().await;
    let mut one = rig.open(None).await.expect("a session");
    let mut two = rig.open(None).await.expect("a session");
    let words = |name: &str| vec![name; 30].join(" ");
    one.prompt(script(&format!("@chunk-delay 20ms\n@text {}", words("one")))).await.expect("taken");
    two.prompt(script(&format!("@chunk-delay 20ms\n@text {}", words("two")))).await.expect("taken");
    let ((first, ended_first), (second, ended_second)) =
        tokio::join!(to_the_end(&mut *one), to_the_end(&mut *two));
    assert_eq!((ended_first, ended_second), (TurnOutcome::Completed, TurnOutcome::Completed));
    assert_eq!((text(&first), text(&second)), (words("one"), words("two")));
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn tools_know_their_stream_and_thread_and_not_the_password() {
    let rig = Rig::new().await;
    let other = rig.project().join("other");
    std::fs::create_dir_all(&other).expect("a folder");
    let mut one = rig.open_in(&rig.project(), "01.01.01", None).await.expect("a session");
    let mut two = rig.open_in(&other, "01.02.03", None).await.expect("a session");
    let tell = "@bash echo \"[$WORK_STREAM $WORK_THREAD $WORK_ROOT <$OPENCODE_SERVER_PASSWORD> $npm_config_offline]\"\n@text ok";
    let (told_one, _) = turn(&mut *one, script(tell)).await;
    let (told_two, _) = turn(&mut *two, script(tell)).await;
    let root = rig.project().display().to_string();
    for (events, thread) in [(told_one, "01.01.01"), (told_two, "01.02.03")] {
        let told = format!("{events:?}");
        assert!(told.contains(&format!("[001-test {thread} {root} <> false]")), "{told}");
    }
    let sub = r#"@tool task {"description":"sub","subagent_type":"general","prompt":"```script\n@bash echo \"[$WORK_STREAM $WORK_THREAD]\"\n@text sub is done\n```"}
@text parent is done"#;
    let mut request = script(sub);
    request.text = format!("Please.\n````script\n{sub}\n````\n");
    let (events, outcome) = turn(&mut *one, request).await;
    assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
    assert_eq!(text(&events), "parent is done");
    assert!(format!("{events:?}").contains("[001-test 01.01.01]"), "{events:?}");
    let usage = one.usage().await.expect("usage");
    assert!(usage.output > 0, "{usage:?}");
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn a_cancelled_turn_ends_as_cancelled_and_the_next_prompt_is_answered() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    let spoke = |event: &AgentEvent| matches!(event, AgentEvent::Text { .. });

    session
        .prompt(script(&format!("@chunk-delay 50ms\n@text {}", vec!["word"; 400].join(" "))))
        .await
        .expect("taken");
    until(&mut *session, spoke).await;
    session.cancel().await;
    assert_eq!(to_the_end(&mut *session).await.1, CANCELLED, "in text");

    let (events, outcome) = turn(&mut *session, script("@text after text")).await;
    assert_eq!((text(&events).as_str(), outcome), ("after text", TurnOutcome::Completed));

    session.prompt(script("@bash sleep 4711.25\n@text never")).await.expect("taken");
    until(&mut *session, |event| format!("{event:?}").contains("Running")).await;
    until_so("the tool runs", || lives("sleep 4711.25")).await;
    session.cancel().await;
    assert_eq!(to_the_end(&mut *session).await.1, CANCELLED, "in a tool");
    until_so("the tool is gone", || !lives("sleep 4711.25")).await;

    session.prompt(ask("scripted/hang", "@text never")).await.expect("taken");
    until(&mut *session, |event| matches!(event, AgentEvent::Status(_))).await;
    session.cancel().await;
    assert_eq!(to_the_end(&mut *session).await.1, CANCELLED, "while it hangs");

    session.prompt(ask("scripted/fail-500", "@text never")).await.expect("taken");
    until(&mut *session, |event| format!("{event:?}").contains("Retrying")).await;
    session.cancel().await;
    assert_eq!(to_the_end(&mut *session).await.1, CANCELLED, "while it waits for a retry");

    // Before the turn has begun at all.
    session.prompt(ask("scripted/hang", "@text never")).await.expect("taken");
    session.cancel().await;
    assert_eq!(to_the_end(&mut *session).await.1, CANCELLED, "at once");

    let (events, outcome) = turn(&mut *session, script("@text at last")).await;
    assert_eq!((text(&events).as_str(), outcome), ("at last", TurnOutcome::Completed));
    assert_eq!(session.id().expect("an id").0.get(..4), Some("ses_"));
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn permissions_are_asked_and_answered() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    let outside = rig.write_beside("outside.txt", "secret");
    let look = format!("@tool read {{\"filePath\":\"{}\"}}\n@text looked", outside.display());
    for (reply, word) in [
        (PermissionReply::Once, "secret"),
        (PermissionReply::Reject("stay inside".to_owned()), "stay inside"),
    ] {
        session.prompt(script(&look)).await.expect("taken");
        let events = until(&mut *session, |event| matches!(event, AgentEvent::Permission { .. })).await;
        let Some(AgentEvent::Permission { id, permission, .. }) = events.last().cloned() else {
            unreachable!("that is what was waited for")
        };
        assert_eq!(permission, "external_directory");
        session.answer(id.clone(), reply).await.expect("answered");
        let (events, outcome) = to_the_end(&mut *session).await;
        assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
        assert!(events.iter().any(|event| matches!(event, AgentEvent::Answered { .. })), "{events:?}");
        assert!(format!("{events:?}").contains(word), "{events:?}");
        assert_eq!(text(&events), "looked");
        session.answer(id, PermissionReply::Once).await.expect_err("answered before");
    }
    rig.backend.shutdown().await;
}

/// Mutant: `work.env` left out of the plugin, or `agent` out of the prompt.
#[tokio::test]
async fn tools_get_the_agents_own_variables_and_the_prompt_names_its_persona() {
    let rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    let (events, outcome) =
        turn(&mut *session, script("@bash echo \"<$GREETING $WORK_THREAD>\"\n@text said")).await;
    assert_eq!(outcome, TurnOutcome::Completed, "{events:?}");
    assert!(format!("{events:?}").contains("<good day 01.01.01>"), "{events:?}");
    let nobody = PromptRequest { persona: Some("nobody".to_owned()), ..script("@text never") };
    session.prompt(nobody).await.expect("opencode takes anything");
    let (events, outcome) = to_the_end(&mut *session).await;
    let TurnOutcome::Failed { failure } = outcome else { panic!("{outcome:?} after {events:?}") };
    assert!(failure.message.contains("nobody"), "{failure}");
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn a_session_goes_on_in_another_server_process() {
    let mut rig = Rig::new().await;
    let mut session = rig.open(None).await.expect("a session");
    turn(&mut *session, script("@text the first words")).await;
    let id = session.id().expect("an id").clone();
    drop(session);
    rig.backend.shutdown().await;
    rig.backend.server().await.expect_err("it was stopped for good");

    rig.backend = Opencode::new(rig.options.clone());
    let mut session = rig.open_in(&rig.project(), "02.01.01", Some(&id)).await.expect("resumed");
    assert_eq!(session.id(), Some(&id));
    let (events, outcome) =
        turn(&mut *session, script("@bash echo \"<$WORK_THREAD>\"\n@text the second words")).await;
    assert!(format!("{events:?}").contains("<02.01.01>"), "{events:?}");
    assert_eq!((text(&events).as_str(), outcome), ("the second words", TurnOutcome::Completed));
    let asked = rig.requests().pop().expect("a request")["messages"].to_string();
    assert!(asked.contains("the first words"), "{asked}");
    let ui = session.ui().expect("opencode has one");
    let argv: Vec<_> = ui.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    assert!(argv.contains(&id.0), "{argv:?}");
    assert!(ui.env.iter().all(|(_, secret)| secret == "opencode" || !argv.join(" ").contains(secret)));
    rig.backend.shutdown().await;
}

#[tokio::test]
async fn no_reader_of_events_outlives_its_turn() {
    let rig = Rig::new().await;
    let server = rig.backend.server().await.expect("a server");
    let readers = || server.live_readers();
    let unused = rig.open(None).await.expect("a session");
    assert_eq!(readers(), 1, "for its first turn");
    drop(unused);
    until_so("the reader is gone", || readers() == 0).await;
    let mut session = rig.open(None).await.expect("a session");
    session.prompt(script("@text hello")).await.expect("taken");
    assert_eq!(readers(), 1, "in the turn");
    to_the_end(&mut *session).await;
    until_so("the reader is gone", || readers() == 0).await;
    session.prompt(ask("scripted/hang", "@text never")).await.expect("taken");
    assert_eq!(readers(), 1, "in the turn");
    drop(session);
    until_so("the reader is gone", || readers() == 0).await;
    rig.backend.shutdown().await;
}
