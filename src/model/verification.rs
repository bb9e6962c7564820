//! The check of what a turn left: the commands of the plan's `**Verify:**`, and what came of them.
//!
//! An attempt at a thread whose plan asks for a check carries it from its beginning, as [`Verification::Due`].
//! One invariant: only a command's own good end makes it [`Verification::Passed`]; whatever is killed, cut
//! short or never begun leaves it at something else.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ObjectId, Owner};

/// How a command of a check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "end", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum CommandEnd {
    /// By itself.
    Exited {
        /// Its exit code; 0 is good.
        code: i32,
    },
    /// A signal ended it.
    Killed {
        /// The number of the signal.
        signal: i32,
    },
    /// It took longer than it may, and was ended.
    TimedOut,
    /// It could not be started.
    NotStarted {
        /// Why.
        why: String,
    },
}

impl CommandEnd {
    /// Whether it is good.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Exited { code: 0 })
    }

    /// In words, after the command: `failed with exit code 1`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Exited { code: 0 } => "passed".to_owned(),
            Self::Exited { code } => format!("failed with exit code {code}"),
            Self::Killed { signal } => format!("was ended by signal {signal}"),
            Self::TimedOut => "took longer than it may".to_owned(),
            Self::NotStarted { why } => format!("could not be started: {why}"),
        }
    }
}

/// A command of a check that was run to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckedCommand {
    /// The line, as the plan has it.
    pub command: String,
    /// How it ended.
    #[serde(flatten)]
    pub end: CommandEnd,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// The last of what it wrote, where it failed; all of it stands in the journal of the turn.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub tail: String,
}

/// A check that came to its end: all commands that ran, in order. The first that fails is the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckRun {
    /// When it began.
    pub at: DateTime<Utc>,
    /// The git tree of what was checked; none where there is no git, or no snapshot could be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<ObjectId>,
    /// The commands.
    pub commands: Vec<CheckedCommand>,
}

/// Where the check of an attempt stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "status", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Verification {
    /// The plan asks for it, and it was not done.
    Due,
    /// It is being done, for as long as its owner lives.
    Running {
        /// Since when.
        since: DateTime<Utc>,
        /// Who does it.
        owner: Owner,
    },
    /// Every command passed.
    Passed(CheckRun),
    /// The last of these commands failed.
    Failed(CheckRun),
    /// It was begun and did not come to its end, so nobody knows.
    Stopped {
        /// When that was written.
        at: DateTime<Utc>,
        /// Why, in words.
        why: String,
    },
    /// It did not pass, and a person called the thread completed all the same.
    Waived,
    /// Something that only a newer version knows; it counts as not passed.
    #[serde(other)]
    Unknown,
}

impl Verification {
    /// What came of a check whose commands ran to their ends.
    #[must_use]
    pub fn of(run: CheckRun) -> Self {
        let passed = run.commands.iter().all(|command| command.end.is_good());
        if passed { Self::Passed(run) } else { Self::Failed(run) }
    }

    /// Whether nothing is left to be checked.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Passed(_) | Self::Waived)
    }

    /// Who does it, where it is being done. Says nothing about them being alive.
    #[must_use]
    pub fn owner(&self) -> Option<&Owner> {
        match self {
            Self::Running { owner, .. } => Some(owner),
            _ => None,
        }
    }

    /// The command that failed.
    #[must_use]
    pub fn failed(&self) -> Option<&CheckedCommand> {
        match self {
            Self::Failed(run) => run.commands.iter().find(|command| !command.end.is_good()),
            _ => None,
        }
    }

    /// In words, on one line: `` `cargo test` failed with exit code 101 ``.
    #[must_use]
    pub fn words(&self) -> String {
        let failed =
            |command: &CheckedCommand| format!("`{}` {}", one_line(&command.command), command.end.words());
        match self {
            Self::Due => "the commands that must pass were not run yet".to_owned(),
            Self::Running { .. } => "the commands that must pass are running".to_owned(),
            Self::Passed(run) => match run.commands.as_slice() {
                [one] => format!("`{}` passed", one_line(&one.command)),
                all => format!("all {} commands passed", all.len()),
            },
            Self::Failed(_) => self.failed().map_or_else(|| "it failed".to_owned(), failed),
            Self::Stopped { why, .. } => {
                format!("the commands that must pass did not come to their end: {why}")
            }
            Self::Waived => {
                "it did not pass, and a person called the thread completed all the same".to_owned()
            }
            Self::Unknown => "what came of it, only a newer version of work can tell".to_owned(),
        }
    }
}

/// A step of a check, as it is told and stands in the journal, after the end of its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "step", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum CheckStep {
    /// A command begins.
    Began {
        /// The line.
        command: String,
    },
    /// It wrote something, to whichever of its outputs.
    Output {
        /// The new characters.
        delta: String,
    },
    /// It is over.
    Ended(CheckedCommand),
    /// The check is over: nothing more comes.
    Over {
        /// How.
        verdict: CheckVerdict,
    },
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckVerdict {
    /// Every command passed.
    Passed,
    /// One failed.
    Failed,
    /// It did not come to its end.
    Stopped,
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
