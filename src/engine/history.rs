//! What the next agent of a thread has to know of the attempts before it, as a part of its prompt.

use std::fmt::Write as _;
use std::path::Path;

use super::Workspace;
use super::status::{SessionRow, SessionStatus};
use crate::adapters::git;
use crate::model::{AgentEvent, SessionRecord, StreamId, Thread, ToolStatus};
use crate::store::journal::{Entry, Journals};

/// How much of an agent's last words is told, in characters.
const WORDS: usize = 4_000;

/// How many of its last tool calls.
const CALLS: usize = 12;

/// How many changed files or commits.
const FILES: usize = 60;

/// How much of it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// That there were attempts, and how they ended: the same agent tries again.
    Attempts,
    /// Also what the last of them said, did and left behind: another agent takes over.
    HandOver,
}

/// The last words and deeds of a turn.
#[derive(Debug, Default, PartialEq, Eq)]
struct Last {
    text: String,
    calls: Vec<String>,
}

/// The attempts of a thread after number `after`, for the next agent. Empty when there are none.
#[must_use]
pub(super) fn history(
    workspace: &Workspace,
    stream: &StreamId,
    thread: &Thread,
    after: u32,
    depth: Depth,
) -> String {
    let before: Vec<&SessionRecord> =
        thread.sessions.iter().filter(|record| record.attempt > after).collect();
    let (Some(first), Some(last)) = (before.first(), before.last()) else { return String::new() };
    let mut text = String::new();
    for record in &before {
        push(&mut text, format_args!("- {}\n", attempt_line(record)));
    }
    text.push_str(
        "\nWhat such an attempt was about to do may be half done: look at the files before you write. \
         What is reported as done need not be done again.\n",
    );
    if depth == Depth::HandOver {
        // The newest attempt that left a trace; one that got no session has nothing to say.
        let traced = before
            .iter()
            .rev()
            .find_map(|record| Some((*record, last_of(&workspace.private, stream, thread, record)?)));
        if let Some((record, said)) = traced {
            last_words(&mut text, record, &said);
        }
        let directory = last.directory.as_deref().unwrap_or(&workspace.root);
        if let Some(changes) = git::changes(directory, first.started_at) {
            changed(&mut text, &changes);
        }
    }
    text
}

/// `attempt 2: frontend-dev with openai/gpt-5.2, 2026-11-21 13:25 UTC: failed, rate-limit: …`
fn attempt_line(record: &SessionRecord) -> String {
    let row = SessionRow::of(record);
    let why = match (&row.error, &row.interrupted_by) {
        (Some(failure), _) => format!(", {failure}"),
        (None, Some(by)) => format!(", {by}"),
        (None, None) => String::new(),
    };
    let how = match row.status {
        SessionStatus::Completed => "ended its turn",
        SessionStatus::Failed => "failed",
        SessionStatus::Interrupted => "was interrupted",
        SessionStatus::Running => "is running",
    };
    let at = record.started_at.format("%Y-%m-%d %H:%M UTC");
    let text = format!("attempt {}, `{}` with {} on {at}: {how}{why}", row.attempt, row.agent, row.model);
    text.replace('\n', " ")
}

/// What the last turn of an attempt said and did, if its journal is there.
fn last_of(private: &Path, stream: &StreamId, thread: &Thread, record: &SessionRecord) -> Option<Last> {
    let journals = Journals::new(private);
    let mut last = Last::default();
    // Of damaged lines the reader has nothing to tell.
    for entry in journals.read(stream, thread.id, *record.turns.last()?).ok()?.flatten() {
        let Entry::Event(line) = entry else { continue };
        match line.event {
            AgentEvent::Text { delta } => last.text.push_str(&delta),
            AgentEvent::Restarted => last.text.clear(),
            AgentEvent::ToolCall { name, title, status, .. } => {
                // What it said before it went on is not its last word.
                if status == ToolStatus::Running {
                    last.text.clear();
                }
                let word = match status {
                    ToolStatus::Completed => "done",
                    ToolStatus::Failed => "failed",
                    ToolStatus::Pending | ToolStatus::Running => continue,
                };
                last.calls.push(format!("{name} ({word}): {}", title.replace('\n', " ")));
            }
            _ => {}
        }
    }
    (last != Last::default()).then_some(last)
}

fn last_words(text: &mut String, record: &SessionRecord, said: &Last) {
    let skip = said.calls.len().saturating_sub(CALLS);
    if !said.calls.is_empty() {
        push(text, format_args!("\n### The last that `{}` did\n\n", record.agent));
        for call in &said.calls[skip..] {
            let call: String = call.chars().take(300).collect();
            push(text, format_args!("- {call}\n"));
        }
    }
    if !said.text.trim().is_empty() {
        let long = said.text.chars().count().saturating_sub(WORDS);
        let end: String = said.text.chars().skip(long).collect();
        let dots = if long > 0 { "… " } else { "" };
        push(text, format_args!("\n### The last that `{}` said\n\n", record.agent));
        for line in format!("{dots}{}", end.trim()).lines() {
            push(text, format_args!("> {line}\n"));
        }
    }
}

fn changed(text: &mut String, changes: &git::Changes) {
    let mut list = |title: &str, lines: &[String]| {
        if lines.is_empty() {
            return;
        }
        push(
            text,
            format_args!("\n### {title}\n\n```text\n{}\n", lines[..lines.len().min(FILES)].join("\n")),
        );
        if lines.len() > FILES {
            push(text, format_args!("… and {} more\n", lines.len() - FILES));
        }
        text.push_str("```\n");
    };
    list("What is changed on disk and not committed, by whomever (`git status --short`)", &changes.files);
    list("Commits since the first of these attempts, by whomever", &changes.commits);
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = text.write_fmt(arguments);
}
