//! Text right above a line of dashes.

use crate::diag::Diagnostic;

use super::super::markdown::Style;
use super::super::outline::Doubt;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P007",
    explain: "In Markdown a line of `-` or `=` directly below text makes that text a heading. Here it stands \
              where a divider was surely meant. Other readers cut the section there. work reads it as text and \
              a divider. Put a blank line between the text and the line below it.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let doubts = facts.outline.doubts.iter().filter(|(doubt, _)| *doubt == Doubt::Setext);
    doubts
        .filter_map(|(_, heading)| match &heading.style {
            Style::Atx => None,
            Style::Setext(line) => Some(
                Diagnostic::warning(RULE.code, "the line below this text makes it a heading in Markdown")
                    .at(line.clone(), "read as a divider")
                    .and_at(heading.text.clone(), "read as text")
                    .help("put a blank line above the divider"),
            ),
        })
        .collect()
}
