//! Every command: what it prints, what it says, and how it ends.
//!
//! `SNAPSHOTS=overwrite cargo test cli` writes the snapshots anew; read them before you commit them.

mod add_batch;
mod add_stage;
mod add_task;
mod add_thread;
mod agents;
mod answer;
mod approve;
mod arguments;
mod assign;
mod bad_agents;
mod bad_plan;
mod bad_state;
mod choosing;
mod complete;
mod continue_stream;
mod create;
mod delete;
mod desk;
mod drift;
mod edit;
mod execute;
mod fix;
mod hold;
mod import;
mod init;
mod list;
mod logs;
mod multi;
mod places;
mod preview;
mod prompt;
mod restore;
mod review;
mod session;
mod show;
mod status;
mod supervisor;
mod terminal;
mod tree;
mod update;
mod use_stream;
mod validate;
mod validate_sessions;
mod why;
