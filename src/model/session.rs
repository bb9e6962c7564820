//! The record of one attempt at a thread in one session of an agent.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{AgentName, Ask, Extra, Failure, Money, OutsidePaths, SessionId, TurnNumber, Verification};

/// How we talk to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BackendKind {
    /// HTTP and SSE to a shared `opencode serve`.
    Opencode,
    /// One `opencode run` a turn, for an opencode that is too old for its server.
    OpencodeRun,
    /// Agent Client Protocol over the stdio of a child.
    Acp,
}

impl BackendKind {
    /// The word in files: `opencode`, `opencode-run`, `acp`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Opencode => "opencode",
            Self::OpencodeRun => "opencode-run",
            Self::Acp => "acp",
        }
    }

    /// Whether a session of one is a session of the other.
    #[must_use]
    pub fn shares_sessions(self, other: Self) -> bool {
        (self == Self::Acp) == (other == Self::Acp)
    }

    /// Whether the agent has a terminal UI of its own that can be opened on a session.
    #[must_use]
    pub fn has_ui(self) -> bool {
        self == Self::Opencode
    }
}

/// A session that an agent knows, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KnownSession {
    /// Its id.
    pub id: SessionId,
    /// Its title.
    pub title: String,
    /// When it was last used.
    pub used_at: DateTime<Utc>,
}

/// How a person sees a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// In the agent's own terminal UI.
    Tui,
    /// As streamed text.
    Plain,
    /// As a background job.
    Headless,
    /// In a conversation that the person already has open.
    Primary,
}

impl Mode {
    /// The word in files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tui => "tui",
            Self::Plain => "plain",
            Self::Headless => "headless",
            Self::Primary => "primary",
        }
    }
}

/// The process that runs an attempt, so that anyone can tell whether it still lives.
///
/// A pid alone is a rumour: it is the process only if start time, boot and host agree as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Process id.
    pub pid: u32,
    /// When the kernel started it: clock ticks after boot on Linux, microseconds since 1970 on macOS.
    /// Compared for equality only.
    pub started_at: u64,
    /// The kernel's id of the boot it runs in.
    pub boot_id: String,
    /// The machine's host name.
    pub host: String,
}

/// The session of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionRef {
    /// A session that lives at the agent, under the agent's own id.
    Known(SessionId),
    /// An id that an older tool made up; kept for the reader, of no use to any agent.
    Invented(String),
    /// No session came to be: the agent could not be started, or refused to open one. Of an attempt that
    /// runs: not yet, or its agent has not told its id yet.
    Unopened,
}

impl SessionRef {
    /// The id, if the agent may know it.
    #[must_use]
    pub fn known(&self) -> Option<&SessionId> {
        match self {
            Self::Known(id) => Some(id),
            Self::Invented(_) | Self::Unopened => None,
        }
    }
}

/// Tokens and cost of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Input tokens that were not read from a cache.
    pub input: u64,
    /// Output tokens without reasoning.
    pub output: u64,
    /// Reasoning tokens.
    pub reasoning: u64,
    /// Input tokens read from a cache.
    pub cache_read: u64,
    /// Input tokens written to a cache.
    pub cache_write: u64,
    /// Cost in US dollars, as the agent computed it. Agents that know no price tell zero: [`SessionRecord::told`]
    /// says what of it is known.
    pub cost: f64,
}

