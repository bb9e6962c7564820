//! What the tests stand on.

pub(crate) mod acp;
pub(crate) mod acp_project;
pub(crate) mod backend;
pub(crate) mod env;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod old_opencode;
pub(crate) mod opencode;
pub(crate) mod project;
pub(crate) mod running;
pub(crate) mod scripted_model;
pub(crate) mod sshd;
pub(crate) mod streams;
pub(crate) mod terminal;
pub(crate) mod tls;
pub(crate) mod wait;
