//! Warm agents that a person wants ended.

use super::*;
use crate::model::ThreadId;
use crate::runtime::Which;

fn close(thread: Option<&str>, cancel: bool) -> ClientMessage {
    ClientMessage::Close {
        stream: "001-a".parse().expect("an id"),
        thread: thread.map(|thread| thread.parse().expect("an id")),
        cancel,
    }
}

/// Tried mutants: a turn that runs is no reason to refuse; the agents end before the cancelled turns are
/// over; the end of any turn is enough; turns of other streams are cancelled as well.
#[test]
fn agents_end_after_the_turns_that_they_work_on_and_never_under_them() {
    let mut table = Table::new();
    table.running(1, "001-a", "01.01.01");
    table.running(2, "001-a", "01.01.02");
    table.running(3, "002-b", "01.01.01");
    table.greet(4);
    assert_eq!(table.say(4, close(None, false)), ["4 refused Busy"]);
    assert_eq!(table.say(4, close(Some("01.01.02"), false)), ["4 refused Busy"]);
    assert_eq!(table.say(4, close(Some("01.01.03"), false)), ["4 closes 001-a 01.01.03, cancelled 0"]);
    assert_eq!(table.say(4, close(Some("01.01.02"), true)), ["2 cancel Person"]);
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(2))), ["4 closes 001-a 01.01.02, cancelled 1"]);
    table.running(5, "001-a", "01.01.02");
    assert_eq!(table.say(4, close(None, true)), ["1 cancel Person", "5 cancel Person"]);
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(3))), [""; 0], "another stream's");
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(5))), [""; 0], "one of two");
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(1))), ["4 closes 001-a all, cancelled 2"]);
    assert_eq!(table.on(Event::Closed(4, Vec::new(), Vec::new())), ["4 closed"]);
    table.on(Event::Disconnected(4));
    assert_eq!(table.on(Event::Closed(4, Vec::new(), Vec::new())), [""; 0], "who left hears nothing");
}

#[test]
fn what_is_closed_while_it_stops_is_closed_by_that() {
    let mut table = Table::new();
    table.running(1, "001-a", "01.01.01");
    table.greet(2);
    assert_eq!(table.say(2, close(None, true)), ["1 cancel Person"]);
    table.on(Event::Terminate);
    assert_eq!(table.say(2, close(None, true)), ["2 refused Stopping"]);
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(1))), ["2 closes 001-a all, cancelled 1", "exit"]);
}

#[test]
fn a_thread_is_meant_by_itself_or_with_its_stream() {
    let (stream, other) = ("001-a".parse().expect("an id"), "002-b".parse().expect("an id"));
    let thread: ThreadId = "01.01.01".parse().expect("an id");
    let all = Which { stream, thread: None };
    let one = Which { thread: Some(thread), ..all.clone() };
    let second: ThreadId = "01.01.02".parse().expect("an id");
    assert!(all.means(&all.stream, thread) && all.means(&all.stream, second) && !all.means(&other, thread));
    assert!(one.means(&one.stream, thread) && !one.means(&one.stream, second) && !one.means(&other, thread));
}
