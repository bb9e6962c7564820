//! The operating system: the only room that asks for the time, the environment, files, locks and
//! processes in the raw.
//!
//! Knows nothing of plans, threads or agents. One invariant: what it spawns it can also end, and
//! what it writes is either whole or not there.

pub mod atomic;
pub mod clock;
pub mod env;
pub mod fault;
pub mod footprint;
pub mod identity;
pub mod keyboard;
pub mod lock;
pub mod paths;
pub mod place;
pub mod process;
pub mod shell;
pub mod signals;
pub mod watch;
