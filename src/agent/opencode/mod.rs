//! opencode: one `opencode serve` for the repository, spoken to over HTTP, heard over SSE. One that is too
//! old for that is driven by `opencode run`.
//!
//! Owns the server's process, its routes and its events, and the rule by which a turn ends. Must not
//! know why a turn runs. One invariant: nothing that a server started outlives [`Server::stop`].

mod backend;
mod errors;
mod exit;
mod health;
mod host;
mod http;
mod keeper;
mod look;
mod message_id;
mod models;
mod parts;
mod plugin;
mod ready;
mod run;
mod server;
mod session;
mod sse;
mod start;
mod turn;
mod vitals;
mod wire;

pub use backend::Opencode;

pub use super::child::{Gone, Password, ServerRecord, StartHook, stop_leftover};
pub use health::HealthLimits;
pub use run::{OpencodeRun, RunOptions};
pub use server::{OLDEST, RecordHook, Server, ServerOptions, find_program};
