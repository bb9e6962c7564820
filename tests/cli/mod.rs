//! Every command: what it prints, what it says, and how it ends.
//!
//! `SNAPSHOTS=overwrite cargo test cli` writes the snapshots anew; read them before you commit them.

mod agents;
mod answer;
mod approve;
mod arguments;
mod assign;
mod bad_agents;
mod bad_plan;
mod bad_state;
mod choosing;
mod create;
mod desk;
mod drift;
mod execute;
mod import;
mod init;
mod list;
mod logs;
mod multi;
mod places;
mod preview;
mod prompt;
mod restore;
mod show;
mod status;
mod supervisor;
mod terminal;
mod tree;
mod update;
mod use_stream;
mod validate;
mod validate_sessions;
