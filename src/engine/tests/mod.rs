//! Rules of the use cases, without a terminal and without an agent.

mod adopt;
mod approve;
mod budget;
mod drift;
mod notice;
mod prompt;
mod resolve;
mod verify;

use chrono::{DateTime, Utc};

use crate::model::{Stream, StreamId};
use crate::store::Store;
use crate::sys::clock::Clock;

fn now() -> DateTime<Utc> {
    "2026-03-04T05:06:07Z".parse().expect("a time")
}

fn id() -> StreamId {
    "001-sample".parse().expect("an id")
}

/// A new stream in a folder of its own.
fn stream() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("work/001-sample"), Clock::Fixed(now()));
    store.create(&Stream::new(id(), "Sample".to_owned(), now())).expect("created");
    (folder, store)
}

/// A plan with one batch; each thread with its number, its name and its tasks.
fn plan(threads: &[(u8, &str, &[&str])]) -> String {
    let mut text = "# Plan: Sample\n\n## Stages\n\n### Stage 01: One\n\n#### Stage Batches\n\n##### Batch 01: Only\n\nWords.\n\n"
        .to_owned();
    for (number, name, tasks) in threads {
        text.push_str(&format!(
            "###### Thread {number:02}: {name}\n\n**Summary:**\nDo {name}.\n\n**Details:**\nWith care.\n\n"
        ));
        if !tasks.is_empty() {
            let list: String = tasks.iter().map(|task| format!("- {task}\n")).collect();
            text.push_str(&format!("**Tasks:**\n{list}\n"));
        }
    }
    text
}
