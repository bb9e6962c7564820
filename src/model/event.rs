//! What an agent does during a turn, in one language for all backends, and what is done around it.
//!
//! Raw events never pass a backend; everything above it (journal, tables, clients) sees only these.
//! A text and its deltas are one text: a backend sends each byte once.

use serde::{Deserialize, Serialize};

use super::{CheckStep, Failure, Question, SessionId, TurnOutcome, Usage};

/// How far a tool call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ToolStatus {
    /// The model is still writing the call.
    Pending,
    /// The tool runs.
    Running,
    /// It ended; its output may still tell of a failed command.
    Completed,
    /// It could not be run, or was refused.
    Failed,
}

/// What the agent says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Busyness {
    /// It works.
    Busy,
    /// It rests.
    Idle,
    /// It waits before it asks the model's service again.
    Retrying {
        /// Which attempt comes next, from 1.
        attempt: u32,
        /// Why the last one failed.
        message: String,
    },
}

/// What a command is run for that a person wrote for a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CommandPurpose {
    /// To prepare the thread's worktree: `worktree.setup`.
    Setup,
}

impl CommandPurpose {
    /// Where a person wrote it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Setup => "worktree.setup",
        }
    }
}

/// How far such a command is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum CommandStep {
    /// It begins.
    Started,
    /// It wrote a line.
    Wrote {
        /// The line, without its end.
        line: String,
    },
    /// It ended.
    Ended {
        /// Whether it ended well.
        ok: bool,
        /// How, in words.
        how: String,
    },
}

/// One thing that happened in a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum AgentEvent {
    /// The agent tells the id of its session: one that makes it only when it is prompted.
    Opened {
        /// The agent's own id of it.
        session: SessionId,
    },
    /// The agent says something.
    Text {
        /// The new characters, after all earlier ones of the same part.
        delta: String,
    },
    /// The agent thinks.
    Reasoning {
        /// The new characters.
        delta: String,
    },
    /// The retry of a broken stream: what was said since the last boundary is void and is said again.
    Restarted,
    /// A tool call appears or moves on; the same `id` comes several times.
    ToolCall {
        /// The call's id at the agent.
        id: String,
        /// The tool, e.g. `bash`.
        name: String,
        /// A line for people, e.g. the command.
        title: String,
        /// How far it is.
        status: ToolStatus,
        /// Its arguments, once known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<serde_json::Value>,
        /// Its output, at its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    },
    /// The agent asks for a permission.
    Permission {
        /// The request's id at the agent.
        id: String,
        /// What is asked for, e.g. `bash`.
        permission: String,
        /// What exactly, e.g. the command or path patterns.
        patterns: Vec<String>,
        /// What else would be allowed with `always`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        always: Vec<String>,
    },
    /// A permission request or a question was answered.
    Answered {
        /// The request's id.
        id: String,
        /// What was answered, in words.
        answer: String,
    },
    /// The agent asks a person something.
    Question {
        /// The request's id at the agent.
        id: String,
        /// The question, with the answers that it offers.
        text: String,
        /// The same in parts. Older journals don't have them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        questions: Vec<Question>,
    },
    /// Tokens and cost of the session so far.
    Usage(Usage),
    /// The agent is busy, idle or retrying.
    Status(Busyness),
    /// A command that a person wrote runs before or after the agent works.
    Command {
        /// What it is run for.
        purpose: CommandPurpose,
        /// The command as it was written.
        command: String,
        /// How far it is.
        #[serde(flatten)]
        step: CommandStep,
    },
    /// Something failed; the turn may go on.
    Error(Failure),
    /// The turn is over. Exactly one; only the steps of a check come after it.
    TurnEnded(TurnOutcome),
    /// What the turn left is checked by the commands of the plan.
    Check(CheckStep),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_older_journals_are_read() {
        let read = |json: &str| serde_json::from_str::<AgentEvent>(json).expect("an event");
        let bash = read(r#"{"type":"permission","id":"per_1","permission":"bash","patterns":["ls"]}"#);
        assert!(matches!(bash, AgentEvent::Permission { always, .. } if always.is_empty()));
        let which = read(r#"{"type":"question","id":"que_1","text":"Which?"}"#);
        assert!(matches!(which, AgentEvent::Question { questions, .. } if questions.is_empty()));
    }
}
