//! Threads and tasks: what contradicts itself, the plan or the agents.

use std::collections::HashSet;

use serde_json::Value;

use super::Checked;
use crate::diag::Diagnostic;
use crate::engine::{spot, status};

/// Adds what is odd.
pub(super) fn check(state: &Checked<'_>, found: &mut Vec<Diagnostic>) {
    let mut threads = HashSet::new();
    for thread in &state.stream.threads {
        let id = thread.id;
        let open = !status::status_of(thread).is_settled();
        if let Some(agent) = thread.agent.as_ref().filter(|agent| open && !state.knows(agent)) {
            let message = format!("thread {id} is assigned to `{agent}`, which agents.yaml does not have");
            let finding = Diagnostic::warning("S002", message);
            let finding = finding.help(format!("`work assign --thread {id} --agent NAME`"));
            found.push(state.at_thread(finding, thread));
        }
        if !thread.in_plan {
            let message =
                format!("thread {id} `{}` is kept for its history; the plan has it no more", thread.name);
            found.push(state.at_thread(Diagnostic::note("S005", message), thread));
        }
        if !threads.insert(id) {
            found.push(second(state, "thread", &id.to_string()));
        }
        let mut tasks = HashSet::new();
        for task in &thread.tasks {
            if !tasks.insert(task.id) {
                found.push(second(state, "task", &task.id.to_string()));
            }
            if task.id.thread != id {
                let message =
                    format!("task {} stands in thread {id}, which its id does not belong to", task.id);
                let finding = Diagnostic::error("T103", message).help("move it, or correct its id");
                found.push(match spot::text(state.source, "id", &task.id.to_string(), 0) {
                    Some(span) => finding.at(span, ""),
                    None => finding,
                });
            }
        }
    }
    unplaced(state, found);
    unapproved(state, found);
}

/// The second one of an id.
fn second(state: &Checked<'_>, what: &str, id: &str) -> Diagnostic {
    let finding = Diagnostic::error("T105", format!("{what} {id} is there twice"))
        .help("bring them together in tasks.json, or restore an earlier copy: `work validate --restore`");
    let first = spot::text(state.source, "id", id, 0);
    let after = first.as_ref().map_or(0, |span| span.end);
    match (first, spot::text(state.source, "id", id, after)) {
        (Some(first), Some(second)) => finding.at(second, "the second one").and_at(first, "the first one"),
        _ => finding,
    }
}

fn unplaced(state: &Checked<'_>, found: &mut Vec<Diagnostic>) {
    for (key, what) in [("unplacedTasks", "task(s)"), ("unplacedThreads", "record(s)")] {
        let count = state.stream.extra.get(key).and_then(Value::as_array).map_or(0, Vec::len);
        if count > 0 {
            let message = format!("{count} {what} of an older tool without a thread, kept in `{key}`");
            let finding = Diagnostic::warning("T104", message);
            found.push(match spot::named(state.source, &format!("`{key}`")) {
                Some(span) => finding.at(span, ""),
                None => finding,
            });
        }
    }
}

/// A state of threads beside a plan that nobody approved: of an approved one, drift tells.
fn unapproved(state: &Checked<'_>, found: &mut Vec<Diagnostic>) {
    let Some(plan) = state.plan.filter(|_| state.stream.approvals.plan.is_none()) else { return };
    for thread in state.stream.threads.iter().filter(|thread| thread.in_plan) {
        let message = match plan.thread(thread.id) {
            None => format!("thread {} `{}` is not in the plan", thread.id, thread.name),
            Some(planned) if planned.name.value != thread.name && !thread.name.is_empty() => {
                format!(
                    "thread {} `{}` is called `{}` in the plan",
                    thread.id, thread.name, planned.name.value
                )
            }
            Some(_) => continue,
        };
        found.push(state.at_thread(Diagnostic::warning("T106", message), thread));
    }
}
