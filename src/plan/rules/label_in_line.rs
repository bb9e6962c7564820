//! A label in the middle of a line.

use crate::diag::Diagnostic;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P026",
    explain: "A label such as `**Details:**` counts only at the start of a line. This one stands behind other \
              text, and is read as part of it. If it is meant as a label, start a new paragraph with it.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let unread =
        facts.threads().flat_map(|(_, fields)| &fields.unread).filter(|unread| unread.first.is_none());
    unread
        .map(|unread| {
            Diagnostic::warning(
                RULE.code,
                format!("`{}` stands in the middle of a line", unread.label.written()),
            )
            .at(unread.mark.clone(), "read as text")
            .help("start a new paragraph with it")
        })
        .collect()
}
