//! What is meant, in the plan as it is now: ids in any spelling, and unique names of threads.

use super::super::ResolveError;
use super::super::resolve::similar;
use crate::model::{BatchId, NodeId, StageId, StreamId, ThreadId};
use crate::plan::{Plan, PlanThread};

fn unknown(stream: &StreamId, kind: &'static str, wanted: &str, known: Vec<String>) -> ResolveError {
    let canonical = wanted.parse().map_or_else(|_| wanted.to_owned(), |id: NodeId| id.to_string());
    let similar = similar(&canonical, known.iter().map(String::as_str));
    ResolveError::Unknown { kind, wanted: wanted.to_owned(), stream: stream.to_string(), similar, known }
}

/// A stage of the plan.
pub(super) fn stage(plan: &Plan, stream: &StreamId, wanted: &str) -> Result<StageId, ResolveError> {
    wanted.parse().ok().filter(|id| plan.stage(*id).is_some()).ok_or_else(|| {
        unknown(stream, "stage", wanted, plan.stages.iter().map(|stage| stage.id.to_string()).collect())
    })
}

/// A batch of the plan.
pub(super) fn batch(plan: &Plan, stream: &StreamId, wanted: &str) -> Result<BatchId, ResolveError> {
    wanted.parse().ok().filter(|id| plan.batch(*id).is_some()).ok_or_else(|| {
        unknown(stream, "batch", wanted, plan.batches().map(|batch| batch.id.to_string()).collect())
    })
}

/// A thread of the plan, by its id or its unique name.
pub(super) fn thread(plan: &Plan, stream: &StreamId, wanted: &str) -> Result<ThreadId, ResolveError> {
    if let Some(thread) = wanted.parse().ok().and_then(|id| plan.thread(id)) {
        return Ok(thread.id);
    }
    let named: Vec<&PlanThread> =
        plan.threads().filter(|thread| thread.name.value.eq_ignore_ascii_case(wanted)).collect();
    match named[..] {
        [only] => Ok(only.id),
        [] => {
            let known = plan.threads().map(|thread| thread.id.to_string()).collect();
            Err(unknown(stream, "thread", wanted, known))
        }
        _ => {
            let fitting = named.iter().map(|thread| thread.id).collect();
            Err(ResolveError::Ambiguous { wanted: wanted.to_owned(), fitting })
        }
    }
}

/// Anything in the plan by its id; threads also by their unique name.
///
/// # Errors
/// [`ResolveError`].
pub fn node_of_plan(plan: &Plan, stream: &StreamId, wanted: &str) -> Result<NodeId, ResolveError> {
    match wanted.parse() {
        Ok(NodeId::Stage(_)) => stage(plan, stream, wanted).map(NodeId::Stage),
        Ok(NodeId::Batch(_)) => batch(plan, stream, wanted).map(NodeId::Batch),
        Ok(NodeId::Task(id)) => {
            let at = usize::from(id.number.get());
            match plan.thread(id.thread) {
                Some(thread) if at <= thread.tasks.len() => Ok(NodeId::Task(id)),
                found => {
                    let count = found.map_or(0, |thread| thread.tasks.len());
                    let numbers = (1..=count).map(|number| format!("{}.{number:02}", id.thread));
                    Err(unknown(stream, "task", wanted, numbers.collect()))
                }
            }
        }
        Ok(NodeId::Thread(_)) | Err(_) => thread(plan, stream, wanted).map(NodeId::Thread),
    }
}
