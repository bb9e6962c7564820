//! One line of a journal.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{
    AgentEvent, AgentName, BackendKind, Mode, Owner, SessionId, StreamId, ThreadId, TurnNumber, Usage,
};

/// What a turn is, as it begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The stream.
    pub stream: StreamId,
    /// The thread.
    pub thread: ThreadId,
    /// The turn's number within the thread.
    pub turn: TurnNumber,
    /// The attempt that it belongs to.
    pub attempt: u32,
    /// The session at the agent; `None` when the agent tells it later, as [`AgentEvent::Opened`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The agent.
    pub agent: AgentName,
    /// `provider/model`, as it was asked for.
    pub model: String,
    /// The directory the agent works in.
    pub directory: PathBuf,
    /// What the agent is told to do.
    pub prompt: String,
    /// The command that the turn is bound to: with it the turn ends. `None` for a job's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Owner>,
    /// What the session had used before the turn; `None` if nobody knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_before: Option<Usage>,
    /// Set when the beginning could not be recorded in `tasks.json`: what the record needs beside the rest,
    /// so that whoever comes next can write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
}

/// What a record needs and the rest of a [`Header`] does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Who runs the turn.
    pub owner: Owner,
    /// How the agent is talked to.
    pub backend: BackendKind,
    /// How it is watched.
    pub mode: Mode,
    /// The earlier attempt whose session is continued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_from: Option<u32>,
    /// Whether the plan wants checked what it leaves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub check: bool,
}

/// A fact with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalLine {
    /// When it happened, as we saw it.
    pub at: DateTime<Utc>,
    /// What happened.
    #[serde(flatten)]
    pub event: AgentEvent,
}

/// The first line. `type` tells it from every event.
#[derive(Serialize, Deserialize)]
pub(super) struct HeaderLine {
    pub(super) at: DateTime<Utc>,
    #[serde(rename = "type")]
    pub(super) kind: HeaderKind,
    /// The version of the format; readers skip lines that they don't know.
    pub(super) version: u32,
    #[serde(flatten)]
    pub(super) header: Header,
}

/// The only `type` of a header.
#[derive(Serialize, Deserialize)]
pub(super) enum HeaderKind {
    #[serde(rename = "turn-started")]
    TurnStarted,
}

/// What a reader finds.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// The turn begins.
    Started {
        /// When.
        at: DateTime<Utc>,
        /// What it is.
        header: Box<Header>,
    },
    /// Something happened; the last one is [`AgentEvent::TurnEnded`], or the steps of a check after it.
    Event(JournalLine),
}

impl Entry {
    /// The entry of a line, or `None` for a line that makes no sense to us.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        if let Ok(line) = serde_json::from_slice(line) {
            return Some(Self::Event(line));
        }
        let line: HeaderLine = serde_json::from_slice(line).ok()?;
        Some(Self::Started { at: line.at, header: Box::new(line.header) })
    }
}
