//! A plan that gives nobody anything to do.

use crate::diag::Diagnostic;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P005",
    explain: "Agents work on threads, and this plan has none: it cannot be approved or run. Add at least one \
              stage with a batch with a thread; the template of `work create` shows how. If you did write threads, \
              other findings say why they are not seen.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    if facts.plan().threads().next().is_some() {
        return Vec::new();
    }
    let finding = Diagnostic::error(RULE.code, "the plan has no threads");
    let finding = match &facts.plan().stages_heading {
        Some(heading) => finding.at(heading.clone(), "nothing to run below"),
        None => finding,
    };
    vec![finding.help("add `### Stage 01: …`, `##### Batch 01: …` and `###### Thread 01: …`")]
}
