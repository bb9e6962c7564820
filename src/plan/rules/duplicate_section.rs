//! A section that stands twice.

use crate::diag::Diagnostic;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P019",
    explain: "A plan has one title, one `## Summary`, `## References` and `## Stages`; a stage has one \
              definition, one constitution, one list of questions and one of batches. A second `Stages`, \
              `Questions` or `Batches` is added to the first; of any other only the first is used. Join the \
              two.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let entries = &facts.outline.entries;
    facts
        .outline
        .repeated
        .iter()
        .map(|&(first, second)| {
            let name = entries[second].role.section().unwrap_or("a section");
            Diagnostic::warning(RULE.code, format!("{name} stands twice"))
                .at(entries[second].heading.clone(), "the second one")
                .and_at(entries[first].heading.clone(), "the first one")
                .help("join the two")
        })
        .collect()
}
