//! Worktrees and changes: nothing that a person or an agent made is ever lost (W1 to W6).

mod apply;
mod kills;
mod lost;
mod merge;
mod parallel;
pub(crate) mod rig;
mod snapshot;
