//! A stage or batch without threads.

use crate::diag::Diagnostic;
use std::ops::Range;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P022",
    explain: "Nothing happens in a stage without batches or in a batch without threads: it is passed over. Add \
              a thread, or remove the heading. Perhaps the threads are there, and another finding says why \
              they are not seen.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let plan = facts.plan();
    if plan.threads().next().is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut add = |what: &str, heading: &Range<usize>| {
        let finding =
            Diagnostic::warning(RULE.code, format!("this {what} has no threads")).at(heading.clone(), "");
        found.push(finding.help("add a thread, or remove the heading"));
    };
    for stage in &plan.stages {
        if stage.batches.is_empty() {
            add("stage", &stage.heading);
        }
        for batch in stage.batches.iter().filter(|batch| batch.threads.is_empty()) {
            add("batch", &batch.heading);
        }
    }
    found
}
