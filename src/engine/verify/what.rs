//! Which commands check a thread: those that were approved.

use crate::engine::drift::{Drift, thread_drift};
use crate::engine::{Workspace, approved};
use crate::model::{Stream, ThreadId};
use crate::plan::{self, PlanThread};

/// What checks a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Nothing: the plan asks for no check.
    Nothing,
    /// These commands, in order; never none.
    Commands(Vec<String>),
    /// Nobody can tell: the thread was changed after it was approved, and no copy of what was approved is there.
    Changed(Drift),
}

/// What checks a thread as it was approved. `planned` is the thread in the plan as it is now; where that differs
/// from what was approved, the private copy of the approved text counts, and without it nothing does.
#[must_use]
pub fn what(workspace: &Workspace, stream: &Stream, planned: &PlanThread) -> What {
    let Some(drift) = thread_drift(stream, planned) else { return of(planned) };
    match approved_thread(workspace, stream, planned.id) {
        Some(approved) => of(&approved),
        None => What::Changed(drift),
    }
}

fn of(planned: &PlanThread) -> What {
    let commands: Vec<String> = planned.verify.iter().map(|command| command.value.clone()).collect();
    if commands.is_empty() { What::Nothing } else { What::Commands(commands) }
}

fn approved_thread(workspace: &Workspace, stream: &Stream, id: ThreadId) -> Option<PlanThread> {
    let copy = approved::copy(workspace, &stream.id)?;
    if !approved::is_approved(stream, &copy) {
        return None;
    }
    plan::read(&copy).thread(id).cloned()
}
