//! A dependency on a thread that is not there.

use crate::diag::Diagnostic;
use std::collections::HashSet;

use crate::model::ThreadId;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P035",
    explain: "`**Depends on:**` lists ids of threads, such as `01.02.03`, that must be completed first. This \
              is no such id, or the plan has no thread of that id. Correct or remove it.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let known: HashSet<ThreadId> = facts.plan().threads().map(|thread| thread.id).collect();
    let mut found = Vec::new();
    for place in &facts.built.wrong_ids {
        let word = &facts.source[place.clone()];
        let finding =
            Diagnostic::error(RULE.code, format!("`{word}` is no id of a thread")).at(place.clone(), "");
        found.push(finding.help("write ids such as `01.02.03`, divided by commas"));
    }
    for depends in facts.plan().threads().flat_map(|thread| &thread.depends_on) {
        if !known.contains(&depends.value) {
            let message = format!("the plan has no thread {}", depends.value);
            let finding = Diagnostic::error(RULE.code, message).at(depends.span.clone(), "");
            found.push(finding.help("`work preview` lists the plan's threads with their ids"));
        }
    }
    found
}
