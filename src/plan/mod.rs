//! `PLAN.md`: reads it, checks it, hashes its meaning, edits it by byte span.
//!
//! Pure: takes text and gives text, knows no file and no clock. Reading never fails: it takes what is
//! there as the author probably meant it, and reports every doubt with a code and a place. One
//! invariant: every span of a [`Plan`] is a byte range of the source that it was parsed from, on
//! character boundaries.

mod build;
pub mod edit;
mod fields;
mod globs;
mod hash;
mod heading;
mod items;
mod markdown;
mod outline;
mod parse;
#[cfg(test)]
mod properties;
mod rules;
mod template;
#[cfg(test)]
mod tests;
mod tree;
mod values;

pub use globs::Paths;
pub use hash::{bytes_hash, meaning_hash, plan_hash, seal};
pub use parse::{Parsed, parse, read};
pub use rules::{PLACEHOLDER, codes, explain};
pub use template::{ThreadDraft, template};
pub use tree::{
    Plan, PlanBatch, PlanSection, PlanStage, PlanTask, PlanThread, Question, Spanned, Text, open_questions,
};
