//! A plan without `## Stages`.

use crate::diag::Diagnostic;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P004",
    explain: "The stages of a plan stand below the heading `## Stages`. Without it, nothing says where the \
              plan ends and the stages begin. If there are stages nonetheless, work reads them, from the first \
              heading that looks like a stage, a batch or a thread on. Add the heading above the first stage.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    if facts.plan().stages_heading.is_some() {
        return Vec::new();
    }
    let help = "add the line `## Stages` above the first stage";
    let finding = match facts.plan().stages.first() {
        Some(stage) => Diagnostic::warning(RULE.code, "there is no `## Stages` heading above the stages")
            .at(stage.heading.clone(), "the first stage"),
        None => Diagnostic::error(RULE.code, "there is no `## Stages` heading"),
    };
    vec![finding.help(help)]
}
