//! The report of a stream: what was done, by whom, how long it took, what it cost, and what is left.
//!
//! Owns the facts of `work report`, as data, and the file that they go into; how they look is `ui`'s.
//! Collecting them is pure but for asking whether owners live and folders are there. One invariant: what
//! nobody told is absent, and never a zero.

mod collect;
mod document;
mod file;
mod left;
mod taken;
#[cfg(test)]
mod tests;

pub use collect::{PlanFacts, report};
pub use document::{
    AgentReport, BatchReport, ChangedFile, Left, OpenQuestion, Report, SessionReport, Sign, Span,
    StageReport, TaskReport, ThreadReport,
};
pub use file::{Existing, ReportFileError, write_report};
pub use taken::Taken;
