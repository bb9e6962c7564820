//! A number that is missing, zero or over 99.

use crate::diag::Diagnostic;

use super::super::outline::Role;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P013",
    explain: "Stages, batches and threads have numbers from 1 to 99, because ids such as `01.02.03` are made \
              of them. work gives this one the first number that is free, so that nothing is lost, but the \
              plan cannot be approved like that: the id might change with the next edit. Write a number from \
              01 to 99.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for entry in &facts.outline.entries {
        let Role::Numbered(numbered) = &entry.role else { continue };
        if numbered.number.is_none() {
            let word = numbered.kind.word();
            let finding = if numbered.digits.is_empty() {
                Diagnostic::error(RULE.code, format!("this {word} has no number"))
                    .at(entry.heading.clone(), "")
            } else {
                let digits = &facts.source[numbered.digits.clone()];
                Diagnostic::error(RULE.code, format!("`{digits}` is no number from 1 to 99"))
                    .at(numbered.digits.clone(), format!("read as {word} {}", entry.number))
            };
            found.push(finding.help(format!("write `{} {}: …`", numbered.kind.title(), entry.number)));
        }
    }
    found
}
