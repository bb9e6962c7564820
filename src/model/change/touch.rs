//! Whether a change may write one path of the main checkout.

use schemars::JsonSchema;
use serde::Serialize;

/// What is known of a path that a change would write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PathFacts {
    /// It is as the last commit has it.
    pub committed: bool,
    /// It is as the thread began with it: the agent has seen it.
    pub seen: bool,
    /// It is as an earlier apply left it.
    pub applied: bool,
    /// Something lies there that no snapshot holds: an ignored file, or one in the way of a folder.
    pub unknown: bool,
    /// It is a submodule, or becomes one.
    pub submodule: bool,
}

/// Why a change may not write a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Obstacle {
    /// Both sides changed it, and git can't merge that.
    Conflict,
    /// It has uncommitted changes that the thread has not seen.
    Uncommitted,
    /// An ignored file, or another one that no snapshot holds, lies there.
    Ignored,
    /// It is a submodule.
    Submodule,
}

impl Obstacle {
    /// In words, after the name of the file.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Conflict => "was changed on both sides",
            Self::Uncommitted => "has uncommitted changes that the thread has not seen",
            Self::Ignored => "would be overwritten, and is ignored by git",
            Self::Submodule => "is a submodule",
        }
    }
}

impl PathFacts {
    /// Whether something is in the way. To be committed, a path must be as the last commit has it.
    #[must_use]
    pub fn obstacle(self, commit: bool) -> Option<Obstacle> {
        match self {
            Self { submodule: true, .. } => Some(Obstacle::Submodule),
            Self { unknown: true, .. } => Some(Obstacle::Ignored),
            Self { committed: true, .. } => None,
            Self { seen: true, .. } | Self { applied: true, .. } if !commit => None,
            _ => Some(Obstacle::Uncommitted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_loses_nothing_may_be_written() {
        let none = PathFacts::default();
        let committed = PathFacts { committed: true, ..none };
        let seen = PathFacts { seen: true, ..none };
        let applied = PathFacts { applied: true, ..none };
        for (facts, apply, commit) in [
            (none, Some(Obstacle::Uncommitted), Some(Obstacle::Uncommitted)),
            (committed, None, None),
            (seen, None, Some(Obstacle::Uncommitted)),
            (applied, None, Some(Obstacle::Uncommitted)),
            (PathFacts { unknown: true, ..committed }, Some(Obstacle::Ignored), Some(Obstacle::Ignored)),
            (PathFacts { submodule: true, ..seen }, Some(Obstacle::Submodule), Some(Obstacle::Submodule)),
        ] {
            assert_eq!((facts.obstacle(false), facts.obstacle(true)), (apply, commit), "{facts:?}");
        }
    }
}
