//! git: where a repository is, what has changed in a checkout, what is kept of a file; and snapshots, merges
//! and worktrees.
//!
//! Where it is is read from git's own files, because every command begins with it and git takes longer to
//! start than the rest of a `work status`. Only `Git` writes: objects, refs below `refs/work/`, worktrees, and
//! an index that it is told of. One invariant: from every checkout of a repository, linked or not, the same
//! main checkout and common directory are found.

mod changes;
mod config;
mod history;
mod locate;
mod merge;
mod objects;
mod program;
mod refs;
mod snapshot;
mod worktree;

pub use changes::{Changes, changes};
pub use history::{committed, content, versions};
pub use locate::{LocateError, Repository, locate};
pub use merge::Merged;
pub use objects::{By, Difference, Entry};
pub use program::{Git, GitError};
pub use refs::{Ref, RefStep};
pub use snapshot::{Scratch, Snapshot, filled_submodules, ignored, snapshot, staged};
pub use worktree::Worktree;
