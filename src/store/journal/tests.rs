//! Journals: numbered once, read while they grow, and readable whatever happened to them.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use super::{Entry, Header, Journals, Reader, Writer};
use crate::model::{AgentEvent, AgentName, Failure, FailureKind, SessionId, TurnOutcome, Usage};
use crate::sys::clock::Clock;

fn header() -> Header {
    Header {
        stream: "001-a".parse().expect("an id"),
        thread: "01.02.03".parse().expect("an id"),
        turn: 0,
        attempt: 2,
        session: Some(SessionId("ses_1".into())),
        agent: AgentName("default".into()),
        model: "provider/model".into(),
        directory: "/home/ada/project".into(),
        prompt: "Do\nit, \"now\"".into(),
        client: None,
        used_before: None,
        kept: None,
    }
}

fn text(delta: &str) -> AgentEvent {
    AgentEvent::Text { delta: delta.into() }
}

fn events(reader: &mut Reader) -> Vec<AgentEvent> {
    reader
        .filter_map(|entry| match entry.expect("readable") {
            Entry::Started { .. } => None,
            Entry::Event(line) => Some(line.event),
        })
        .collect()
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(bytes)).expect("appended");
}

#[test]
fn every_kind_of_event_is_read_as_it_was_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let journals = Journals::new(dir.path());
    let at = "2026-02-01T10:00:00.125Z".parse().expect("a time");
    let mut writer = journals.begin(header()).expect("begun").with_clock(Clock::Fixed(at));
    let failure = Failure { reset_at: Some(at), ..Failure::new(FailureKind::RateLimit, "429") };
    let all = [
        AgentEvent::Opened { session: SessionId("ses_1".into()) },
        text("häm\n\u{0}"),
        AgentEvent::Restarted,
        AgentEvent::ToolCall {
            id: "1".into(),
            name: "bash".into(),
            title: "ls".into(),
            status: crate::model::ToolStatus::Running,
            input: Some(serde_json::json!({ "type": "not an event", "at": 1 })),
            output: None,
        },
        AgentEvent::Usage(Usage { input: 1, cost: 0.1, ..Usage::default() }),
        AgentEvent::Status(crate::model::Busyness::Retrying { attempt: 1, message: "later".into() }),
        AgentEvent::Error(failure.clone()),
        AgentEvent::TurnEnded(TurnOutcome::Failed { failure }),
    ];
    for event in all.clone() {
        assert_eq!(writer.append(event).expect("appended").at, at);
    }
    let mut reader = journals.read(&header().stream, header().thread, 1).expect("opened");
    let Some(Ok(Entry::Started { header: read, .. })) = reader.next() else { panic!("no header") };
    assert_eq!(*read, Header { turn: 1, ..header() });
    assert_eq!(events(&mut reader), all);
    assert_eq!((reader.skipped(), reader.is_cut()), (0, false));
    let lines = fs::read_to_string(writer.path()).expect("read");
    assert_eq!(lines.lines().count(), all.len() + 1);
    assert!(lines.lines().all(|line| line.starts_with("{\"at\":\"2026-")), "{lines}");
}

#[test]
fn two_writers_never_get_the_same_number() {
    let dir = tempfile::tempdir().expect("a folder");
    let journals = Journals::new(dir.path());
    let mut turns: Vec<u32> = std::thread::scope(|scope| {
        let writers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| journals.begin(header()).expect("begun").turn())).collect();
        writers.into_iter().map(|writer| writer.join().expect("no panic")).collect()
    });
    turns.sort_unstable();
    assert_eq!(turns, (1..=8).collect::<Vec<_>>());
    assert_eq!(journals.turns(&header().stream, header().thread).expect("listed"), turns);
    assert!(journals.turns(&header().stream, "09.09.09".parse().expect("an id")).expect("none").is_empty());
}

#[test]
fn a_reader_follows_a_journal_that_grows() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut writer = Journals::new(dir.path()).begin(header()).expect("begun");
    let mut reader = Reader::open(writer.path(), 0).expect("opened");
    assert_eq!(reader.by_ref().count(), 1);
    assert!(reader.next().is_none());
    writer.append(text("one")).expect("appended");
    assert_eq!(events(&mut reader), [text("one")]);
    let line = br#"{"at":"2026-02-01T10:00:00Z","type":"text","delta":"two"}"#;
    append(writer.path(), &line[..20]);
    assert!(reader.next().is_none() && reader.is_cut());
    append(writer.path(), &[&line[20..], b"\n"].concat());
    assert_eq!(events(&mut reader), [text("two")]);
    assert!(!reader.is_cut());
    let position = reader.position();
    writer.append(text("three")).expect("appended");
    assert_eq!(events(&mut Reader::open(writer.path(), position).expect("opened")), [text("three")]);
}

#[test]
fn damage_costs_only_the_damaged_lines() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut writer = Journals::new(dir.path()).begin(header()).expect("begun");
    writer.append(text("one")).expect("appended");
    let path = writer.path().to_owned();
    append(&path, &[0; 4096]);
    append(&path, b"\n\n{\"at\":\"2026-02-01T10:00:00Z\",\"type\":\"of-a-newer-version\"}\n\xff\xfe\n[1]\n");
    writer.append(text("two")).expect("appended");
    append(&path, br#"{"at":"2026-02-01T10:0"#);
    let mut reader = Reader::open(&path, 0).expect("opened");
    assert_eq!(events(&mut reader), [text("one"), text("two")]);
    assert_eq!((reader.skipped(), reader.is_cut()), (4, true));

    // Whoever goes on with the journal closes the torn line first.
    let mut next = Writer::reopen(&path, 1).expect("reopened");
    next.append(text("three")).expect("appended");
    let mut reader = Reader::open(&path, 0).expect("opened");
    assert_eq!(events(&mut reader), [text("one"), text("two"), text("three")]);
    assert_eq!((reader.skipped(), reader.is_cut()), (5, false));
}

#[test]
fn headers_of_older_and_of_unrecorded_turns_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("1.jsonl");
    let old = r#"{"at":"2026-02-01T10:00:00Z","type":"turn-started","version":1,"stream":"001-a","thread":"01.02.03","turn":1,"attempt":2,"session":"ses_1","agent":"default","model":"provider/model","directory":"/home/ada/project","prompt":"Do\nit, \"now\""}"#;
    let owner = r#"{"pid":1,"startedAt":2,"bootId":"b","host":"h"}"#;
    let kept = format!(r#","kept":{{"owner":{owner},"backend":"opencode-run","mode":"plain"}}}}"#);
    let new = old.replace(r#""session":"ses_1","#, "").replace("}", &kept);
    append_new(&path, &format!("{old}\n{new}\n"));
    let headers: Vec<Header> = Reader::open(&path, 0)
        .expect("opened")
        .map(|entry| match entry.expect("readable") {
            Entry::Started { header, .. } => *header,
            Entry::Event(line) => panic!("{line:?}"),
        })
        .collect();
    assert_eq!(headers[0], Header { turn: 1, ..header() });
    assert_eq!(headers[1].session, None);
    let kept = headers[1].kept.as_ref().expect("kept");
    assert_eq!((kept.owner.pid, kept.resumed_from), (1, None));
}

fn append_new(path: &Path, text: &str) {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .expect("written");
}
