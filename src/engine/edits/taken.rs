//! The state's part of an edit: what is taken over at once, and what stays approved by it.

use super::super::approve::{ApproveError, let_go, take_over, task_has_history};
use super::super::drift::{drift, seal};
use super::super::{StreamHandle, Workspace, approved};
use super::PlanEditError;
use super::add::{Moved, StateOf};
use super::plan_file::Write;
use crate::model::{NodeId, Ordinal, StageId, Stream, Task, TaskId, ThreadId};
use crate::plan::edit::{EditError, append_task, insert_stage, remove};
use crate::plan::{self, Plan, meaning_hash};
use crate::store::Store;

/// The plan before and after an edit, and the edit itself.
pub(super) struct Change<'a, E: Fn(&str) -> Result<String, EditError>> {
    /// The text before.
    pub(super) before: &'a str,
    /// The text after.
    pub(super) after: &'a str,
    /// What was done, to be done to the text that was approved as well.
    pub(super) edit: E,
}

/// Changes the state as `take` says, if the plan is approved. The edit becomes part of what was approved.
pub(super) fn take<T, E: Fn(&str) -> Result<String, EditError>>(
    workspace: &Workspace,
    handle: &StreamHandle,
    change: &Change<'_, E>,
    take: impl FnOnce(&mut Stream, &Plan) -> Result<T, ApproveError>,
) -> Result<T, PlanEditError> {
    let (before, after) = (plan::read(change.before), plan::read(change.after));
    let copy = approved::copy(workspace, &handle.id);
    let (told, text) = handle.store.transact(|stream| {
        // What was approved is the plan as it was, or else the copy of an older one.
        let candidates = [Some(change.before), copy.as_deref()];
        let base = candidates.into_iter().flatten().find(|text| approved::is_approved(stream, text));
        let text = base.and_then(|base| (change.edit)(base).ok());
        let told = take(stream, &before)?;
        let is_settled = drift(stream, &after).is_empty();
        let fresh_seal = is_settled.then(|| seal(stream, change.after));
        if let Some(approval) = &mut stream.approvals.plan {
            if let Some(text) = &text {
                approval.hash = Some(plan::plan_hash(&plan::read(text)));
            }
            approval.seal = fresh_seal.or(approval.seal.take());
        }
        Ok::<_, ApproveError>((told, text))
    })?;
    if let Some(text) = text {
        approved::keep(workspace, &handle.id, &text);
    }
    Ok(told)
}

/// A thread got a task: if it was approved as it stood, it is approved as it stands now.
pub(super) fn task_added(
    workspace: &Workspace,
    handle: &StreamHandle,
    before: &str,
    after: &str,
    id: ThreadId,
    name: &str,
    write: Write,
) -> Result<StateOf, PlanEditError> {
    if let Some(state) = decided(&handle.store, before, id, write)? {
        return Ok(state);
    }
    let change = Change { before, after, edit: |text: &str| append_task(text, id, name) };
    let now = handle.store.now();
    take(workspace, handle, &change, |stream, planned| {
        if stood(stream, planned, id) {
            // A thread without tasks has one of its own, which must not become the new one.
            let own = planned.thread(id).filter(|thread| thread.tasks.is_empty());
            let aside = own.and_then(|thread| pull(stream, thread.id.task(Ordinal::FIRST)));
            take_over(stream, &plan::read(after), id, now)?;
            put_back(stream, aside)?;
            return Ok(StateOf::TakenOver);
        }
        Ok(StateOf::NeedsApproval)
    })
}

