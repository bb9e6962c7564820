//! The process that hosts the runtime behind a socket; one for a repository.
//!
//! Owns the connections and the life of the process; decides in `dispatch`, a synchronous state
//! machine, and acts in `host`. Knows nothing of plans. One invariant: a turn that is bound to a
//! connection is cancelled when the connection ends, and a job's runs on whoever comes and goes.

mod board;
mod daemon;
mod dispatch;
mod ensure;
mod found;
mod host;
mod jobs;
mod left;
mod log;
#[cfg(test)]
mod tests;

pub use daemon::{RunError, run};
pub use ensure::{EnsureError, connect_or_start, in_process, is_gone, wait_until_free};
pub use host::HostSettings;
pub use left::{Left, end_left};
