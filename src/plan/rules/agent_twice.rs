//! A thread with two agents, or an empty one.

use crate::diag::Diagnostic;

use super::super::fields::Label;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P028",
    explain: "A thread is given to one agent, named behind `**Agent:**` as in `work/agents.yaml`. With two \
              such lines the first one counts; with an empty one the thread has no agent. Leave one line, or \
              none, and choose when you run it: `work execute --agent NAME`.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (thread, fields) in facts.threads() {
        let mut agents = fields.all(Label::Agent);
        let Some(first) = agents.next() else { continue };
        if thread.agent.is_none() {
            let finding =
                Diagnostic::warning(RULE.code, format!("`**Agent:**` of thread {} is empty", thread.id));
            found.push(finding.at(first.mark.clone(), "").help("name an agent of `work/agents.yaml`"));
        }
        for second in agents {
            found.push(
                Diagnostic::warning(RULE.code, format!("thread {} names two agents", thread.id))
                    .at(second.mark.clone(), "not used")
                    .and_at(first.mark.clone(), "this one counts")
                    .help("leave one of them"),
            );
        }
    }
    found
}
