//! The processes of agents: what is kept of each, and how all that it started is found and ended.
//!
//! Owns their log, their secrets and the record by which a later supervisor ends what a dead one left.
//! Knows no protocol. One invariant: whatever carries a marker was started by the process that has it.

mod log;
mod password;
mod record;
mod sweep;

pub use password::Password;
pub use record::{Gone, ServerRecord, StartHook, stop_leftover};

pub(crate) use log::Log;
pub(crate) use password::{random, token};
pub(crate) use record::{identity, nobody, owner};
pub(crate) use sweep::sweep;
