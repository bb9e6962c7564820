//! What a turn tells, and how it ends.

use serde_json::json;

use super::*;

fn said(words: &str) -> Value {
    json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": words } })
}

fn asks() -> Value {
    json!({ "toolCall": { "toolCallId": "c", "kind": "execute", "rawInput": { "command": "touch x" } },
        "options": [{ "optionId": "y", "kind": "allow_once" }, { "optionId": "n", "kind": "reject_once" }] })
}

fn outcome(events: &[AgentEvent]) -> &TurnOutcome {
    match events {
        [AgentEvent::Usage(_), AgentEvent::Status(Busyness::Idle), AgentEvent::TurnEnded(outcome)] => outcome,
        other => panic!("no end: {other:?}"),
    }
}

fn crashed(stopped: bool) -> Gone {
    Gone { failure: Failure::new(FailureKind::AgentCrashed, "it ended"), stopped }
}

/// Mutant: the reason of the agent believed before our own cancel.
#[test]
fn our_own_cancel_is_believed_over_the_reason() {
    let mut totals = Totals::of_new();
    let ours = TurnOutcome::Cancelled { cause: CancelCause::Person };
    let theirs = TurnOutcome::Cancelled { cause: CancelCause::Agent };
    for (cancelled, reason, expected) in [
        (true, "end_turn", &ours),
        (true, "cancelled", &ours),
        (false, "cancelled", &theirs),
        (false, "end_turn", &TurnOutcome::Completed),
        (false, "max_tokens", &TurnOutcome::Completed),
        (false, "a later reason", &TurnOutcome::Completed),
    ] {
        let mut turn = Turn::default();
        if cancelled {
            turn.cancel(CancelCause::Person);
        }
        let events = turn.ended(Ok(json!({ "stopReason": reason })), &mut totals);
        assert_eq!(outcome(&events), expected, "{cancelled} {reason}");
    }
    let mut turn = Turn::default();
    turn.cancel(CancelCause::Person);
    assert_eq!(outcome(&turn.ended(Err(RpcError::default()), &mut totals)), &ours);
    assert_eq!(outcome(&turn.gone(crashed(false), &totals)), &ours);
}

#[test]
fn a_child_that_ends_by_itself_has_crashed() {
    let (turn, totals) = (Turn::default(), Totals::of_new());
    let failure = crashed(false).failure;
    assert_eq!(outcome(&turn.gone(crashed(false), &totals)), &TurnOutcome::Failed { failure });
    let shutdown = TurnOutcome::Cancelled { cause: CancelCause::Shutdown };
    assert_eq!(outcome(&turn.gone(crashed(true), &totals)), &shutdown);
}

#[test]
fn a_turn_that_ends_with_a_refusal_was_denied() {
    let mut totals = Totals::of_new();
    let end = || Ok(json!({ "stopReason": "end_turn" }));
    let refuse = |turn: &mut Turn| {
        let Asked::Tell(AgentEvent::Permission { id, permission, patterns, .. }) =
            turn.permission("r1".to_owned(), json!(0), asks())
        else {
            panic!("it is asked")
        };
        assert_eq!((id.as_str(), permission.as_str()), ("r1", "execute"));
        assert_eq!(patterns, ["touch x"]);
        turn.answer("r1", &PermissionReply::Text(Vec::new())).expect_err("no words");
        let (id, _) = turn.answer("r1", &PermissionReply::Reject(String::new())).expect("answered");
        assert_eq!(id, json!(0));
        turn.answer("r1", &PermissionReply::Once).expect_err("answered before");
    };
    let mut turn = Turn::default();
    refuse(&mut turn);
    let TurnOutcome::Failed { failure } = outcome(&turn.ended(end(), &mut totals)).clone() else { panic!() };
    assert_eq!(failure.kind, FailureKind::PermissionDenied);

    let mut turn = Turn::default();
    refuse(&mut turn);
    turn.update(said("Then not."), &mut totals);
    assert_eq!(outcome(&turn.ended(end(), &mut totals)), &TurnOutcome::Completed);
}

/// Mutant: requests that come after the cancel are told.
#[test]
fn what_is_asked_of_a_cancelled_turn_is_refused() {
    let mut turn = Turn::default();
    assert!(matches!(turn.permission("r1".to_owned(), json!("u-1"), asks()), Asked::Tell(_)));
    assert_eq!(turn.cancel(CancelCause::Person), [json!("u-1")]);
    match turn.permission("r2".to_owned(), json!(1), asks()) {
        Asked::Refuse(id, answer) => {
            assert_eq!((id, answer), (json!(1), json!({ "outcome": { "outcome": "cancelled" } })));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn words_and_thoughts_are_told_and_others_are_not() {
    let (mut turn, mut totals) = (Turn::default(), Totals::of_new());
    let thought =
        json!({ "sessionUpdate": "agent_thought_chunk", "content": { "type": "text", "text": "hm" } });
    let image = json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "image", "data": "" } });
    let empty = json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": "" },
        "_meta": { "usage": { "inputTokens": 5, "outputTokens": 1, "totalTokens": 6 } } });
    let mut all = Vec::new();
    for update in [said("a"), thought, image, empty, json!({ "sessionUpdate": "later" }), json!(3)] {
        all.extend(turn.update(update, &mut totals));
    }
    let (delta, thought) = ("a".to_owned(), "hm".to_owned());
    assert_eq!(all, [AgentEvent::Text { delta }, AgentEvent::Reasoning { delta: thought }]);
    let more = json!({ "stopReason": "end_turn", "usage": { "inputTokens": 9, "outputTokens": 9 } });
    turn.ended(Ok(more), &mut totals);
    assert_eq!((totals.used().input, totals.used().output), (5, 1), "its steps told it");
}

#[test]
fn an_error_in_place_of_an_answer_fails_the_turn() {
    let (mut turn, mut totals) = (Turn::default(), Totals::of_new());
    turn.update(said("Ran into this error: 429 slow"), &mut totals);
    turn.update(said(" down.\n\nPlease retry if you think"), &mut totals);
    let events = turn.ended(Ok(json!({ "stopReason": "end_turn" })), &mut totals);
    let TurnOutcome::Failed { failure } = outcome(&events).clone() else { panic!("{events:?}") };
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::RateLimit, "429 slow down."));
}
