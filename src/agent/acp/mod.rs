//! Agents that speak the Agent Client Protocol: JSON-RPC lines over the standard streams of a child.
//!
//! Owns the child, its wire format, and the rule by which a turn ends. Must not know why a turn runs. One
//! invariant: only the answer to its own prompt, or the child's end, ends a turn, so that nothing of a
//! cancelled turn reaches the next.
//!
//! The few messages that we need are read by structs of our own (`wire`) and not by the protocol's crate:
//! agents differ from it and from each other (a field of another type, an update that no version knows),
//! one strange message must never cost a turn, and the crate's types cost 42 crates, a minute to compile,
//! and a new major version every few weeks.
//!
//! What the protocol can't do: words with a refusal are not carried to the agent. `work` offers no files
//! and no terminal; an agent uses its own. Where an agent lists no models, the model that it uses is its own
//! business (its `env`). Where it tells no retries, a turn that waits for one is silent. Tokens are as far
//! as it tells: opencode tells those of a turn's last step only.

mod backend;
mod child;
mod connection;
mod diff;
mod errors;
mod launch;
mod lines;
mod models;
mod permission;
mod session;
mod tools;
mod turn;
mod usage;
mod wire;

pub use backend::{Acp, AcpOptions, Limits};
pub use lines::LONGEST_LINE;
