//! Dependencies that lead back to where they start.

use std::collections::HashMap;

use crate::diag::Diagnostic;
use crate::model::ThreadId;

use super::super::tree::{PlanBatch, PlanThread, Spanned};
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P037",
    explain: "A thread starts when all threads that it depends on are completed. Here the dependencies lead \
              back to the thread itself, so none of them could ever start. Remove one of them.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    facts.plan().batches().flat_map(cycles).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

/// Walks the dependencies of a batch; whatever leads to a thread that is still being walked closes a circle.
/// Only within a batch can there be one: a dependency on a later batch is reported by a rule of its own.
fn cycles(batch: &PlanBatch) -> Vec<Diagnostic> {
    let index: HashMap<ThreadId, usize> =
        batch.threads.iter().enumerate().rev().map(|(at, thread)| (thread.id, at)).collect();
    let mut marks = vec![Mark::New; batch.threads.len()];
    let mut found = Vec::new();
    for start in 0..batch.threads.len() {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((thread, next)) = path.pop() {
            if next == 0 && marks[thread] != Mark::New {
                continue;
            }
            marks[thread] = Mark::Open;
            let Some(edge) = batch.threads[thread].depends_on.get(next) else {
                marks[thread] = Mark::Done;
                continue;
            };
            path.push((thread, next + 1));
            match index.get(&edge.value).map(|&to| (to, marks[to])) {
                Some((to, Mark::New)) => path.push((to, 0)),
                Some((to, Mark::Open)) => {
                    let from = path.iter().position(|(at, _)| *at == to).unwrap_or(0);
                    let members: Vec<&PlanThread> =
                        path[from..].iter().map(|(at, _)| &batch.threads[*at]).collect();
                    found.push(finding(&members, edge));
                }
                Some((_, Mark::Done)) | None => {}
            }
        }
    }
    found
}

fn finding(members: &[&PlanThread], edge: &Spanned<ThreadId>) -> Diagnostic {
    let message = if members.len() == 1 {
        format!("thread {} depends on itself", edge.value)
    } else {
        let ids: Vec<String> = members.iter().map(|thread| thread.id.to_string()).collect();
        format!("threads {} wait for each other", ids.join(", "))
    };
    let mut finding = Diagnostic::error(RULE.code, message).at(edge.span.clone(), "closes the circle");
    for thread in members.iter().take(8).filter(|_| members.len() > 1) {
        finding = finding.and_at(thread.name.span.clone(), "waits");
    }
    finding.help("remove one of the dependencies")
}
