//! Every event in every state, without a clock, a socket or a task.

mod close;

use chrono::{DateTime, Utc};

use super::dispatch::{Action, Answering, ConnId, Dispatch, Event, TurnOf};
use crate::config::Agent;
use crate::engine::jobs::Claim;
use crate::ipc::{
    Asking, ClientMessage, PROTOCOL, Refusal, ServerMessage, TurnMessage, TurnSpec, UiCommand, VERSION,
};
use crate::model::{
    AgentName, BackendKind, CancelCause, Failure, FailureKind, JobId, Mode, Policy, Reply, SessionId,
    TurnOutcome,
};
use crate::runtime::NotAnswered;

mod jobs;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn spec(stream: &str, thread: &str) -> Box<TurnSpec> {
    let agent = Agent {
        name: AgentName("default".into()),
        description: String::new(),
        best_for: String::new(),
        backend: BackendKind::Opencode,
        models: Vec::new(),
        command: Vec::new(),
        env: std::collections::BTreeMap::new(),
        opencode_agent: None,
        permissions: None,
        place: crate::config::Place::Here,
    };
    Box::new(TurnSpec {
        stream: stream.parse().expect("an id"),
        stream_dir: "/nowhere".into(),
        thread: thread.parse().expect("an id"),
        agent,
        models: vec!["a/b".parse().expect("a model")],
        mode: Mode::Plain,
        directory: "/".into(),
        title: String::new(),
        prompt: String::new(),
        resume: None,
        asking: Asking { policy: Policy::Ask, timeout: std::time::Duration::from_secs(600) },
        notify: None,
        connected: None,
        adopt: None,
        client: None,
        isolated: None,
        budget: crate::model::Budget::default(),
        over_budget: false,
        check: None,
        paths: Vec::new(),
    })
}

fn hello() -> ClientMessage {
    ClientMessage::Hello { protocol: PROTOCOL, version: VERSION.to_owned() }
}

fn run() -> ClientMessage {
    ClientMessage::Run { spec: spec("001-a", "01.01.01") }
}

fn answer(stream: &str, thread: &str) -> ClientMessage {
    ClientMessage::Answer {
        stream: stream.parse().expect("an id"),
        thread: thread.parse().expect("an id"),
        request: Some("per_1".into()),
        reply: Reply::Allow,
    }
}

fn ended() -> TurnMessage {
    TurnMessage::Ended { outcome: TurnOutcome::Completed, attempt: Some(1), unrecorded: None }
}

/// What was done, in short words: the rows of the tables below.
fn words(actions: &[Action]) -> Vec<String> {
    let say = |message: &ServerMessage| match message {
        ServerMessage::Welcome { .. } => "welcome".to_owned(),
        ServerMessage::Refused { reason, .. } => format!("refused {reason:?}"),
        ServerMessage::Stopping => "stopping".to_owned(),
        ServerMessage::Answered => "answered".to_owned(),
        ServerMessage::Cancelled => "cancelled".to_owned(),
        ServerMessage::Closed { .. } => "closed".to_owned(),
        ServerMessage::Ui(_) => "ui".to_owned(),
        ServerMessage::Sessions { sessions } => format!("{} sessions", sessions.len()),
        ServerMessage::Status(_) => "status".to_owned(),
        ServerMessage::Turn(_) => "turn".to_owned(),
        ServerMessage::JobsTaken => "taken".to_owned(),
        ServerMessage::Job { job, .. } => format!("hears of job {job}"),
    };
    actions
        .iter()
        .map(|action| match action {
            Action::Send(conn, message) => format!("{conn} {}", say(message)),
            Action::Close(conn) => format!("{conn} close"),
            Action::Start(turn, _) => format!("{turn} start"),
            Action::Cancel(turn, cause) => format!("{turn} cancel {cause:?}"),
            Action::Claim(claim) => claim_words(claim),
            Action::PutBack(jobs) => format!("put back {}", numbers(jobs)),
            Action::Answer(answering) => format!("{} answers {}", answering.from, answering.turn),
            Action::OpenUi(conn, session, _, _) => format!("{conn} opens {session}"),
            Action::ListSessions(conn, _) => format!("{conn} lists"),
            Action::CloseAgents(conn, which, cancelled) => {
                let thread = which.thread.map_or("all".to_owned(), |thread| thread.to_string());
                format!("{conn} closes {} {thread}, cancelled {}", which.stream, cancelled.len())
            }
            Action::Idle(counts) => format!("idle {counts}"),
            Action::TellStatus(conn) => format!("{conn} tell"),
            Action::Exit => "exit".to_owned(),
        })
        .collect()
}

