//! Tests of the state file at the level of the library.

mod roundtrip;
mod store;
mod unreadable;
mod version1;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::model::{Stream, Task, TaskStatus, Thread};
use crate::sys::clock::Clock;

/// A fixture of `tests/data/tasks`.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tasks").join(name)
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn clock() -> Clock {
    Clock::Fixed(at("2026-02-01T10:00:00.000Z"))
}

/// A stream of `threads` threads with `tasks` tasks each.
fn stream(threads: u8, tasks: u8) -> Stream {
    let now = at("2026-01-31T08:30:00.250Z");
    let mut stream = Stream::new("007-sample".parse().expect("an id"), "Sample".to_owned(), now);
    for number in 1..=threads {
        let (batch, thread) = ((number - 1) / 90 + 1, (number - 1) % 90 + 1);
        let id = format!("01.{batch:02}.{thread:02}").parse().expect("an id");
        let mut thread = Thread { name: format!("Thread {number}"), ..Thread::new(id) };
        for task in 1..=tasks {
            thread.tasks.push(Task {
                id: format!("{id}.{task:02}").parse().expect("an id"),
                name: format!("Do the thing number {task} of this thread with some care"),
                status: TaskStatus::Pending,
                report: None,
                breadcrumb: None,
                created_at: now,
                updated_at: now,
                extra: crate::model::Extra::new(),
            });
        }
        stream.threads.push(thread);
    }
    stream
}
