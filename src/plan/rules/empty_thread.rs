//! A thread that does not say what to do.

use crate::diag::Diagnostic;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P023",
    explain: "The summary, the details and the tasks of a thread are all that its agent is told. This one has \
              none of them. Write at least a `**Summary:**`.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    facts
        .plan()
        .threads()
        .filter(|thread| thread.summary.is_empty() && thread.details.is_empty() && thread.tasks.is_empty())
        .map(|thread| {
            Diagnostic::error(RULE.code, format!("thread {} has neither summary nor details", thread.id))
                .at(thread.heading.clone(), "its agent is told nothing but this")
                .help("write `**Summary:**` and `**Details:**` below the heading")
        })
        .collect()
}