fn numbers(jobs: &[JobId]) -> String {
    jobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn claim_words(claim: &Claim) -> String {
    let busy: Vec<String> = claim.busy.iter().map(|(stream, thread)| format!("{stream} {thread}")).collect();
    let parts = [
        ("start", numbers(&claim.admit)),
        ("drop", numbers(&claim.cancel)),
        ("busy", busy.join(" ")),
        ("running", numbers(&claim.running)),
        ("stopping", if claim.stopping { "yes".to_owned() } else { String::new() }),
    ];
    let parts =
        parts.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| format!(" {key} {value}"));
    format!("claim{}", parts.collect::<String>())
}

struct Table(Dispatch);

impl Table {
    fn new() -> Self {
        Self(Dispatch::new())
    }

    fn on(&mut self, event: Event) -> Vec<String> {
        words(&self.0.handle(event, NOW))
    }

    fn say(&mut self, conn: ConnId, message: ClientMessage) -> Vec<String> {
        self.on(Event::Said(conn, Some(message)))
    }

    /// A connection that has been greeted.
    fn greet(&mut self, conn: ConnId) {
        self.on(Event::Connected(conn));
        assert_eq!(self.say(conn, hello()), [format!("{conn} welcome")]);
    }

    /// A connection whose turn runs.
    fn running(&mut self, conn: ConnId, stream: &str, thread: &str) {
        self.greet(conn);
        let run = ClientMessage::Run { spec: spec(stream, thread) };
        assert_eq!(self.say(conn, run), [format!("{conn} start")]);
    }
}

/// The states in which an event can come, made by hand.
fn states() -> Vec<(&'static str, Table)> {
    let made = |make: fn(&mut Table)| {
        let mut table = Table::new();
        make(&mut table);
        table
    };
    vec![
        ("nobody", made(|_| {})),
        ("new", made(|table| drop(table.on(Event::Connected(1))))),
        ("greeted", made(|table| table.greet(1))),
        ("running", made(|table| table.running(1, "001-a", "01.01.01"))),
        (
            "left",
            made(|table| {
                table.running(1, "001-a", "01.01.01");
                table.on(Event::Disconnected(1));
            }),
        ),
        (
            "stopping",
            made(|table| {
                table.running(1, "001-a", "01.01.01");
                table.on(Event::Terminate);
            }),
        ),
        ("exiting", made(|table| drop(table.on(Event::Terminate)))),
    ]
}

