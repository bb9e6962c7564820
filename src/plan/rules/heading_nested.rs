//! A heading in a list or a quote.

use crate::diag::Diagnostic;

use super::super::outline::Doubt;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P009",
    explain: "A heading that is indented below a list item, or stands behind `>`, belongs to that item or \
              quote. It looks like a stage, a batch or a thread, but is read as text. If it is meant as one, \
              move it to the start of the line; if not, all is well.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let doubts = facts.outline.doubts.iter().filter(|(doubt, _)| *doubt == Doubt::Nested);
    doubts
        .map(|(_, heading)| {
            Diagnostic::warning(RULE.code, "a heading within a list or quote is read as text")
                .at(heading.span.clone(), "part of the list or quote")
                .help("if it is meant as part of the plan, move it to the start of the line")
        })
        .collect()
}
