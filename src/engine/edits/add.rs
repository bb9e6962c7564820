//! New stages, batches, threads and tasks.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::approve::has_history;
use super::super::{StreamHandle, Workspace};
use super::plan_file::{Write, edit};
use super::{PlanEditError, resolve, taken};
use crate::model::{AgentName, NodeId, StageId, Stream, ThreadId};
use crate::plan::edit::{append_batch, append_stage, append_task, append_thread, insert_stage};
use crate::plan::{self, Plan, ThreadDraft};

/// Whether the state knows what the plan now has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateOf {
    /// The plan was never approved, so there is nothing to compare with.
    NotApproved,
    /// It does, and it may run.
    TakenOver,
    /// It does not: the plan has to be approved again.
    NeedsApproval,
}

/// Something that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Part {
    /// Its id.
    pub id: NodeId,
    /// Its name.
    pub name: String,
}

/// A stage that got another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Moved {
    /// The number it had.
    pub from: StageId,
    /// The number it has.
    pub to: StageId,
}

/// What was added to the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Added {
    /// The new parts, the outermost first.
    pub added: Vec<Part>,
    /// Stages that moved on to make room.
    pub moved: Vec<Moved>,
    /// Whether the state knows of it.
    pub state: StateOf,
    /// The text that was added to PLAN.md.
    pub text: String,
}

/// Who edits the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A person, whose word counts as an approval of what they add.
    Person,
    /// An agent, who can't approve.
    Agent,
}

/// A thread to add.
#[derive(Debug, Clone, Default)]
pub struct NewThread {
    /// The batch, as it was typed.
    pub batch: String,
    /// What it is to say.
    pub draft: ThreadDraft,
}

/// Threads whose numbers must not be given to others.
pub(super) fn kept(stream: &Stream) -> Vec<ThreadId> {
    stream.threads.iter().filter(|thread| has_history(thread)).map(|thread| thread.id).collect()
}

pub(super) fn needs_approval(stream: &Stream) -> StateOf {
    if stream.approvals.plan.is_some() { StateOf::NeedsApproval } else { StateOf::NotApproved }
}

/// Adds a stage: behind the last one, or behind the one that `after` names, where those that follow move on.
///
/// # Errors
/// [`PlanEditError`]; nothing was changed then.
pub fn add_stage(
    workspace: &Workspace,
    handle: &StreamHandle,
    name: &str,
    after: Option<&str>,
    dry_run: bool,
) -> Result<Added, PlanEditError> {
    let stream = handle.store.read()?;
    let kept = kept(&stream);
    let write = Write::unless(dry_run);
    let edited = edit(handle, write, |source| {
        let Some(behind) = after else {
            let new = append_stage(source, name, &kept)?;
            return Ok((new.text, (new.id, Vec::new())));
        };
        let behind = resolve::stage(&plan::read(source), &handle.id, behind)?;
        let new = insert_stage(source, behind, name, &kept)?;
        let moved = new.moved.into_iter().map(|(from, to)| Moved { from, to }).collect();
        Ok((new.text, (new.id, moved)))
    })?;
    let (id, moved) = edited.told;
    if !moved.is_empty() && write == Write::Now && stream.approvals.plan.is_some() {
        taken::stages_moved(workspace, handle, &edited.before, &edited.after, (id, name), &moved)?;
    }
    let part = |plan: &Plan| plan.stage(id).map(|stage| (stage.name.value.clone(), stage.span.clone()));
    Ok(Added { moved, ..told(&stream, &edited.after, NodeId::Stage(id), part) })
}

/// Adds a batch behind the last one of a stage.
///
/// # Errors
/// [`PlanEditError`]; nothing was changed then.
pub fn add_batch(
    handle: &StreamHandle,
    stage: &str,
    name: &str,
    dry_run: bool,
) -> Result<Added, PlanEditError> {
    let stream = handle.store.read()?;
    let kept = kept(&stream);
    let edited = edit(handle, Write::unless(dry_run), |source| {
        let stage = resolve::stage(&plan::read(source), &handle.id, stage)?;
        let new = append_batch(source, stage, name, &kept)?;
        Ok((new.text, new.id))
    })?;
    let id = edited.told;
    let part = |plan: &Plan| plan.batch(id).map(|batch| (batch.name.value.clone(), batch.span.clone()));
    Ok(told(&stream, &edited.after, NodeId::Batch(id), part))
}

