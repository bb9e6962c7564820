//! A dependency on a thread of a later batch.

use crate::diag::Diagnostic;
use std::ops::Range;

use crate::model::ThreadId;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P036",
    explain: "Batches run one after another. A thread that depends on one of a later batch could never start. \
              Move one of the two threads, or remove the dependency.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for thread in facts.plan().threads() {
        for depends in thread.depends_on.iter().filter(|depends| depends.batch > thread.id.batch) {
            let message = format!("thread {} depends on {}, which runs later", thread.id, depends.value);
            let mut finding = Diagnostic::error(RULE.code, message).at(depends.span.clone(), "");
            if let Some(later) = later(facts, depends.value) {
                finding = finding.and_at(later, "runs later");
            }
            found.push(finding.help("move one of the two threads to another batch"));
        }
    }
    found
}

fn later(facts: &Facts<'_>, id: ThreadId) -> Option<Range<usize>> {
    let stage = facts.plan().stage(id.stage())?;
    let batch = stage.batches.iter().find(|batch| batch.id == id.batch)?;
    batch.threads.iter().find(|thread| thread.id == id).map(|thread| thread.heading.clone())
}
