//! The turn on recorded streams of the real opencode (`tests/data/opencode`), whole and with holes, and
//! on events by hand for what can't be recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::model::ToolStatus;

/// One line of a recording: what we did, or what the server said.
enum Line {
    Prompt { session: String, id: String },
    Cancel,
    Event(Event),
}

fn lines(name: &str) -> Vec<Line> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/opencode").join(name);
    let text = std::fs::read_to_string(path).expect("a recording");
    let line = |line: &str| {
        let json: Value = serde_json::from_str(line).expect("JSON");
        let word = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        match json["do"].as_str() {
            Some("prompt") => Line::Prompt { session: word("session"), id: word("id") },
            Some(_) => Line::Cancel,
            None => Line::Event(Event::deserialize(&json).expect("an event")),
        }
    };
    text.lines().map(line).collect()
}

fn recordings() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/opencode");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("the recordings")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".jsonl"))
        .collect();
    names.sort();
    names
}

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().expect("a time")
}

/// What the server would show of the session when asked in between.
#[derive(Default)]
struct Shown {
    messages: BTreeMap<String, (Value, BTreeMap<String, Value>)>,
    busy: bool,
}

impl Shown {
    fn take(&mut self, event: &Event, session: &str) {
        if event.session() != Some(session) {
            return;
        }
        let body = &event.properties;
        let id = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        match event.kind.as_str() {
            "message.updated" => {
                self.messages.entry(id(&body["info"], "id")).or_default().0 = body["info"].clone();
            }
            "message.part.updated" => {
                let part = &body["part"];
                let parts = &mut self.messages.entry(id(part, "messageID")).or_default().1;
                parts.insert(id(part, "id"), part.clone());
            }
            "session.status" => self.busy = body["status"]["type"] != "idle",
            _ => {}
        }
    }

    fn messages(&self) -> Vec<Message> {
        let read = |(info, parts): &(Value, BTreeMap<String, Value>)| {
            let parts: Vec<_> = parts.values().cloned().collect();
            Message::deserialize(&json!({ "info": info, "parts": parts })).ok()
        };
        self.messages.values().filter_map(read).collect()
    }
}

/// Plays a recording, with the events of `hole` lost, after which everything is read again.
fn play(lines: &[Line], hole: std::ops::Range<usize>) -> Vec<Vec<AgentEvent>> {
    play_with_heirs(lines, hole, &[])
}

/// The same; at each of the `deaths` whoever listened dies, and another one takes its place, who knows only
/// what was told and what the session shows.
fn play_with_heirs(lines: &[Line], hole: std::ops::Range<usize>, deaths: &[usize]) -> Vec<Vec<AgentEvent>> {
    let Some(Line::Prompt { session, .. }) = lines.iter().find(|line| matches!(line, Line::Prompt { .. }))
    else {
        panic!("a recording begins with a prompt")
    };
    let (mut turn, mut shown, mut turns) = (Turn::new(session), Shown::default(), Vec::<Vec<_>>::new());
    let mut broken = false;
    let look_again = |turn: &mut Turn, shown: &Shown, last: bool| {
        turn.broke();
        let mut events = turn.reread(&shown.messages(), shown.busy, now());
        if last && turn.phase() != Phase::Resting {
            // As the session does after some time without news.
            events.extend(turn.force_as_it_stands(now()));
        }
        events
    };
    for (at, line) in lines.iter().enumerate() {
        let lost = hole.contains(&at);
        let mut events = Vec::new();
        if let (true, Phase::Open, Some(told)) = (deaths.contains(&at), turn.phase(), turns.last()) {
            let (prompt, cancelled) = (turn.prompt.clone(), turn.cancelled);
            turn = Turn::new(session);
            turn.rejoin(&prompt, told, &shown.messages());
            turn.cancelled = cancelled;
            let events = turn.reread(&shown.messages(), shown.busy, now());
            turns.last_mut().expect("a turn").extend(events);
        }
        match line {
            Line::Prompt { session: of, id } if of == session => {
                if turn.phase() != Phase::Resting {
                    let events = look_again(&mut turn, &shown, true);
                    turns.last_mut().expect("a turn").extend(events);
                }
                assert_eq!(turn.phase(), Phase::Resting, "prompted in a turn: {hole:?} {turns:?}");
                turn.begin(id);
                turns.push(Vec::new());
            }
            Line::Prompt { .. } => {}
            Line::Cancel => turn.cancelling(CancelCause::Person),
            Line::Event(event) => {
                if broken && !lost {
                    broken = false;
                    events.extend(look_again(&mut turn, &shown, false));
                }
                shown.take(event, session);
                if lost {
                    broken = true;
                } else {
                    events.extend(turn.event(event, now()));
                }
            }
        }
        if let Some(last) = turns.last_mut() {
            last.extend(events);
        }
    }
    if turn.phase() != Phase::Resting {
        let events = look_again(&mut turn, &shown, true);
        turns.last_mut().expect("a turn").extend(events);
    }
    turns
}

