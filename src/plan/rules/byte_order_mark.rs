//! A byte-order mark in front of the text.

use crate::diag::Diagnostic;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P001",
    explain: "Some editors write three invisible bytes, a byte-order mark, in front of a file. Many Markdown \
              readers then do not see that the first line is a heading, and lose the title. work reads past \
              it. Save the file as UTF-8 without a mark.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    if !facts.source.starts_with('\u{feff}') {
        return Vec::new();
    }
    vec![
        Diagnostic::warning(RULE.code, "the file starts with a byte-order mark")
            .at(0..'\u{feff}'.len_utf8(), "three invisible bytes")
            .help("save the file as UTF-8 without a byte-order mark"),
    ]
}
