//! Deleting a part of the plan. What was recorded of it stays in the state.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::approve::has_history;
use super::super::status::status_of;
use super::super::{StreamHandle, Workspace};
use super::add::{Part, StateOf, needs_approval};
use super::plan_file::{self, Write};
use super::taken::{self, Change};
use super::trash::{self, Recovery};
use super::{PlanEditError, node_of_plan};
use crate::model::{NodeId, Stream, ThreadId, ThreadStatus};
use crate::plan::edit::remove;
use crate::plan::{self, Plan};

/// What was deleted, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deleted {
    /// What was named.
    pub deleted: Part,
    /// The threads that go with it.
    pub threads: Vec<Part>,
    /// How many tasks PLAN.md gives them.
    pub tasks: usize,
    /// How many lines PLAN.md loses.
    pub lines: usize,
    /// Threads that stay in tasks.json, since something is recorded of them.
    pub kept: Vec<ThreadId>,
    /// Threads that depend on what goes.
    pub dependents: Vec<ThreadId>,
    /// Whether the state knows of it.
    pub state: StateOf,
    /// Where the plan as it was can be got back.
    pub recovery: Recovery,
}

/// Deletes a stage, batch, thread or task of the plan.
///
/// # Errors
/// [`PlanEditError`]; nothing was changed then, but for what [`PlanEditError::TakeOver`] says.
pub fn delete_part(
    workspace: &Workspace,
    handle: &StreamHandle,
    kind: &'static str,
    wanted: &str,
    dry_run: bool,
) -> Result<Deleted, PlanEditError> {
    let stream = handle.store.read()?;
    let recovery = trash::of_plan(workspace, handle);
    let write = Write::unless(dry_run);
    let edited = plan_file::edit(handle, write, |source| {
        let plan = plan::read(source);
        let id = node_of_plan(&plan, &handle.id, wanted)?;
        if kind_of(id) != kind {
            return Err(PlanEditError::Level { id, wanted: kind });
        }
        let text = remove(source, id)?;
        let deleted = told(&stream, &plan, &plan::read(&text), id, source, &text, recovery);
        refuse_running(&stream, id, &deleted)?;
        if let (Write::Now, Recovery::Trash { path }) = (write, &deleted.recovery) {
            trash::keep(workspace, path, source)?;
        }
        Ok((text, (id, deleted)))
    })?;
    let (before, after, (id, deleted)) = (&edited.before, &edited.after, edited.told);
    if write == Write::Never || stream.approvals.plan.is_none() {
        return Ok(deleted);
    }
    let change = Change { before, after, edit: |text: &str| remove(text, id) };
    let now = handle.store.now();
    let changed = if let NodeId::Task(task) = id { Some(task) } else { None };
    taken::take(workspace, handle, &change, |stream, planned| {
        if let NodeId::Stage(stage) = id {
            stream.approvals.stages.remove(&stage);
        }
        taken::removed(stream, planned, &plan::read(after), changed, now)
    })?;
    Ok(deleted)
}

fn kind_of(id: NodeId) -> &'static str {
    match id {
        NodeId::Stage(_) => "stage",
        NodeId::Batch(_) => "batch",
        NodeId::Thread(_) => "thread",
        NodeId::Task(_) => "task",
    }
}

fn told(
    stream: &Stream,
    before: &Plan,
    after: &Plan,
    id: NodeId,
    source: &str,
    text: &str,
    recovery: Recovery,
) -> Deleted {
    let gone = || before.threads().filter(|thread| after.thread(thread.id).is_none());
    let count = |plan: &Plan| plan.threads().map(|thread| thread.tasks.len()).sum::<usize>();
    let depends = |on: &ThreadId| before.thread(*on).is_some() && after.thread(*on).is_none();
    let dependents = after.threads().filter(|thread| thread.depends_on.iter().any(|on| depends(&on.value)));
    let known = gone().filter_map(|planned| stream.thread(planned.id));
    let state = match (needs_approval(stream), id) {
        (StateOf::NeedsApproval, NodeId::Task(task)) if !taken::stood(stream, before, task.thread) => {
            StateOf::NeedsApproval
        }
        (StateOf::NeedsApproval, _) => StateOf::TakenOver,
        (state, _) => state,
    };
    Deleted {
        deleted: Part { id, name: name_of(before, id) },
        threads: gone()
            .map(|thread| Part { id: NodeId::Thread(thread.id), name: thread.name.value.clone() })
            .collect(),
        tasks: count(before) - count(after),
        lines: source.lines().count() - text.lines().count(),
        kept: known.filter(|thread| has_history(thread)).map(|thread| thread.id).collect(),
        dependents: dependents.map(|thread| thread.id).collect(),
        state,
        recovery,
    }
}

fn name_of(plan: &Plan, id: NodeId) -> String {
    let name = match id {
        NodeId::Stage(id) => plan.stage(id).map(|stage| &stage.name),
        NodeId::Batch(id) => plan.batch(id).map(|batch| &batch.name),
        NodeId::Thread(id) => plan.thread(id).map(|thread| &thread.name),
        NodeId::Task(id) => {
            let at = usize::from(id.number.get()) - 1;
            plan.thread(id.thread).and_then(|thread| thread.tasks.get(at)).map(|task| &task.name)
        }
    };
    name.map(|name| name.value.clone()).unwrap_or_default()
}

/// What runs goes on being told of its tasks, so nothing of it may go.
fn refuse_running(stream: &Stream, id: NodeId, deleted: &Deleted) -> Result<(), PlanEditError> {
    let meant = |thread: ThreadId| match id {
        NodeId::Task(task) => task.thread == thread,
        _ => deleted.threads.iter().any(|part| part.id == NodeId::Thread(thread)),
    };
    let running = running(stream, meant);
    if running.is_empty() { Ok(()) } else { Err(PlanEditError::Running { what: id.to_string(), running }) }
}

/// The threads that run or wait, of those that are `meant`.
pub(super) fn running(stream: &Stream, meant: impl Fn(ThreadId) -> bool) -> Vec<ThreadId> {
    let busy = |status| matches!(status, ThreadStatus::Running | ThreadStatus::Waiting);
    let threads = stream.threads.iter().filter(|thread| meant(thread.id));
    threads.filter(|thread| busy(status_of(thread))).map(|thread| thread.id).collect()
}