/// What was said and thought since the last restart, and how it ended.
fn gist(events: &[AgentEvent]) -> (String, String, String) {
    let (mut text, mut thoughts, mut end) = (String::new(), String::new(), String::new());
    for event in events {
        assert!(end.is_empty(), "{event:?} after the end");
        match event {
            AgentEvent::Text { delta } => text.push_str(delta),
            AgentEvent::Reasoning { delta } => thoughts.push_str(delta),
            AgentEvent::Restarted => {
                text.clear();
                thoughts.clear();
            }
            AgentEvent::TurnEnded(TurnOutcome::Completed) => end.push_str("completed"),
            AgentEvent::TurnEnded(TurnOutcome::Failed { failure }) => end.push_str(failure.kind.name()),
            AgentEvent::TurnEnded(TurnOutcome::Cancelled { cause }) => {
                end = format!("cancelled {cause:?}");
            }
            _ => {}
        }
    }
    (text, thoughts, end)
}

fn words(count: u32) -> String {
    (0..count).map(|number| format!("w{number}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_recording_ends_as_it_did() {
    let thirty = format!("{}answer to another", words(30));
    let expected: &[(&str, &[(&str, &str)])] = &[
        ("aborted-elsewhere", &[("w0 …", "cancelled Agent")]),
        ("cancel-hang", &[("", "cancelled Person"), ("after the cancel", "completed")]),
        ("cancel-retry", &[("", "cancelled Person"), ("after the cancel", "completed")]),
        ("cancel-text", &[("w0 …", "cancelled Person"), ("after the cancel", "completed")]),
        ("cancel-tool", &[("", "cancelled Person"), ("after the cancel", "completed")]),
        ("context-compacted", &[("Nothing is scripted for this message.", "completed")]),
        ("context-full", &[("", "context-full")]),
        ("cut", &[("half of\nand the whole", "completed")]),
        ("failed-401", &[("", "auth"), ("still here", "completed")]),
        ("failed-garbage", &[("", "provider"), ("still here", "completed")]),
        ("full", &[("all is done", "completed")]),
        ("joined-by-another", &[(&thirty, "completed")]),
        ("length", &[("cut off here", "completed")]),
        ("permission-once", &[("end", "completed")]),
        ("permission-reject-why", &[("end", "completed")]),
        ("permission-reject", &[("", "permission-denied")]),
        ("plain", &[("hello there", "completed"), ("second answer", "completed")]),
        ("question-reject", &[("", "permission-denied")]),
        ("retry-exhausted", &[("", "rate-limit")]),
        ("retry", &[("third time lucky", "completed")]),
        ("subagent", &[("parent is done", "completed")]),
        ("tool-failed", &[("end", "completed")]),
        ("two-sessions", &[("one one one one one one one one one one one one one one one", "completed")]),
        ("unknown-model", &[("", "model-unknown"), ("fine", "completed")]),
    ];
    let names: Vec<_> = expected.iter().map(|(name, _)| format!("{name}.jsonl")).collect();
    assert_eq!(recordings(), names);
    for (name, turns) in expected {
        let played = play(&lines(&format!("{name}.jsonl")), 0..0);
        assert_eq!(played.len(), turns.len(), "{name}");
        for (events, (said, end)) in played.iter().zip(*turns) {
            let (text, _, ended) = gist(events);
            assert_eq!(ended, *end, "{name}: {events:?}");
            match said.strip_suffix('…') {
                Some(beginning) => assert!(text.starts_with(beginning), "{name}: {text}"),
                None => assert_eq!(text, *said, "{name}: {events:?}"),
            }
        }
    }
}

#[test]
fn whatever_events_are_lost_each_turn_ends_once_and_says_all() {
    for name in recordings() {
        let lines = lines(&name);
        let whole: Vec<_> = play(&lines, 0..0).iter().map(|events| gist(events)).collect();
        for from in 0..lines.len() {
            for length in [1, 3, 9, lines.len()] {
                let hole = from..(from + length).min(lines.len());
                let played = play(&lines, hole.clone());
                let with_hole: Vec<_> = played.iter().map(|events| gist(events)).collect();
                let same = with_hole.iter().zip(&whole).all(|(one, other)| {
                    // Some errors are told by events alone; without those, the reason is not known.
                    let unknown = [("provider", "model-unknown"), ("cancelled Agent", "context-full")];
                    one == other || unknown.contains(&(one.2.as_str(), other.2.as_str()))
                });
                assert!(same, "{name} without {hole:?}: {with_hole:?} is not {whole:?}, {played:?}");
            }
        }
    }
}

/// What was said of each tool, without the lines that say the same again.
fn tools(events: &[AgentEvent]) -> Vec<String> {
    let tool = |event: &AgentEvent| match event {
        AgentEvent::ToolCall { id, status, .. } => Some(format!("{id} {status:?}")),
        _ => None,
    };
    events.iter().filter_map(tool).collect()
}

/// Mutant: nothing inherited (words are told twice).
#[test]
fn whenever_the_listener_dies_its_heir_tells_each_word_once() {
    for name in recordings() {
        let lines = lines(&name);
        let whole: Vec<_> = play(&lines, 0..0).iter().map(|events| gist(events)).collect();
        for at in 0..lines.len() {
            // The heir begins where the other one stopped, or some events later; it may die as well.
            for (length, deaths) in
                [(0, vec![at]), (2, vec![at + 2]), (9, vec![at + 9]), (0, vec![at, at + 4])]
            {
                let hole = at..(at + length).min(lines.len());
                let played = play_with_heirs(&lines, hole, &deaths);
                let heirs: Vec<_> = played.iter().map(|events| gist(events)).collect();
                let same = heirs.iter().zip(&whole).all(|(one, other)| {
                    let unknown = [("provider", "model-unknown"), ("cancelled Agent", "context-full")];
                    one == other || unknown.contains(&(one.2.as_str(), other.2.as_str()))
                });
                assert!(same, "{name} at {at} {deaths:?}: {heirs:?} is not {whole:?}, {played:#?}");
                for events in &played {
                    let (mut told, all) = (tools(events), tools(events).len());
                    told.dedup();
                    assert_eq!(told.len(), all, "{name} at {at}: {events:#?}");
                }
            }
        }
    }
}

fn event(kind: &str, properties: Value) -> Event {
    Event { kind: kind.to_owned(), properties }
}

fn user(id: &str) -> Event {
    event("message.updated", json!({ "sessionID": "ses_1", "info": { "id": id, "role": "user" } }))
}

fn answer(id: &str, to: &str, more: &Value) -> Event {
    let mut info = json!({ "id": id, "role": "assistant", "parentID": to });
    if let (Some(info), Some(more)) = (info.as_object_mut(), more.as_object()) {
        info.extend(more.clone());
    }
    event("message.updated", json!({ "sessionID": "ses_1", "info": info }))
}

fn done() -> Value {
    json!({ "time": { "completed": 1 }, "finish": "stop" })
}

fn part(of: &str, id: &str, more: &Value) -> Event {
    let mut part = json!({ "id": id, "messageID": of, "sessionID": "ses_1" });
    if let (Some(part), Some(more)) = (part.as_object_mut(), more.as_object()) {
        part.extend(more.clone());
    }
    event("message.part.updated", json!({ "sessionID": "ses_1", "part": part }))
}

fn delta(of: &str, id: &str, text: &str) -> Event {
    event(
        "message.part.delta",
        json!({ "sessionID": "ses_1", "messageID": of, "partID": id, "field": "text", "delta": text }),
    )
}

fn idle() -> Event {
    event("session.idle", json!({ "sessionID": "ses_1" }))
}

fn error(name: &str) -> Event {
    event("session.error", json!({ "sessionID": "ses_1", "error": { "name": name } }))
}

/// Feeds events to a turn that was begun with `msg_5`.
fn feed(turn: &mut Turn, events: &[Event]) -> Vec<AgentEvent> {
    events.iter().flat_map(|event| turn.event(event, now())).collect()
}

fn begun() -> Turn {
    let mut turn = Turn::new("ses_1");
    turn.begin("msg_5");
    turn
}

#[test]
fn the_late_words_of_an_earlier_turn_end_nothing() {
    let late = || [idle(), error(ABORTED), idle(), answer("msg_4", "msg_3", &done()), idle()];
    let mut turn = begun();
    assert_eq!(feed(&mut turn, &late()), [], "before our message is seen");
    feed(&mut turn, &[user("msg_5")]);
    assert_eq!(feed(&mut turn, &late()), [], "after it is seen");
    let ours = [answer("msg_6", "msg_5", &json!({})), answer("msg_6", "msg_5", &done()), idle()];
    let events = feed(&mut turn, &ours);
    assert_eq!(events.last(), Some(&AgentEvent::TurnEnded(TurnOutcome::Completed)), "{events:?}");
    assert_eq!(feed(&mut turn, &late()), [], "after the end");
}

#[test]
fn the_first_idle_of_a_failed_turn_is_not_its_end() {
    let mut turn = begun();
    let failed =
        json!({ "time": { "completed": 1 }, "error": { "name": "APIError", "data": { "statusCode": 401 } } });
    let events =
        feed(&mut turn, &[user("msg_5"), answer("msg_6", "msg_5", &json!({})), error("APIError"), idle()]);
    assert!(!events.iter().any(|event| matches!(event, AgentEvent::TurnEnded(_))), "{events:?}");
    assert!(turn.unsettled());
    let events = feed(&mut turn, &[answer("msg_6", "msg_5", &failed), idle()]);
    assert!(gist(&events).2 == "auth" && turn.phase() == Phase::Resting, "{events:?}");
}

#[test]
fn a_text_is_told_once_however_it_comes() {
    let text = |text: &str, end: bool| {
        let time = if end { json!({ "end": 1 }) } else { json!({}) };
        part("msg_6", "prt_1", &json!({ "type": "text", "text": text, "time": time }))
    };
    let say = |word: &str| delta("msg_6", "prt_1", word);
    for (name, events) in [
        ("deltas and the whole", vec![text("", false), say("ab"), say("cd"), text("abcd", true)]),
        ("no deltas", vec![text("", false), text("abcd", true)]),
        ("the whole alone", vec![text("abcd", true)]),
        ("the whole twice", vec![text("abcd", true), text("abcd", true)]),
        ("late deltas", vec![text("", false), say("ab"), text("abcd", true), say("cd")]),
        ("in between", vec![text("", false), say("ab"), text("abc", false), say("d"), text("abcd", true)]),
        ("trimmed", vec![text("", false), say("abcd"), text("abc", true)]),
        ("unseen beginning", vec![say("cd"), text("abcd", true)]),
    ] {
        let mut turn = begun();
        feed(&mut turn, &[user("msg_5"), answer("msg_6", "msg_5", &json!({}))]);
        assert_eq!(gist(&feed(&mut turn, &events)).0, "abcd", "{name}");
    }
}

#[test]
fn others_are_not_heard() {
    let mut turn = begun();
    feed(&mut turn, &[user("msg_5"), answer("msg_6", "msg_5", &json!({}))]);
    let mut foreign = [
        answer("msg_6", "msg_5", &done()),
        part("msg_6", "prt_1", &json!({ "type": "text", "text": "not ours", "time": { "end": 1 } })),
        event("permission.asked", json!({ "id": "per_1", "permission": "bash" })),
        idle(),
    ];
    for event in &mut foreign {
        event.properties["sessionID"] = json!("ses_2");
    }
    assert_eq!(feed(&mut turn, &foreign), []);
    let own_prompt =
        part("msg_5", "prt_0", &json!({ "type": "text", "text": "do it", "time": { "end": 1 } }));
    assert_eq!(feed(&mut turn, &[own_prompt]), [], "our own prompt is no answer");
}

#[test]
fn a_long_output_is_cut_and_a_busy_tool_is_no_stall() {
    let mut turn = begun();
    feed(&mut turn, &[user("msg_5"), answer("msg_6", "msg_5", &json!({}))]);
    let at = |time: u64, state: Value| {
        let mut event = part("msg_6", "prt_1", &json!({ "type": "tool", "tool": "bash", "state": state }));
        event.properties["time"] = json!(time);
        event
    };
    let running = |output: &str| json!({ "status": "running", "input": { "command": "make" }, "metadata": { "output": output } });
    let told = |turn: &mut Turn, time, state| feed(turn, &[at(time, state)]).len();
    assert_eq!(told(&mut turn, 1_000, running("")), 1, "it runs");
    assert_eq!(told(&mut turn, 5_000, running("a")), 0, "its output grows");
    assert_eq!(told(&mut turn, 11_500, running("ab")), 1, "a sign of life");
    assert_eq!(told(&mut turn, 12_000, running("abc")), 0, "not too many");
    let output = "ä".repeat(9_000);
    let done =
        json!({ "status": "completed", "input": { "command": "make" }, "output": output, "title": "make" });
    let events = feed(&mut turn, &[at(13_000, done.clone()), at(13_001, done)]);
    let [AgentEvent::ToolCall { output: Some(output), status: ToolStatus::Completed, .. }] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert!(output.len() < 9_000 && output.ends_with("more bytes)"), "{}", output.len());
}

#[test]
fn a_wait_that_is_too_long_is_hopeless() {
    let retry = |next: i64| {
        let status = json!({ "type": "retry", "attempt": 1, "message": "quota", "next": next });
        event("session.status", json!({ "sessionID": "ses_1", "status": status }))
    };
    let mut turn = begun();
    feed(&mut turn, &[user("msg_5"), answer("msg_6", "msg_5", &json!({}))]);
    feed(&mut turn, &[retry(now().timestamp_millis() + 60_000)]);
    assert!(!turn.hopeless());
    let reset = now() + TimeDelta::hours(3);
    feed(&mut turn, &[retry(reset.timestamp_millis())]);
    assert!(turn.hopeless());
    let ended = answer("msg_6", "msg_5", &json!({ "time": { "completed": 1 } }));
    let events = feed(&mut turn, &[ended, idle()]);
    let Some(AgentEvent::TurnEnded(TurnOutcome::Failed { failure })) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!((failure.kind, failure.reset_at), (FailureKind::RateLimit, Some(reset)));
}

#[test]
fn what_we_cancelled_is_cancelled_whatever_the_server_says() {
    for (name, last) in [
        ("aborted", json!({ "time": { "completed": 1 }, "error": { "name": ABORTED } })),
        ("while it waited for a retry", json!({ "time": { "completed": 1 } })),
        ("between two steps", json!({ "time": { "completed": 1 }, "finish": "tool-calls" })),
        ("failed at the same time", json!({ "time": { "completed": 1 }, "error": { "name": "APIError" } })),
    ] {
        let mut turn = begun();
        feed(&mut turn, &[user("msg_5"), answer("msg_6", "msg_5", &json!({}))]);
        turn.cancelling(CancelCause::Person);
        let events = feed(&mut turn, &[answer("msg_6", "msg_5", &last), idle(), idle()]);
        assert_eq!(gist(&events).2, "cancelled Person", "{name}");
    }
}

/// What the events tell of a turn's tokens and cost is what the server adds to the session's totals; and
/// where it may not be (a turn that failed, a sub-agent, an event that was lost) nothing is claimed.
#[test]
fn what_a_turn_used_is_the_servers_sum_or_not_claimed() {
    let mut claimed = 0;
    for name in recordings() {
        let lines = lines(&name);
        let main = |line: &Line| match line {
            Line::Prompt { session, .. } => Some(session.clone()),
            Line::Cancel | Line::Event(_) => None,
        };
        let session = lines.iter().find_map(main).expect("a prompt");
        let mut turn = Turn::new(&session);
        let (mut told, mut total) = (Some(Usage::default()), Usage::default());
        let compare = |told: Option<Usage>, total: Usage| {
            let Some(told) = told else { return 0 };
            assert_eq!((told.cost * 1e9).round(), (total.cost * 1e9).round(), "{name}: {told:?} {total:?}");
            assert_eq!(Usage { cost: 0.0, ..told }, Usage { cost: 0.0, ..total }, "{name}");
            usize::from(told != Usage::default())
        };
        for line in &lines {
            match line {
                Line::Prompt { session: of, id } if *of == session => {
                    claimed += compare(told, total);
                    turn.begin(id);
                }
                Line::Prompt { .. } => {}
                Line::Cancel => turn.cancelling(CancelCause::Person),
                Line::Event(event) => {
                    let ended = |event: &AgentEvent| matches!(event, AgentEvent::TurnEnded(_));
                    if turn.event(event, now()).iter().any(ended) {
                        told = told.zip(turn.take_spent()).map(|(before, spent)| before.plus(spent));
                    }
                    if event.kind == "session.updated" && event.session() == Some(&session) {
                        let info: SessionInfo = field(&event.properties, "info").expect("a session");
                        total = usage_of(info.tokens, info.cost);
                    }
                }
            }
        }
        claimed += compare(told, total);
        if name.starts_with("subagent") || name.starts_with("failed") || name.starts_with("cancel") {
            assert_eq!(told, None, "{name}");
        }
    }
    assert!(claimed >= 8, "{claimed} turns were compared");
}

#[test]
fn a_request_waits_until_it_is_answered_gone_or_left() {
    let asked = |id: &str| {
        let body = json!({ "id": id, "sessionID": "ses_1", "permission": "bash", "patterns": ["ls"], "always": ["ls *"] });
        event("permission.asked", body)
    };
    let which = json!({ "id": "que_1", "sessionID": "ses_1", "questions": [
        { "question": "Which?", "options": [{ "label": "Red" }, { "label": "Blue" }] }, { "question": "Why?" },
    ] });
    let mut turn = begun();
    feed(&mut turn, &[user("msg_5"), answer("msg_6", "msg_5", &json!({}))]);
    let events = feed(&mut turn, &[asked("per_1"), asked("per_2"), event("question.asked", which)]);
    let [AgentEvent::Permission { always, .. }, _, AgentEvent::Question { text, questions, .. }] =
        events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        (always[0].as_str(), text.as_str(), questions.len()),
        ("ls *", "Which? (Red / Blue)\nWhy?", 2)
    );
    assert_eq!(turn.request("que_1"), Some(Request::Question(2)));
    assert_eq!(feed(&mut turn, &[asked("per_1")]), [], "told again by a second look");
    // Answered while nobody listened.
    let gone = turn.still_asked(&["per_2", "que_1"]);
    assert_eq!(gone, [AgentEvent::Answered { id: "per_1".into(), answer: "answered elsewhere".into() }]);
    assert_eq!(turn.still_asked(&["per_2", "que_1"]), []);
    let reply = json!({ "sessionID": "ses_1", "requestID": "per_2", "reply": "once" });
    assert_eq!(feed(&mut turn, &[event("permission.replied", reply)]).len(), 1);
    turn.cancelling(CancelCause::Person);
    let cut = json!({ "time": { "completed": 1 }, "error": { "name": ABORTED } });
    feed(&mut turn, &[answer("msg_6", "msg_5", &cut), idle()]);
    assert_eq!(turn.take_left(), [("que_1".to_owned(), Request::Question(2))]);
}
