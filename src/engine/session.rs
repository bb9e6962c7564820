//! Sessions across threads: found by id, closed by a person's word, written out for others to read.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::status::SessionRow;
use super::{Hint, ResolveError, StreamHandle, Workspace, owner, resolve};
use crate::model::{
    self, AgentEvent, CheckStep, CheckedCommand, CommandStep, End, Outcome, SessionRecord, SessionRef, Spent,
    Stream, Thread, ThreadId, ToolStatus, TransitionError,
};
use crate::store::journal::{Entry, Journals};
use crate::store::{StoreError, TransactError};

/// Why nothing was done with a session.
#[derive(Debug, thiserror::Error)]
pub enum SessionUseError {
    /// There is no such thread.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// No record has that id.
    #[error("no session `{0}` in stream `{1}`")]
    Unknown(String, String),
    /// The thread has no session.
    #[error("thread `{0}` has had no session yet")]
    None(ThreadId),
    /// The thread has had sessions, and no attempt of that number.
    #[error("thread `{id}` has no attempt `{wanted}`; {}", attempts(there))]
    NoAttempt {
        /// The thread.
        id: ThreadId,
        /// What was asked for.
        wanted: String,
        /// Those that there are.
        there: Vec<u32>,
    },
    /// It runs.
    #[error("attempt {attempt} of thread `{id}` is running (process {pid}); its end is not yours to say")]
    Running {
        /// The thread.
        id: ThreadId,
        /// The attempt.
        attempt: u32,
        /// Who runs it.
        pid: u32,
    },
    /// Its end is on record.
    #[error("attempt {attempt} of thread `{id}` has ended: it is {}", outcome.name())]
    Ended {
        /// The thread.
        id: ThreadId,
        /// The attempt.
        attempt: u32,
        /// How.
        outcome: Outcome,
    },
    /// The step is not allowed.
    #[error(transparent)]
    Step(#[from] TransitionError),
    /// The state can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Hint for SessionUseError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Resolve(error) => error.hints(),
            Self::Unknown(..) => vec!["`work session list` shows them all".to_owned()],
            Self::None(id) => vec![format!("`work execute --thread {id}` begins one")],
            Self::NoAttempt { id, .. } => vec![format!("`work session list --thread {id}` shows them")],
            Self::Running { id, .. } => vec![format!("`work session cancel {id}` cancels it")],
            Self::Ended { id, .. } => vec![format!("`work why {id}` tells why")],
            Self::Step(_) | Self::Store(_) => Vec::new(),
        }
    }
}

impl From<TransactError<SessionUseError>> for SessionUseError {
    fn from(error: TransactError<SessionUseError>) -> Self {
        match error {
            TransactError::Store(error) => Self::Store(error),
            TransactError::Refused(error) => error,
        }
    }
}

/// An attempt, and whose it is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// The thread.
    pub thread: ThreadId,
    /// Its name.
    pub name: String,
    /// The record.
    #[serde(flatten)]
    pub session: SessionRow,
    /// What all attempts of the thread in the same session used; absent when this is the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole: Option<Spent>,
}

/// The newest attempt of a thread, or the newest one of a session: `wanted` is a thread, by id or name, or a
/// session's id; `THREAD/N` is attempt N.
///
/// # Errors
/// [`SessionUseError`] when there is none.
pub fn find<'a>(
    stream: &'a Stream,
    wanted: &str,
) -> Result<(&'a Thread, &'a SessionRecord), SessionUseError> {
    let has_id = |record: &&SessionRecord| match &record.session {
        SessionRef::Known(id) => id.0 == wanted,
        SessionRef::Invented(id) => id == wanted,
        SessionRef::Unopened => false,
    };
    for thread in &stream.threads {
        if let Some(record) = thread.sessions.iter().rev().find(has_id) {
            return Ok((thread, record));
        }
    }
    if wanted.starts_with("ses_") {
        return Err(SessionUseError::Unknown(wanted.to_owned(), stream.id.to_string()));
    }
    let (name, number) = match wanted.rsplit_once('/') {
        Some((name, number)) => (name, Some(number)),
        None => (wanted, None),
    };
    let thread = resolve::thread(stream, name)?;
    let found = match number {
        Some(number) => number.parse().ok().and_then(|number| thread.attempt(number)),
        None => thread.last_record(),
    };
    found.map(|record| (thread, record)).ok_or_else(|| match number {
        Some(number) if !thread.sessions.is_empty() => SessionUseError::NoAttempt {
            id: thread.id,
            wanted: number.to_owned(),
            there: thread.sessions.iter().map(|record| record.attempt).collect(),
        },
        _ => SessionUseError::None(thread.id),
    })
}

/// The attempts that there are, in words.
fn attempts(there: &[u32]) -> String {
    let numbers: Vec<String> = there.iter().map(ToString::to_string).collect();
    format!("it has {}", numbers.join(", "))
}

/// An attempt with its thread.
#[must_use]
pub fn view(thread: &Thread, record: &SessionRecord) -> SessionView {
    let same = |other: &&SessionRecord| other.session == record.session && other.session.known().is_some();
    let whole = Spent::of(thread.sessions.iter().filter(same));
    SessionView {
        thread: thread.id,
        name: thread.name.clone(),
        session: SessionRow::of(record),
        whole: Some(whole).filter(|whole| whole.sessions > 1),
    }
}

