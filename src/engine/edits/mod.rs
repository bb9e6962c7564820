//! Edits of PLAN.md by command: only the bytes that they must, and the state when the plan is approved.
//!
//! What an edit adds to a thread that is approved as it stands is taken over with it, since whoever ran
//! the command said so; a new thread needs its own approval. One invariant: PLAN.md is written first, so
//! that a crash in between leaves a drift that everybody is told of, and never a task without a plan.

mod add;
mod delete;
mod editor;
mod error;
mod fix_stage;
mod plan_file;
mod resolve;
mod stream;
mod taken;
mod trash;

pub use add::{Added, Moved, NewThread, Part, StateOf, Who, add_batch, add_stage, add_task, add_thread};
pub use delete::{Deleted, delete_part};
pub use editor::{EditedByHand, edit_by_hand};
pub use error::PlanEditError;
pub use fix_stage::add_fix_stage;
pub use resolve::node_of_plan;
pub use stream::{StreamDeleted, delete_stream};
pub use trash::Recovery;
