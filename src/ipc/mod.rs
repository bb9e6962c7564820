//! The protocol between a command and the supervisor, and the command's side of it.
//!
//! Owns the messages, their framing (one JSON object a line) and where the socket lies. Runs no
//! turn. One invariant: what is sent first on a connection is a hello with a version.

mod client;
mod codec;
mod endpoint;
mod launch;
mod protocol;

pub use client::{Client, ClientError, Connection, Incoming, Listener};
pub use codec::{CodecError, LineReader, MAX_LINE, decode, encode, send};
pub use endpoint::{Endpoint, SupervisorRecord};
pub use launch::{LaunchEvent, LaunchHost, LaunchReport, Launched};
pub use protocol::{
    Asking, Checking, ClientMessage, Isolated, Notifying, PROTOCOL, Refusal, ServerMessage, SupervisorStatus,
    TurnMessage, TurnSpec, TurnSummary, UiCommand, VERSION,
};
