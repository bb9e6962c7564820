//! The command line: one file a command, and nothing in them that another front would need again.
//!
//! Owns the words of the command line, its exit codes, and how an error is told. One invariant:
//! everything that a command does, it does through `engine`, `supervisor` and `ui`.

mod add_batch;
mod add_stage;
mod add_task;
mod add_thread;
mod added;
mod agents;
mod answer;
mod approve;
mod asking;
mod assign;
mod batch;
mod cli;
mod complete;
mod connect;
mod context;
mod continue_stream;
mod copies;
mod create;
mod delete;
mod deleted;
mod edit;
mod execute;
mod exit;
mod failed;
mod fix;
mod fix_ask;
mod fix_run;
mod headless;
mod hold;
mod how;
mod import;
mod init;
mod jobs;
mod jobs_cancel;
mod jobs_logs;
mod jobs_wait;
mod list;
mod logs;
mod multi;
mod preview;
mod prompt;
mod report;
mod review;
mod run;
mod schemas;
mod session;
mod session_attach;
mod session_cancel;
mod show;
mod status;
mod supervisor;
mod tree;
mod turn;
mod unhold;
mod update;
mod use_stream;
mod validate;
mod why;

pub use cli::Cli;
pub use exit::Exit;
pub use run::main;
pub use schemas::schemas;
