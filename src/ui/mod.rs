//! Everything a person sees: tables, trees, diagnostics, progress, prompts, and the reporters of turns.
//!
//! Owns the terminal; decides nothing. Sees only `model`, `diag`, and the events and reports of
//! `engine`. One invariant: nothing is said by colour alone.

mod asks;
mod cases;
mod changes;
mod choose;
mod confirm;
mod copies;
mod diagnostics;
mod grid;
mod import;
mod jobs;
mod live;
mod logs;
mod processes;
mod report;
mod review;
mod screen;
mod session;
mod spent;
mod status;
mod style;
mod tables;
mod text;
mod time;
mod tree;
mod turn;
mod why;

pub use asks::asks_text;
pub use cases::cases_table;
pub use changes::{change_text, changes_table, turn_line, worktrees_table};
pub use choose::{abandon, ask, choose};
pub use confirm::confirm;
pub use copies::copies_table;
pub use diagnostics::{render as render_diagnostics, tally};
pub use import::import_table;
pub use jobs::{job_text, jobs_table};
pub use live::LiveBatch;
pub use logs::LogPrinter;
pub use processes::processes_table;
pub use report::{HTML_MARK, MARKDOWN_MARK, report_html, report_markdown, report_summary};
pub use review::review_text;
pub use screen::{ColorChoice, Screen};
pub use session::{session_text, sessions_lines};
pub use status::{StatusView, sessions_table, status_table};
pub use style::{Style, paint};
pub use tables::{agents_table, streams_table};
pub use text::{command_line, one_line, printable};
pub use tree::{TreeNode, tree};
pub use turn::{JsonReporter, PlainReporter};
pub use why::why_text;