impl Usage {
    /// What was used since `earlier`, of the same running total. Never negative.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            input: self.input.saturating_sub(earlier.input),
            output: self.output.saturating_sub(earlier.output),
            reasoning: self.reasoning.saturating_sub(earlier.reasoning),
            cache_read: self.cache_read.saturating_sub(earlier.cache_read),
            cache_write: self.cache_write.saturating_sub(earlier.cache_write),
            cost: Money::of_dollars(self.cost).less(Money::of_dollars(earlier.cost)).dollars(),
        }
    }

    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            output: self.output + other.output,
            reasoning: self.reasoning + other.reasoning,
            cache_read: self.cache_read + other.cache_read,
            cache_write: self.cache_write + other.cache_write,
            cost: Money::of_dollars(self.cost).plus(Money::of_dollars(other.cost)).dollars(),
        }
    }

    /// The same without the noise that sums of such numbers have: its cost to a billionth of a dollar.
    #[must_use]
    pub fn rounded(self) -> Self {
        Self { cost: Money::of_dollars(self.cost).dollars(), ..self }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The agent ended its turn by itself.
    Completed,
    /// It failed.
    Failed,
    /// It was cancelled, or its owner died.
    Interrupted,
}

impl Outcome {
    /// The word in files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What is known of an attempt's end. Older files may lack the time and the exit code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct End {
    /// When it ended; for an owner that died, when that was noticed.
    pub at: Option<DateTime<Utc>>,
    /// The exit code of the turn: 0 completed, 1 failed, 6 for want of a program, 130 interrupted.
    pub exit_code: Option<i32>,
    /// Why it failed or was interrupted.
    pub failure: Option<Failure>,
    /// In words, who or what interrupted it.
    pub interrupted_by: Option<String>,
}

/// Where an attempt stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// It has begun and nobody has written its end.
    Running {
        /// Who runs it; older files don't tell, and then nobody does any more.
        owner: Option<Owner>,
        /// What its agent asks a person, and waits for.
        asks: Vec<Ask>,
    },
    /// It is over.
    Ended {
        /// How.
        outcome: Outcome,
        /// When, and why.
        end: End,
    },
}

/// One attempt at a thread in one session. Its end is written exactly once.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRecord {
    /// The session at the agent.
    pub session: SessionRef,
    /// The number of the attempt within its thread, from 1.
    pub attempt: u32,
    /// The agent's name in `agents.yaml`.
    pub agent: AgentName,
    /// `provider/model` as it was asked for.
    pub model: String,
    /// The model's variant.
    pub variant: Option<String>,
    /// How we talked to the agent; imported records don't tell.
    pub backend: Option<BackendKind>,
    /// How it was watched; imported records don't tell.
    pub mode: Option<Mode>,
    /// The directory the agent worked in; imported records don't tell.
    pub directory: Option<PathBuf>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Whether it runs or how it ended.
    pub state: SessionState,
    /// The earlier attempt whose session this one continues.
    pub resumed_from: Option<u32>,
    /// Its turns; each is the name of a journal.
    pub turns: Vec<TurnNumber>,
    /// Tokens and cost of this attempt.
    pub usage: Option<Usage>,
    /// Where the check of what it left stands; none when its plan asked for none, and in records of versions
    /// that checked nothing.
    pub verification: Option<Verification>,
    /// What its turn changed outside the `**Paths:**` of its thread, as far as that is known.
    pub outside_paths: Option<OutsidePaths>,
    /// Fields that we do not know, kept for whoever does.
    pub extra: Extra,
}

impl SessionRecord {
    /// Whether nobody has written its end yet. Says nothing about its owner being alive.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, SessionState::Running { .. })
    }

    /// The owner of an open record.
    #[must_use]
    pub fn owner(&self) -> Option<&Owner> {
        match &self.state {
            SessionState::Running { owner, .. } => owner.as_ref(),
            SessionState::Ended { .. } => None,
        }
    }

    /// Whether it is over, and the agent ended its turn by itself.
    #[must_use]
    pub fn ended_well(&self) -> bool {
        matches!(self.state, SessionState::Ended { outcome: Outcome::Completed, .. })
    }

    /// What the agent of an open record asks a person. Says nothing about its owner being alive.
    #[must_use]
    pub fn asks(&self) -> &[Ask] {
        match &self.state {
            SessionState::Running { asks, .. } => asks,
            SessionState::Ended { .. } => &[],
        }
    }
}