#[test]
fn every_event_in_every_state() {
    type Row = (&'static str, fn() -> Event, [&'static str; 7]);
    // nobody, new, greeted, running, left, stopping, exiting
    let rows: [Row; 16] = [
        ("connected", || Event::Connected(2), ["idle false", "", "", "", "", "", ""]),
        (
            "hello",
            || Event::Said(1, Some(hello())),
            [
                "",
                "1 welcome",
                "1 refused BadRequest, 1 close",
                "1 refused BadRequest, 1 close",
                "",
                "1 refused BadRequest, 1 close",
                "",
            ],
        ),
        (
            "another version",
            || Event::Said(1, Some(ClientMessage::Hello { protocol: PROTOCOL, version: "0".into() })),
            [
                "",
                "1 refused Version, 1 close",
                "1 refused BadRequest, 1 close",
                "1 refused BadRequest, 1 close",
                "",
                "1 refused BadRequest, 1 close",
                "",
            ],
        ),
        (
            "another protocol",
            || Event::Said(1, Some(ClientMessage::Hello { protocol: 999, version: VERSION.into() })),
            [
                "",
                "1 refused Version, 1 close",
                "1 refused BadRequest, 1 close",
                "1 refused BadRequest, 1 close",
                "",
                "1 refused BadRequest, 1 close",
                "",
            ],
        ),
        (
            "run",
            || Event::Said(1, Some(run())),
            [
                "",
                "1 refused BadRequest, 1 close",
                "1 start",
                "1 refused BadRequest, 1 close",
                "",
                "1 refused Stopping",
                "",
            ],
        ),
        (
            "cancel",
            || Event::Said(1, Some(ClientMessage::Cancel)),
            ["", "1 refused BadRequest, 1 close", "", "1 cancel Person", "", "1 cancel Person", ""],
        ),
        (
            "answer",
            || Event::Said(1, Some(answer("001-a", "01.01.01"))),
            [
                "",
                "1 refused BadRequest, 1 close",
                "1 refused NothingWaits",
                "1 answers 1",
                "",
                "1 answers 1",
                "",
            ],
        ),
        (
            "the answer was taken",
            || Event::Answered(1, Ok(())),
            ["", "1 answered", "1 answered", "1 answered", "", "1 answered", ""],
        ),
        (
            "status",
            || Event::Said(1, Some(ClientMessage::Status)),
            ["", "1 refused BadRequest, 1 close", "1 tell", "1 tell", "", "1 tell", ""],
        ),
        (
            "stop",
            || Event::Said(1, Some(ClientMessage::Stop)),
            [
                "",
                "1 refused BadRequest, 1 close",
                "1 stopping, exit",
                "1 stopping, 1 cancel Shutdown",
                "",
                "1 stopping",
                "",
            ],
        ),
        (
            "retire",
            || Event::Said(1, Some(ClientMessage::Retire)),
            ["", "1 stopping, exit", "1 stopping, exit", "1 refused Busy", "", "1 stopping", ""],
        ),
        (
            "garbage",
            || Event::Said(1, None),
            [
                "1 refused BadRequest, 1 close",
                "1 refused BadRequest, 1 close",
                "1 refused BadRequest, 1 close",
                "1 refused BadRequest, 1 close",
                "1 refused BadRequest, 1 close",
                "1 refused BadRequest, 1 close",
                "1 refused BadRequest, 1 close",
            ],
        ),
        (
            "hang-up",
            || Event::Disconnected(1),
            [
                "",
                "idle true",
                "idle true",
                "1 cancel ClientGone",
                "1 cancel ClientGone",
                "1 cancel ClientGone",
                "",
            ],
        ),
        (
            "news",
            || Event::Turn(TurnOf::Conn(1), ended()),
            ["", "1 turn", "1 turn", "1 turn", "", "1 turn", ""],
        ),
        ("the turn is over", || Event::TurnOver(TurnOf::Conn(1)), ["", "", "", "", "idle true", "exit", ""]),
        ("idle", || Event::IdleTimeUp, ["exit", "", "", "", "", "", ""]),
    ];
    for (event, make, expected) in rows {
        for ((state, mut table), expected) in states().into_iter().zip(expected) {
            assert_eq!(table.on(make()).join(", "), expected, "`{event}` when {state}");
        }
    }
}

#[test]
fn a_signal_cancels_all_turns_and_exits_after_the_last() {
    let mut table = Table::new();
    table.running(1, "001-a", "01.01.01");
    table.running(2, "001-a", "01.01.02");
    assert_eq!(table.on(Event::Terminate), ["1 cancel Shutdown", "2 cancel Shutdown"]);
    assert_eq!(table.on(Event::Terminate), [""; 0], "once is enough");
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(2))), [""; 0]);
    assert_eq!(table.on(Event::Turn(TurnOf::Conn(1), ended())), ["1 turn"], "the last words are passed on");
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(1))), ["exit"]);
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(1))), [""; 0], "and that once");
}

