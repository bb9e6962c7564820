//! A heading without a name.

use crate::diag::Diagnostic;

use super::super::outline::Role;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P021",
    explain: "A stage, a batch or a thread without a name shows as a bare number in every list and window, and \
              its agent is not told what it is about. Write a short name behind the colon.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for entry in &facts.outline.entries {
        let Role::Numbered(numbered) = &entry.role else { continue };
        if numbered.name.is_empty() {
            let finding =
                Diagnostic::warning(RULE.code, format!("this {} has no name", numbered.kind.word()));
            found.push(finding.at(entry.heading.clone(), "").help("write a short name behind the colon"));
        }
    }
    found
}
