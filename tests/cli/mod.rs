//! Every command: what it prints, what it says, and how it ends.
//!
//! `SNAPSHOTS=overwrite cargo test cli` writes the snapshots anew; read them before you commit them.

mod agents;
mod approve;
mod assign;
mod create;
mod desk;
mod execute;
mod init;
mod list;
mod logs;
mod multi;
mod preview;
mod prompt;
mod show;
mod status;
mod supervisor;
mod tree;
mod update;
mod use_stream;
mod validate;
