//! Questions of an agent at the backend: whether they may be asked, and what answers them.

use work::agent::{Backend as _, OpenRequest, PermissionReply, Session};
use work::model::{AgentEvent, SessionId, TurnOutcome};

use crate::support::backend::{Rig, script, text, to_the_end, turn, until};

/// Two questions at once, and words at the end.
const TWO: &str = r#"@tool question {"questions":[{"question":"Which color?","header":"Color","options":[{"label":"Red","description":"r"}]},{"question":"Why?","header":"Why","options":[]}]}
@text I went on."#;

async fn open(rig: &Rig, resume: Option<&SessionId>, questions: bool) -> Box<dyn Session> {
    let request = OpenRequest {
        directory: rig.project(),
        title: "questions".to_owned(),
        stream: "001-test".parse().expect("an id"),
        thread: "01.01.01".parse().expect("an id"),
        environment: Default::default(),
        resume: resume.cloned(),
        questions,
        rejoins: false,
    };
    rig.backend.open(request).await.expect("a session")
}

/// Rules are only ever added to a session, so each turn says anew whether somebody is there.
///
/// Mutant: no rule in `claim`.
#[tokio::test]
async fn a_resumed_session_may_ask_when_somebody_is_there() {
    let rig = Rig::new().await;
    let mut session = open(&rig, None, false).await;
    let id = session.id().expect("an id").clone();
    for (questions, reply) in [
        (false, None),
        (true, Some(PermissionReply::Text(vec!["Green".to_owned(), "Because.".to_owned()]))),
        (true, Some(PermissionReply::Reject("Decide yourself.".to_owned()))),
        (false, None),
    ] {
        drop(session);
        session = open(&rig, Some(&id), questions).await;
        let Some(reply) = reply else {
            let (events, outcome) = turn(&mut *session, script(TWO)).await;
            assert_eq!((text(&events).as_str(), outcome), ("I went on.", TurnOutcome::Completed));
            assert!(!events.iter().any(|event| matches!(event, AgentEvent::Question { .. })), "{events:?}");
            continue;
        };
        session.prompt(script(TWO)).await.expect("taken");
        let events = until(&mut *session, |event| matches!(event, AgentEvent::Question { .. })).await;
        let Some(AgentEvent::Question { id, text: asked, questions }) = events.last().cloned() else {
            unreachable!("that is what was waited for")
        };
        assert_eq!((asked.as_str(), questions.len()), ("Which color? (Red)\nWhy?", 2));
        for wrong in [PermissionReply::Once, PermissionReply::Text(vec!["Green".to_owned()])] {
            session.answer(id.clone(), wrong).await.expect_err("that is no answer");
        }
        let words =
            if let PermissionReply::Text(answers) = &reply { &answers[0] } else { "Decide yourself." };
        let words = words.to_owned();
        session.answer(id, reply).await.expect("answered");
        let (events, outcome) = to_the_end(&mut *session).await;
        assert_eq!((text(&events).as_str(), outcome), ("I went on.", TurnOutcome::Completed));
        let asked = rig.requests().pop().expect("a request")["messages"].to_string();
        assert!(asked.contains(&words), "{words} in {asked}");
    }
    rig.backend.shutdown().await;
}