/// Stages moved on to make room for a new one, and their threads keep what is known of them. What was
/// approved stays so; the new stage was not.
pub(super) fn stages_moved(
    workspace: &Workspace,
    handle: &StreamHandle,
    before: &str,
    after: &str,
    (new, name): (StageId, &str),
    moved: &[Moved],
) -> Result<(), PlanEditError> {
    let edit = |text: &str| {
        let behind = Ordinal::new(u64::from(new.0.get()) - 1).ok_or(EditError::WouldMisread)?;
        let inserted = insert_stage(text, StageId(behind), name, &[])?;
        remove(&inserted.text, NodeId::Stage(inserted.id))
    };
    let to = |stage: StageId| moved.iter().find(|moved| moved.from == stage).map_or(stage, |moved| moved.to);
    let now_planned = plan::read(after);
    take(workspace, handle, &Change { before, after, edit }, |stream, planned| {
        let stood: Vec<ThreadId> =
            stream.threads.iter().map(|thread| thread.id).filter(|id| stood(stream, planned, *id)).collect();
        for thread in stream.threads.iter_mut().filter(|thread| thread.in_plan) {
            let was_approved = stood.contains(&thread.id);
            thread.id.batch.stage = to(thread.id.stage());
            thread.tasks.iter_mut().for_each(|task| task.id.thread = thread.id);
            if let Some(planned) = now_planned.thread(thread.id).filter(|_| was_approved) {
                // What it depends on may have another number as well.
                thread.plan_hash = Some(meaning_hash(planned));
            }
        }
        stream.threads.sort_by_key(|thread| thread.id);
        let approvals = std::mem::take(&mut stream.approvals.stages);
        stream.approvals.stages = approvals.into_iter().map(|(stage, given)| (to(stage), given)).collect();
        Ok(())
    })
}

/// What can be told without changing the state.
fn decided(
    store: &Store,
    before: &str,
    id: ThreadId,
    write: Write,
) -> Result<Option<StateOf>, PlanEditError> {
    let stream = store.read()?;
    Ok(match (stream.approvals.plan.is_some(), stood(&stream, &plan::read(before), id), write) {
        (false, ..) => Some(StateOf::NotApproved),
        (true, false, _) => Some(StateOf::NeedsApproval),
        (true, true, Write::Never) => Some(StateOf::TakenOver),
        (true, true, Write::Now) => None,
    })
}

/// Whether a thread stands in the plan as it was approved.
pub(super) fn stood(stream: &Stream, plan: &Plan, id: ThreadId) -> bool {
    let hash = plan.thread(id).map(meaning_hash);
    let known = stream.thread(id).filter(|thread| thread.in_plan);
    hash.is_some() && known.is_some_and(|thread| thread.plan_hash == hash)
}

/// Threads left the plan, or one of them lost a task.
pub(super) fn removed(
    stream: &mut Stream,
    before: &Plan,
    after: &Plan,
    task: Option<TaskId>,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), ApproveError> {
    let gone: Vec<ThreadId> =
        before.threads().map(|thread| thread.id).filter(|id| after.thread(*id).is_none()).collect();
    if let Some(task) = task.filter(|task| stood(stream, before, task.thread)) {
        // Another task takes its number, and must not take what was done under it.
        let aside = pull(stream, task);
        take_over(stream, after, task.thread, now)?;
        put_back(stream, aside)?;
    }
    let_go(stream, &gone);
    Ok(())
}

/// Takes a task out of the state.
fn pull(stream: &mut Stream, id: TaskId) -> Option<Task> {
    let tasks = &mut stream.thread_mut(id.thread)?.tasks;
    let at = tasks.iter().position(|task| task.id == id)?;
    Some(tasks.remove(at))
}

/// Puts a task behind the others, if something is recorded of it.
fn put_back(stream: &mut Stream, task: Option<Task>) -> Result<(), ApproveError> {
    let Some(task) = task.filter(task_has_history) else { return Ok(()) };
    let thread = task.id.thread;
    let Some(known) = stream.thread_mut(thread) else { return Ok(()) };
    let last = known.tasks.iter().map(|task| task.id.number).max();
    let number = last.map_or(Some(Ordinal::FIRST), Ordinal::next);
    let number = number.ok_or(ApproveError::TooManyTasks(thread))?;
    known.tasks.push(Task { id: thread.task(number), ..task });
    Ok(())
}
