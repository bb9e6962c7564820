//! Bytes that no text holds.

use crate::diag::Diagnostic;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P002",
    explain: "The file holds NUL bytes. No text editor writes those: the file is damaged, is not a text file, \
              or was saved as UTF-16. Restore it from git, or save it as UTF-8.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let Some(at) = facts.source.find('\0') else { return Vec::new() };
    vec![
        Diagnostic::error(RULE.code, "the file holds NUL bytes, so it is not a text file or is damaged")
            .at(at..at + 1, "the first one")
            .help("restore the file from git, or save it as UTF-8"),
    ]
}
