//! A thread outside of a batch, a batch outside of a stage.

use crate::diag::Diagnostic;

use super::super::heading::Kind;
use super::super::outline::Role;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P016",
    explain: "A thread belongs to a batch, and a batch to a stage. This one stands where there is none: above \
              the first, or below a heading that ended it. work makes one up with the next free number, so \
              that nothing is lost, but the plan cannot be approved like that. Add the heading of the batch or \
              stage above.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let entries = &facts.outline.entries;
    let mut found = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let Role::Implied(kind) = entry.role else { continue };
        if entry.parent.is_some_and(|parent| matches!(entries[parent].role, Role::Implied(_))) {
            continue;
        }
        let child = entries[index..].iter().find(|child| !matches!(child.role, Role::Implied(_)));
        let Some(child) = child else { continue };
        let what = child.role.kind().map_or("", Kind::word);
        let marks = "#".repeat(usize::from(kind.level()));
        found.push(
            Diagnostic::error(RULE.code, format!("this {what} stands outside of a {}", kind.word()))
                .at(child.heading.clone(), format!("read as part of {} {}", kind.word(), entry.number))
                .help(format!("put `{marks} {} {}: NAME` above it", kind.title(), entry.number)),
        );
    }
    found
}
