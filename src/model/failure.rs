//! Why a turn failed, as kinds. The kind decides what happens next; the message is for people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The kind of a failure. Closed: every place that decides on it lists all kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The provider refused the credentials (401, 403).
    Auth,
    /// The provider wants us to wait (429, quota).
    RateLimit,
    /// The agent does not know the model, or its provider.
    ModelUnknown,
    /// The conversation no longer fits into the model's window.
    ContextFull,
    /// The agent does not know the session that was to be resumed.
    SessionUnknown,
    /// A turn that is not ours runs in the session that was to go on.
    SessionBusy,
    /// The model's service failed (5xx, broken stream, bad request).
    Provider,
    /// The agent's process died in the middle of the turn.
    AgentCrashed,
    /// The agent's program is not installed, or could not be started.
    AgentMissing,
    /// The agent's program is older than what we can drive.
    AgentTooOld,
    /// The agent's server does not answer, or refuses us.
    ServerUnreachable,
    /// The agent was refused a permission, and ended its turn.
    PermissionDenied,
    /// No event for longer than `stallTimeout`.
    Stalled,
    /// The turn took longer than its limit.
    TimedOut,
    /// The agent itself reported that it failed, for a reason of none of the other kinds.
    Task,
}

/// What we do after a failure of some kind, before we ask a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The next model in the agent's order of preference may succeed.
    NextModel,
    /// A new session, told what the old one did, may succeed.
    NewSession,
    /// Only a person can help: log in, install, choose.
    Person,
}

impl FailureKind {
    /// What may help without a person.
    #[must_use]
    pub fn remedy(self) -> Remedy {
        match self {
            Self::RateLimit | Self::ModelUnknown | Self::Provider => Remedy::NextModel,
            Self::ContextFull | Self::SessionUnknown => Remedy::NewSession,
            Self::Auth
            | Self::SessionBusy
            | Self::AgentCrashed
            | Self::AgentMissing
            | Self::AgentTooOld
            | Self::ServerUnreachable
            | Self::PermissionDenied
            | Self::Stalled
            | Self::TimedOut
            | Self::Task => Remedy::Person,
        }
    }

    /// Whether a program that we need is missing or does not work, whatever the thread is.
    #[must_use]
    pub fn is_program(self) -> bool {
        matches!(self, Self::AgentMissing | Self::AgentTooOld | Self::ServerUnreachable)
    }

    /// Whether the agent's process is gone, so that nothing is left to look at in its own UI.
    #[must_use]
    pub fn is_agent_gone(self) -> bool {
        matches!(self, Self::AgentCrashed | Self::ServerUnreachable)
    }

    /// The kind as it stands in files and in JSON, e.g. `rate-limit`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::RateLimit => "rate-limit",
            Self::ModelUnknown => "model-unknown",
            Self::ContextFull => "context-full",
            Self::SessionUnknown => "session-unknown",
            Self::SessionBusy => "session-busy",
            Self::Provider => "provider",
            Self::AgentCrashed => "agent-crashed",
            Self::AgentMissing => "agent-missing",
            Self::AgentTooOld => "agent-too-old",
            Self::ServerUnreachable => "server-unreachable",
            Self::PermissionDenied => "permission-denied",
            Self::Stalled => "stalled",
            Self::TimedOut => "timed-out",
            Self::Task => "task",
        }
    }

    /// What a person does next, as one plain sentence without a full stop.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Auth => {
                "log in at the provider (`opencode auth login`), then take the thread up with `work fix`"
            }
            Self::RateLimit => "wait for the provider's limit to reset, or `work fix --retry --model MODEL`",
            Self::ModelUnknown => {
                "correct the model in `work/agents.yaml` (`opencode models` lists what is known), then `work fix --retry`"
            }
            Self::ContextFull => {
                "`work fix --retry` begins a new session, which is told what the full one did"
            }
            Self::SessionUnknown => {
                "`work fix --retry` begins a new session, which is told what is known of the old one"
            }
            Self::SessionBusy => "wait until it is done, or stop it in the agent's own UI, then try again",
            Self::Provider => {
                "look at `work logs THREAD`; then `work fix` resumes it, or retries it with another model"
            }
            Self::AgentCrashed => "look at `work supervisor logs`, then take the thread up with `work fix`",
            Self::AgentMissing => {
                "install the agent's program (opencode: `npm install -g opencode-ai`), or start it by hand to see why it ends"
            }
            Self::AgentTooOld => "upgrade the agent (`npm install -g opencode-ai@latest`)",
            Self::ServerUnreachable => "look at `work supervisor logs`; `work supervisor stop` starts afresh",
            Self::PermissionDenied => {
                "allow it in the agent's own configuration, then take the thread up with `work fix`"
            }
            Self::Stalled => "look at `work logs THREAD`, then take the thread up with `work fix`",
            Self::TimedOut => "resume it with `work fix`, or split the thread",
            Self::Task => "look at `work logs THREAD`",
        }
    }
}

/// One failure: its kind, the words of whoever failed, and when it may be over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What the agent or provider said, or what we saw; one paragraph, no secrets.
    pub message: String,
    /// When the provider said that its limit resets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_at: Option<DateTime<Utc>>,
}

impl Failure {
    /// A failure without a reset time.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), reset_at: None }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_word_in_files() {
        for kind in [FailureKind::Auth, FailureKind::AgentTooOld, FailureKind::ContextFull, FailureKind::Task]
        {
            assert_eq!(serde_json::to_value(kind).expect("a kind"), kind.name());
        }
    }
}
