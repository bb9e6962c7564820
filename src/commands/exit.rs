//! Exit codes. Scripts live on them, so their numbers never change.

use std::process::{ExitCode, Termination};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// An expected failure: a thread failed, there was nothing to do, something was refused.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// `validate` found errors.
    Invalid,
    /// The state is corrupt, or of a newer version.
    State,
    /// Locked or busy for too long.
    Busy,
    /// A program that is needed is missing or failed.
    Program,
    /// The supervisor can't be reached.
    Unreachable,
    /// A person must do something first: approve, allow, answer.
    Waiting,
    /// Our bug.
    Bug,
    /// Interrupted.
    Interrupted,
}

impl Exit {
    /// Every exit, in order of its code.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Invalid,
        Self::State,
        Self::Busy,
        Self::Program,
        Self::Unreachable,
        Self::Waiting,
        Self::Bug,
        Self::Interrupted,
    ];

    /// Its number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::State => 4,
            Self::Busy => 5,
            Self::Program => 6,
            Self::Unreachable => 7,
            Self::Waiting => 8,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }

    /// Its meaning in a few words, for the help and the README.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "expected failure: a thread failed, nothing to do, refused",
            Self::Usage => "usage: the command line makes no sense, or names what is not there",
            Self::Invalid => "`validate` found errors",
            Self::State => "the state is corrupt, or from a newer version",
            Self::Busy => "locked or busy for too long",
            Self::Program => "a program that is needed is missing or failed",
            Self::Unreachable => "the supervisor can't be reached",
            Self::Waiting => "a person must approve, allow or answer first",
            Self::Bug => "a bug in work",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
