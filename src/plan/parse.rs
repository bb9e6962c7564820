//! Reading a plan: scan, outline, build, check.

use crate::diag::Diagnostic;

use super::build::build;
use super::markdown::scan;
use super::outline::outline;
use super::rules::{Facts, check};
use super::tree::Plan;

/// A plan and all that was found about it, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The plan, as far as it could be read.
    pub plan: Plan,
    /// What is wrong or doubtful.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads `source` without checking it against the rules: for a plan that was approved.
#[must_use]
pub fn read(source: &str) -> Plan {
    let markdown = scan(source);
    build(source, &markdown, &outline(source, &markdown)).plan
}

/// Reads `source`, whatever it is. What could not be read as meant is among the diagnostics.
#[must_use]
pub fn parse(source: &str) -> Parsed {
    let markdown = scan(source);
    let outline = outline(source, &markdown);
    let built = build(source, &markdown, &outline);
    let facts = Facts { source, markdown: &markdown, outline: &outline, built: &built };
    let diagnostics = check(&facts);
    Parsed { plan: built.plan, diagnostics }
}