#[test]
fn a_thread_runs_once_however_often_it_is_asked_for() {
    let mut table = Table::new();
    table.running(1, "001-a", "01.01.01");
    table.greet(2);
    assert_eq!(table.say(2, run()), ["2 refused AlreadyRunning"]);
    // The refused one going away does not touch the turn of the first.
    assert_eq!(table.on(Event::Disconnected(2)), [""; 0]);
    // The same number in another stream, and another thread of the same stream, are others.
    table.running(3, "002-b", "01.01.01");
    table.running(4, "001-a", "01.01.02");
    // A client that is gone still occupies its thread until its turn has really ended.
    assert_eq!(table.on(Event::Disconnected(1)), ["1 cancel ClientGone"]);
    table.greet(5);
    assert_eq!(table.say(5, run()), ["5 refused AlreadyRunning"]);
    table.on(Event::TurnOver(TurnOf::Conn(1)));
    assert_eq!(table.say(5, run()), ["5 start"]);
    assert_eq!(table.0.status(1, NOW, Vec::new()).turns.len(), 3);
}

#[test]
fn an_answer_goes_to_the_turn_of_its_thread_and_back_to_who_gave_it() {
    let mut table = Table::new();
    table.running(1, "001-a", "01.01.01");
    table.running(2, "001-a", "01.01.02");
    table.greet(3);
    let actions = table.0.handle(Event::Said(3, Some(answer("001-a", "01.01.02"))), NOW);
    let answering =
        Answering { from: 3, turn: TurnOf::Conn(2), request: Some("per_1".into()), reply: Reply::Allow };
    assert_eq!(actions, [Action::Answer(Box::new(answering))]);
    assert_eq!(table.on(Event::Answered(3, Ok(()))), ["3 answered"]);
    for (stream, thread) in [("002-b", "01.01.01"), ("001-a", "01.01.03")] {
        assert_eq!(table.say(3, answer(stream, thread)), ["3 refused NothingWaits"]);
    }
    let no = || NotAnswered { reason: Refusal::WrongAnswer, message: "no".into() };
    assert_eq!(table.on(Event::Answered(3, Err(no()))), ["3 refused WrongAnswer"], "and may try again");
    table.on(Event::Disconnected(3));
    assert_eq!(table.on(Event::Answered(3, Err(no()))), [""; 0], "who left hears nothing");
    // A turn that is being cancelled still takes answers; one that is over does not.
    table.greet(4);
    table.on(Event::Disconnected(2));
    assert_eq!(table.say(4, answer("001-a", "01.01.02")), ["4 answers 2"]);
    table.on(Event::TurnOver(TurnOf::Conn(2)));
    assert_eq!(table.say(4, answer("001-a", "01.01.02")), ["4 refused NothingWaits"]);
}

#[test]
fn idle_time_counts_only_without_connections_and_turns() {
    let mut table = Table::new();
    assert_eq!(table.on(Event::Connected(1)), ["idle false"]);
    assert_eq!(table.on(Event::Connected(2)), [""; 0]);
    assert_eq!(table.on(Event::Disconnected(1)), [""; 0]);
    table.say(2, hello());
    table.say(2, run());
    assert_eq!(table.on(Event::Disconnected(2)), ["2 cancel ClientGone"]);
    assert_eq!(table.on(Event::IdleTimeUp), [""; 0], "the turn is still ending");
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(2))), ["idle true"]);
    assert_eq!(table.on(Event::Connected(3)), ["idle false"]);
    assert_eq!(table.on(Event::IdleTimeUp), [""; 0], "somebody came at the last moment");
    assert_eq!(table.on(Event::Disconnected(3)), ["idle true"]);
    assert_eq!(table.on(Event::IdleTimeUp), ["exit"]);
}

