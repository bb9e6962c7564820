//! Agents that speak the Agent Client Protocol over the standard streams of a child.

mod backend;

pub use backend::{Acp, AcpOptions, Limits};
