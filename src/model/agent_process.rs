//! The processes of agents that are kept, as a runtime tells of them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AgentName, BackendKind, StreamId, ThreadId};

/// For whom a process is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptFor {
    /// The stream.
    pub stream: StreamId,
    /// The thread.
    pub thread: ThreadId,
    /// The agent.
    pub agent: AgentName,
}

/// How an agent's process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum AgentState {
    /// It starts, or opens a session.
    Starting,
    /// It works.
    Busy,
    /// It waits for a person.
    Waiting,
    /// Nobody uses it.
    Idle {
        /// Since when.
        idle_since: DateTime<Utc>,
    },
    /// It was told to end.
    Ending,
}

impl AgentState {
    /// The word in tables: that of the JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Busy => "busy",
            Self::Waiting => "waiting",
            Self::Idle { .. } => "idle",
            Self::Ending => "ending",
        }
    }
}

/// An agent that was let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClosedAgent {
    /// What ran: the program and its arguments.
    pub what: String,
    /// For whom it was kept.
    pub kept_for: KeptFor,
    /// Its process id.
    pub pid: u32,
}

/// An agent's process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentProcess {
    /// What runs: the program and its arguments.
    pub what: String,
    /// How we talk to it.
    pub backend: BackendKind,
    /// For whom it is kept; none when all threads share it.
    pub kept_for: Option<KeptFor>,
    /// How it stands.
    #[serde(flatten)]
    pub state: AgentState,
    /// Its process id; none before it has started.
    pub pid: Option<u32>,
    /// When it was started.
    pub started_at: Option<DateTime<Utc>>,
    /// The resident memory of it and all that it started, in bytes, where the system tells.
    pub memory: Option<u64>,
    /// Its address, where it has one.
    pub url: Option<String>,
}
