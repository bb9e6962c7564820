//! `work/agents.yaml` and `work/config.yaml`: what a person sets once for a project.
//!
//! Reads text and gives values with diagnostics; knows no file, starts no agent, and decides nothing
//! that depends on a run. One invariant: reading never fails, and whatever is not used as it stands in
//! the file is among the diagnostics.

mod agents;
mod budget;
mod duration;
mod explain;
mod notify;
mod place;
mod reader;
mod settings;
#[cfg(test)]
mod tests;
mod yaml;

pub use agents::{Agent, Agents, DEFAULT_AGENTS, ParsedAgents, parse_agents};
pub use duration::{DurationError, duration_words, parse_duration};
pub use explain::{codes, explain};
pub use notify::Notify;
pub use place::{Launcher, Place, ServerAddress};
pub use settings::{
    Isolation, ParsedSettings, PoolSettings, Settings, Window, WorktreeSettings, parse_settings,
};