#[test]
fn whoever_comes_while_it_stops_is_told_so() {
    let mut table = Table::new();
    table.running(1, "001-a", "01.01.01");
    table.greet(2);
    assert_eq!(table.say(2, ClientMessage::Retire), ["2 refused Busy"]);
    assert_eq!(table.say(2, ClientMessage::Stop), ["2 stopping", "1 cancel Shutdown"]);
    table.greet(3);
    let other = ClientMessage::Run { spec: spec("001-a", "01.01.02") };
    assert_eq!(table.say(3, other), ["3 refused Stopping"]);
    assert_eq!(table.say(3, ClientMessage::Stop), ["3 stopping"]);
    table.on(Event::Connected(4));
    assert_eq!(table.say(4, ClientMessage::Retire), ["4 stopping"]);
    assert_eq!(table.on(Event::Disconnected(2)), [""; 0], "whoever asked need not wait");
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(1))), ["exit"]);
}

#[test]
fn the_words_of_a_refusal_name_both_versions() {
    let mut dispatch = Dispatch::new();
    dispatch.handle(Event::Connected(1), NOW);
    let hello = ClientMessage::Hello { protocol: PROTOCOL, version: "9.8.7".into() };
    let actions = dispatch.handle(Event::Said(1, Some(hello)), NOW);
    let Some(Action::Send(1, ServerMessage::Refused { reason: Refusal::Version, message })) = actions.first()
    else {
        panic!("{actions:?}")
    };
    assert!(message.contains("9.8.7") && message.contains(VERSION), "{message}");
    assert_eq!(CancelCause::Shutdown.words(), "the supervisor was stopped");
}

/// Somebody else cancels a turn: they hear of it when it is over, whoever is gone by then.
#[test]
fn a_turn_is_cancelled_from_elsewhere() {
    let mut table = Table::new();
    table.running(1, "001-a", "01.01.01");
    table.greet(2);
    table.greet(3);
    let cancel = |thread: &str| ClientMessage::CancelTurn {
        stream: "001-a".parse().expect("an id"),
        thread: thread.parse().expect("an id"),
    };
    assert_eq!(table.say(2, cancel("01.01.02")), ["2 refused NothingRuns"]);
    assert_eq!(table.say(2, cancel("01.01.01")), ["1 cancel Person"]);
    assert_eq!(table.say(3, cancel("01.01.01")), ["1 cancel Person"]);
    table.on(Event::Disconnected(3));
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(1))), ["2 cancelled"]);
    assert_eq!(table.say(2, cancel("01.01.01")), ["2 refused NothingRuns"]);
}

/// A UI is asked for, and told to whoever still listens.
#[test]
fn a_ui_is_told_to_who_asked() {
    let mut table = Table::new();
    table.greet(1);
    let (directory, place) = ("/repo".into(), crate::config::Place::Here);
    let open = ClientMessage::OpenUi { session: SessionId("ses_1".into()), directory, place };
    assert_eq!(table.say(1, open), ["1 opens ses_1"]);
    let ui = || UiCommand { argv: vec!["opencode".into()], env: Vec::new(), directory: "/repo".into() };
    assert_eq!(table.on(Event::Ui(1, Ok(ui()))), ["1 ui"]);
    let unknown = Failure::new(FailureKind::SessionUnknown, "no such session");
    assert_eq!(table.on(Event::Ui(1, Err(unknown))), ["1 refused NoUi"]);
    table.on(Event::Disconnected(1));
    assert_eq!(table.on(Event::Ui(1, Ok(ui()))), Vec::<String>::new());
}

/// The same with the sessions of a folder.
#[test]
fn sessions_are_told_to_who_asked() {
    let mut table = Table::new();
    table.greet(1);
    assert_eq!(table.say(1, ClientMessage::ListSessions { directory: "/repo".into() }), ["1 lists"]);
    assert_eq!(table.on(Event::Sessions(1, Ok(Vec::new()))), ["1 0 sessions"]);
    let dead = || Failure::new(FailureKind::ServerUnreachable, "dead");
    assert_eq!(table.on(Event::Sessions(1, Err(dead()))), ["1 refused NoServer"]);
    table.on(Event::Disconnected(1));
    assert_eq!(table.on(Event::Sessions(1, Err(dead()))), Vec::<String>::new());
}
