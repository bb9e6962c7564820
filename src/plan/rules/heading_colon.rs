//! A heading without the colon between number and name.

use crate::diag::Diagnostic;

use super::super::outline::Role;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P011",
    explain: "The heading of a stage, a batch or a thread is written `Stage 01: Name`. Without the colon other \
              readers do not see it, and add all below it to the part before. work reads it as if the colon \
              were there. Add the colon.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for entry in &facts.outline.entries {
        let Role::Numbered(numbered) = &entry.role else { continue };
        if !numbered.colon {
            let title = numbered.kind.title();
            let name = &facts.source[numbered.name.clone()];
            found.push(
                Diagnostic::warning(
                    RULE.code,
                    format!("there is no colon behind the number of the {}", numbered.kind.word()),
                )
                .at(entry.heading.clone(), "")
                .help(format!(
                    "write `{title} {}: {}`",
                    entry.number,
                    if name.is_empty() { "NAME" } else { name }
                )),
            );
        }
    }
    found
}
