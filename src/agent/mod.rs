//! Backends: how we talk to coding agents. One normalized event union for all of them.
//!
//! Owns the wire formats of the agents; nothing raw leaves this room. Knows no plan, no state and no
//! supervisor. One invariant: a session's events end with exactly one `TurnEnded` per prompt.

mod backend;
pub mod opencode;

pub use backend::{
    Backend, BoxFuture, OpenRequest, PermissionReply, PromptRequest, RejoinRequest, Session, UiCommand,
};
