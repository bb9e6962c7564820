//! A stage, batch or thread above `## Stages`.

use crate::diag::Diagnostic;

use super::super::outline::Doubt;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P018",
    explain: "What stands above `## Stages` is introduction. A heading there that looks like a stage, a batch \
              or a thread is read as text, and nobody runs it. If it is meant as part of the plan, move it \
              below `## Stages`; if not, word it in another way.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let doubts = facts.outline.doubts.iter().filter(|(doubt, _)| *doubt == Doubt::Early);
    doubts
        .map(|(_, heading)| {
            Diagnostic::warning(
                RULE.code,
                "a heading like that of a stage, batch or thread stands above `## Stages`",
            )
            .at(heading.span.clone(), "read as text, and not run")
            .help("move it below `## Stages`, or word it in another way")
        })
        .collect()
}
