//! Another section below the stages.

use crate::diag::Diagnostic;

use super::super::outline::Role;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P017",
    explain: "A heading of level 1 or 2 below `## Stages` ends the stages. Other readers lose every stage \
              behind it. work still reads those, but what stands below the heading itself is not part of any \
              stage, and no agent sees it. Move the section above `## Stages`.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let entries = &facts.outline.entries;
    let start =
        entries.iter().position(|entry| matches!(entry.role, Role::Stages) || entry.role.kind().is_some());
    let last = entries.iter().rposition(|entry| entry.role.kind().is_some()).unwrap_or(0);
    let late = entries.iter().enumerate().skip(start.map_or(entries.len(), |at| at + 1));
    late.filter(|(_, entry)| {
        matches!(entry.level, 1 | 2) && entry.role.kind().is_none() && !matches!(entry.role, Role::Stages)
    })
    .map(|(index, entry)| {
        let label =
            if index < last { "the stages below it are still read" } else { "no agent sees its text" };
        Diagnostic::warning(RULE.code, "another section stands below `## Stages`")
            .at(entry.heading.clone(), label)
            .help("move the section above `## Stages`")
    })
    .collect()
}