/// Writes the end of an attempt that nobody runs any more, as a person says that it went.
///
/// # Errors
/// [`SessionUseError`]; an end is written once, and not while its owner lives.
pub fn complete(
    handle: &StreamHandle,
    wanted: &str,
    outcome: Outcome,
    by: &str,
) -> Result<SessionView, SessionUseError> {
    let now = handle.store.now();
    let view = handle.store.transact(|stream| {
        let (thread, record) = find(stream, wanted)?;
        let (id, attempt) = (thread.id, record.attempt);
        if let model::SessionState::Ended { outcome, .. } = &record.state {
            return Err(SessionUseError::Ended { id, attempt, outcome: *outcome });
        }
        if let Some(owner) = record.owner().filter(|owner| owner::is_alive(owner)) {
            return Err(SessionUseError::Running { id, attempt, pid: owner.pid });
        }
        let interrupted_by = (outcome == Outcome::Interrupted).then(|| format!("{by} said so"));
        let end = End { at: Some(now), exit_code: None, failure: None, interrupted_by };
        let unknown = || SessionUseError::None(id);
        let thread = stream.threads.iter_mut().find(|thread| thread.id == id).ok_or_else(unknown)?;
        model::end_session(thread, attempt, outcome, end)?;
        let record = thread.attempt(attempt).ok_or_else(unknown)?;
        Ok(view(thread, record))
    })?;
    Ok(view)
}

/// What was said and done in an attempt, as Markdown: for a reader, or for another agent.
#[must_use]
pub fn export(workspace: &Workspace, stream: &Stream, thread: &Thread, record: &SessionRecord) -> String {
    let row = SessionRow::of(record);
    let mut text = format!("# Thread {}: {}\n\n", thread.id, thread.name);
    let facts = [
        ("Stream", stream.id.to_string()),
        ("Attempt", row.attempt.to_string()),
        ("Session", row.session_id.clone().unwrap_or_else(|| "none was opened".to_owned())),
        ("Agent", row.agent.to_string()),
        ("Model", row.model.clone()),
        ("Started", time(row.started_at)),
        ("Ended", row.ended_at.map(time).unwrap_or_default()),
        ("Status", row.status.name().to_owned()),
        ("Why", row.error.as_ref().map(ToString::to_string).or(row.interrupted_by).unwrap_or_default()),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        push(&mut text, format_args!("- **{name}:** {value}\n"));
    }
    let journals = Journals::new(&workspace.private);
    for turn in &record.turns {
        push(&mut text, format_args!("\n## Turn {turn}\n"));
        match journals.read(&stream.id, thread.id, *turn) {
            Ok(reader) => turn_text(&mut text, reader.flatten()),
            Err(error) => push(&mut text, format_args!("\n*{error}: {}*\n", error.source)),
        }
    }
    text
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn turn_text(text: &mut String, entries: impl Iterator<Item = Entry>) {
    let mut speaking = false;
    let mut checked = String::new();
    for entry in entries {
        let event = match entry {
            Entry::Started { header, .. } => {
                push(
                    text,
                    format_args!("\n### The prompt\n\n{}\n\n### The answer\n", quoted(&header.prompt)),
                );
                continue;
            }
            Entry::Event(line) => line.event,
        };
        if let AgentEvent::Text { delta } = &event {
            if !std::mem::replace(&mut speaking, true) {
                text.push_str("\n\n");
            }
            text.push_str(delta);
            continue;
        }
        let line = match event {
            AgentEvent::ToolCall { name, title, status: ToolStatus::Completed, output, .. } => {
                format!("`{name}` {title}\n{}", fenced(output.as_deref()))
            }
            AgentEvent::ToolCall { name, title, status: ToolStatus::Failed, output, .. } => {
                format!("`{name}` {title} **failed**\n{}", fenced(output.as_deref()))
            }
            AgentEvent::Permission { permission, patterns, .. } => {
                format!("*asks for {permission}: {}*\n", patterns.join(", "))
            }
            AgentEvent::Question { text, .. } => format!("*asks: {text}*\n"),
            AgentEvent::Answered { answer, .. } => format!("*{answer}*\n"),
            AgentEvent::Command { purpose, command, step: CommandStep::Ended { how, .. } } => {
                format!("*{}: `{command}` {how}*\n", purpose.words())
            }
            AgentEvent::Error(failure) => format!("**{failure}**\n"),
            AgentEvent::Check(CheckStep::Output { delta }) => {
                checked.push_str(&delta);
                continue;
            }
            AgentEvent::Check(CheckStep::Ended(CheckedCommand { command, end, .. })) => {
                let output = fenced(Some(&std::mem::take(&mut checked)));
                format!("check: `{command}` {}\n{output}", end.words())
            }
            _ => continue,
        };
        speaking = false;
        push(text, format_args!("\n- {line}"));
    }
    text.push('\n');
}

fn quoted(text: &str) -> String {
    text.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Output in a fence that is longer than any within it.
fn fenced(output: Option<&str>) -> String {
    let Some(output) = output.map(str::trim_end).filter(|output| !output.is_empty()) else {
        return String::new();
    };
    let longest = output.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let body: String = output.lines().map(|line| format!("  {line}\n")).collect();
    format!("\n  {fence}text\n{body}  {fence}\n")
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = text.write_fmt(arguments);
}
