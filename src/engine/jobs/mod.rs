//! Background jobs: queued by a command, started by the supervisor, followed by whoever wants to.
//!
//! `schedule` decides which job starts when, a pure function; `queue` changes the queue; `start` makes the
//! turn of a job that starts; `view` is what people see; `follow` follows jobs to their ends. One invariant:
//! no job starts before a person has given it to the supervisor that lives now.

mod follow;
mod queue;
mod schedule;
mod start;
mod view;

pub use follow::{Follow, Followed, follow};
pub use queue::{Claim, Claimed, JobError, KEPT, NewJob, Queue, close_dead};
pub use schedule::{blocked, next_to_start};
pub use start::prepare_job;
pub use view::{JobMark, JobRow, mark, rows};
