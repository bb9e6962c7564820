//! A heading with too many or too few `#`.

use crate::diag::Diagnostic;

use super::super::outline::Role;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P010",
    explain: "Stages are headings of level 3 (`### Stage 01: Name`), batches of level 5 (`##### Batch 01: \
              Name`), threads of level 6 (`###### Thread 01: Name`), and they stand below `## Stages`. work \
              reads this heading as what it says, whatever its level; other readers of the file may not. Write \
              as many `#` as the help tells.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for entry in &facts.outline.entries {
        let (what, level) = match &entry.role {
            Role::Numbered(numbered) => (numbered.kind.word(), numbered.kind.level()),
            Role::Stages => ("`Stages`", 2),
            _ => continue,
        };
        if entry.level != level {
            let message =
                format!("the heading of a {what} has level {level}, this one has level {}", entry.level);
            let message = message.replace("of a `", "of `");
            let marks = "#".repeat(usize::from(level));
            let finding = Diagnostic::warning(RULE.code, message).at(entry.heading.clone(), "");
            found.push(finding.help(format!("write `{marks} {}`", &facts.source[entry.title.clone()])));
        }
    }
    found
}
