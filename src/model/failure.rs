//! Why a turn failed, as kinds. The kind decides what happens next; the message is for people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ThreadId;

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

    /// How the agent's program gets here.
    pub const INSTALL: &str = "install the agent's program (opencode: `npm install -g opencode-ai`), or start it by hand to see why it ends";

    /// What a person does next about `thread`, as one plain sentence without a full stop. Every command in it
    /// can be run as it stands there, but for the words in capitals.
    #[must_use]
    pub fn advice(self, thread: ThreadId) -> String {
        let fix = format!("`work fix --thread {thread}`");
        let retry = format!("`work fix --thread {thread} --retry`");
        let logs = format!("`work logs {thread}`");
        match self {
            Self::Auth => format!("log in at the provider (`opencode auth login`), then {fix} takes it up"),
            Self::RateLimit => format!(
                "wait for the provider's limit to reset, or `work fix --thread {thread} --retry --model MODEL`"
            ),
            Self::ModelUnknown => format!(
                "correct the model in `work/agents.yaml` (`opencode models` lists what is known), then {retry}"
            ),
            Self::ContextFull => format!("{retry} begins a new session, which is told what the full one did"),
            Self::SessionUnknown => {
                format!("{retry} begins a new session, which is told what is known of the old one")
            }
            Self::SessionBusy => {
                "wait until it is done, or stop it in the agent's own UI, then try again".to_owned()
            }
            Self::Provider => format!(
                "look at {logs}; then `work fix --thread {thread} --resume` goes on, or \
                 `work fix --thread {thread} --retry --model MODEL` begins anew with another model"
            ),
            Self::AgentCrashed => format!("look at `work supervisor logs`, then {fix} takes it up"),
            Self::AgentMissing => Self::INSTALL.to_owned(),
            Self::AgentTooOld => "upgrade the agent (`npm install -g opencode-ai@latest`)".to_owned(),
            Self::ServerUnreachable => format!(
                "see what `work supervisor logs` says, and whether the agent's machine can be reached; then {fix} \
                 takes it up"
            ),
            Self::PermissionDenied => {
                format!("allow it in the agent's own configuration, then {fix} takes it up")
            }
            Self::Stalled => format!("look at {logs}, then {fix} takes it up"),
            Self::TimedOut => format!("`work fix --thread {thread} --resume` goes on, or split the thread"),
            Self::Task => format!("look at {logs}"),
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

    /// Whoever reads an advice can run its commands: each that works on a thread names it.
    ///
    /// Mutant: `Provider` says `work logs THREAD`.
    #[test]
    fn an_advice_names_its_thread() {
        use FailureKind::*;
        let thread = "01.02.03".parse().expect("an id");
        for kind in [
            Auth,
            RateLimit,
            ModelUnknown,
            ContextFull,
            SessionUnknown,
            SessionBusy,
            Provider,
            AgentCrashed,
            AgentMissing,
            AgentTooOld,
            ServerUnreachable,
            PermissionDenied,
            Stalled,
            TimedOut,
            Task,
        ] {
            let advice = kind.advice(thread);
            for command in advice.split('`').skip(1).step_by(2) {
                let of_thread = ["work fix", "work logs"].iter().any(|word| command.starts_with(word));
                assert_eq!(command.contains(" 01.02.03"), of_thread, "{kind:?}: {command}");
            }
        }
    }

    #[test]
    fn the_name_is_the_word_in_files() {
        for kind in [FailureKind::Auth, FailureKind::AgentTooOld, FailureKind::ContextFull, FailureKind::Task]
        {
            assert_eq!(serde_json::to_value(kind).expect("a kind"), kind.name());
        }
    }
}
