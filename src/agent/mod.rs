//! Backends: how we talk to coding agents. One normalized event union for all of them.
//!
//! Owns the wire formats of the agents; nothing raw leaves this room. Knows no plan, no state and no
//! supervisor. One invariant: a session's events end with exactly one `TurnEnded` per prompt.

pub mod acp;
mod backend;
pub mod child;
mod near;
pub mod opencode;
mod words;

pub use backend::{
    Backend, BoxFuture, OpenRequest, PermissionReply, PromptRequest, RejoinRequest, Session, UiCommand,
};
