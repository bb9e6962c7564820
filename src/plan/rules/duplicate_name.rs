//! Two threads of one name in a batch.

use crate::diag::Diagnostic;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::super::tree::PlanThread;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P029",
    explain: "Two threads of a batch have the same name. Their ids differ, so work does not confuse them, but \
              people will, and the state of a plan that is renumbered is matched by name. Give one of them \
              another name.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for batch in facts.plan().batches() {
        let mut seen: HashMap<String, &PlanThread> = HashMap::new();
        for thread in batch.threads.iter().filter(|thread| !thread.name.is_empty()) {
            match seen.entry(thread.name.to_lowercase()) {
                Entry::Vacant(place) => {
                    place.insert(thread);
                }
                Entry::Occupied(first) => found.push(
                    Diagnostic::warning(
                        RULE.code,
                        format!("two threads of batch {} have one name", batch.id),
                    )
                    .at(thread.name.span.clone(), "the second one")
                    .and_at(first.get().name.span.clone(), "the first one")
                    .help("give one of them another name"),
                ),
            }
        }
    }
    found
}
