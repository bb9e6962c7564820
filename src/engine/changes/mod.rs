//! Worktrees of threads and what is changed in them: kept after every turn, listed, applied, taken back.
//!
//! The refs below `refs/work/` are the database, and nothing is stored twice:
//!
//! | ref | what it holds |
//! |---|---|
//! | `STREAM/THREAD/base` | what the pending change is counted from |
//! | `STREAM/THREAD/tip` | the pending change: the newest state of the thread's files that was kept |
//! | `STREAM/THREAD/turns/N` | what turn N left |
//! | `STREAM/THREAD/dropped/K` | a tip that was given up |
//! | `applied/N`, `undone/N` | a change of the main checkout, with the bytes from before and after it |
//! | `doing/apply`, `doing/undo` | the same while it is being made: whoever comes next takes it back, or completes it |
//! | `doing/together` | the tip that a thread gets while the main checkout is brought into its worktree |
//!
//! Everything that changes refs or files holds one lock, `.git/work/changes.lock`. Each tip has the one before
//! it for a parent, so whatever was once kept stays reachable. One invariant: nothing is removed or
//! overwritten before a ref holds it.

mod apply;
mod desk;
mod error;
mod gc;
mod give_up;
mod keep;
mod list;
mod record;
mod recover;
mod sync;
mod threads;
mod undo;
mod worktree;

pub use apply::{Applied, ApplyPlan};
pub use desk::{Desk, folder_of, has_any};
pub use error::{Blocked, ChangeError};
pub use gc::{Collected, Left};
pub use give_up::Source;
pub use keep::Kept;
pub use list::{ChangeRow, Clash, FileRow, With};
pub use record::Side;
pub use recover::keep_lost;
pub use threads::{ThreadRefs, TurnRef};
pub use undo::Undone;
pub use worktree::{Preparation, WorktreeRow, WorktreeUse};