/// Adds a thread behind the last one of a batch.
///
/// # Errors
/// [`PlanEditError`]; nothing was changed then.
pub fn add_thread(handle: &StreamHandle, new: &NewThread, dry_run: bool) -> Result<Added, PlanEditError> {
    let stream = handle.store.read()?;
    let kept = kept(&stream);
    let edited = edit(handle, Write::unless(dry_run), |source| {
        let batch = resolve::batch(&plan::read(source), &handle.id, &new.batch)?;
        let added = append_thread(source, batch, &new.draft, &kept)?;
        Ok((added.text, added.id))
    })?;
    let id = edited.told;
    let part = |plan: &Plan| plan.thread(id).map(|thread| (thread.name.value.clone(), thread.span.clone()));
    Ok(told(&stream, &edited.after, NodeId::Thread(id), part))
}

/// Adds a task to a thread. A thread that was approved as it stands stays approved, and the state gets the
/// task, when a person adds it.
///
/// # Errors
/// [`PlanEditError`].
pub fn add_task(
    workspace: &Workspace,
    handle: &StreamHandle,
    (thread, name): (&str, &str),
    who: Who,
    dry_run: bool,
) -> Result<Added, PlanEditError> {
    let stream = handle.store.read()?;
    let write = Write::unless(dry_run);
    let edited = edit(handle, write, |source| {
        let id = resolve::thread(&plan::read(source), &handle.id, thread)?;
        Ok((append_task(source, id, name)?, id))
    })?;
    let id = edited.told;
    let (before, after) = (&edited.before, &edited.after);
    let state = match who {
        Who::Agent => needs_approval(&stream),
        Who::Person => taken::task_added(workspace, handle, before, after, id, name, write)?,
    };
    let count = plan::read(after).thread(id).map_or(0, |thread| thread.tasks.len());
    let task = format!("{id}.{count:02}").parse()?;
    let mut added = told(&stream, after, NodeId::Task(task), |plan| {
        let task = plan.thread(id)?.tasks.last()?;
        Some((task.name.value.clone(), new_lines(before, after)))
    });
    added.state = state;
    Ok(added)
}

/// What there is to tell of a new part, whose name and place `find` gives.
pub(super) fn told(
    stream: &Stream,
    after: &str,
    id: NodeId,
    find: impl Fn(&Plan) -> Option<(String, Range<usize>)>,
) -> Added {
    let (name, span) = find(&plan::read(after)).unwrap_or_default();
    let text = after[span].trim_matches(['\n', '\r']).to_owned();
    Added { added: vec![Part { id, name }], moved: Vec::new(), state: needs_approval(stream), text }
}

/// The place of what was put into a text: whole lines of it.
fn new_lines(before: &str, after: &str) -> Range<usize> {
    let front = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let (mut start, mut end) = (front, (front + after.len()).saturating_sub(before.len()));
    // Where the text goes on as the new one began, the new one may as well stand further up.
    let bytes = after.as_bytes();
    while start > 0 && end > start && bytes[start - 1] != b'\n' && bytes[start - 1] == bytes[end - 1] {
        (start, end) = (start - 1, end - 1);
    }
    let is_whole = after.is_char_boundary(start) && after.is_char_boundary(end);
    if is_whole { start..end } else { 0..0 }
}

impl NewThread {
    /// A thread of this name in that batch.
    #[must_use]
    pub fn named(batch: &str, name: &str, agent: Option<AgentName>) -> Self {
        Self { batch: batch.to_owned(), draft: ThreadDraft { agent, ..ThreadDraft::named(name) } }
    }
}
