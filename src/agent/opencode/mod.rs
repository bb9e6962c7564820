//! opencode: one `opencode serve` for the repository, spoken to over HTTP, heard over SSE. One that is too
//! old for that is driven by `opencode run`.
//!
//! Owns the server's process, its routes and its events, and the rule by which a turn ends. Must not
//! know why a turn runs. One invariant: nothing that a server started outlives [`Server::stop`].

mod backend;
mod errors;
mod exit;
mod health;
mod http;
mod keeper;
mod log;
mod look;
mod message_id;
mod models;
mod parts;
mod password;
mod plugin;
mod record;
mod run;
mod server;
mod session;
mod sse;
mod sweep;
mod turn;
mod vitals;
mod wire;

pub use backend::Opencode;
pub use health::HealthLimits;
pub use password::Password;
pub use record::{ServerRecord, stop_leftover};
pub use run::{Gone, OpencodeRun, RunOptions, StartHook};
pub use server::{OLDEST, RecordHook, Server, ServerOptions, find_program};
