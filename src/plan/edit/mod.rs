//! Edits of a plan by byte span.
//!
//! Each takes the text of a plan and gives the text with exactly one thing changed. One invariant: the
//! result, parsed again, differs from the plan before in that thing alone; if it cannot, the edit is
//! refused and nothing changes.

mod agent;
mod append;
mod check;
mod insert;
mod question;
mod remove;
mod splice;
mod task;

pub use agent::set_agent;
pub use append::{append_batch, append_stage, append_thread, append_whole_stage};
pub use insert::{Inserted, insert_stage};
pub use question::tick_question;
pub use remove::remove;
pub use splice::{EditError, Edited};
pub use task::append_task;
