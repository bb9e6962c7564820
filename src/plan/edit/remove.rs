//! Taking a stage, a batch, a thread or a task out of a plan.

use std::ops::Range;

use crate::model::{NodeId, TaskId};

use super::super::markdown::{line_end, next_line};
use super::super::parse::parse;
use super::super::tree::Plan;
use super::check::{says, without};
use super::splice::{EditError, replace};
use super::task::end_of;

/// Removes a part of the plan: its lines and the blank ones below them.
///
/// # Errors
/// When there is no such part, or when it has no heading of its own.
pub fn remove(source: &str, id: NodeId) -> Result<String, EditError> {
    let plan = parse(source).plan;
    let span = span_of(source, &plan, id)?;
    says(replace(source, lines(source, span), ""), &without(&plan, id))
}

/// The bytes of a part. One that is only implied has no heading, and so no bytes of its own.
fn span_of(source: &str, plan: &Plan, id: NodeId) -> Result<Range<usize>, EditError> {
    let (heading, span) = match id {
        NodeId::Stage(id) => plan.stage(id).map(|stage| (stage.heading.clone(), stage.span.clone())),
        NodeId::Batch(id) => plan.batch(id).map(|batch| (batch.heading.clone(), batch.span.clone())),
        NodeId::Thread(id) => plan.thread(id).map(|thread| (thread.heading.clone(), thread.span.clone())),
        NodeId::Task(id) => task(source, plan, id).map(|span| (span.clone(), span)),
    }
    .ok_or_else(|| EditError::NotFound(named(id)))?;
    if heading.is_empty() { Err(EditError::WouldMisread) } else { Ok(span) }
}

/// `thread 01.02.03`.
fn named(id: NodeId) -> String {
    let kind = match id {
        NodeId::Stage(_) => "stage",
        NodeId::Batch(_) => "batch",
        NodeId::Thread(_) => "thread",
        NodeId::Task(_) => "task",
    };
    format!("{kind} {id}")
}

/// A task with all that stands below its name.
fn task(source: &str, plan: &Plan, id: TaskId) -> Option<Range<usize>> {
    let task = plan.thread(id.thread)?.tasks.get(usize::from(id.number.get()) - 1)?;
    let start = source[..task.name.span.start].rfind('\n').map_or(0, |at| at + 1);
    Some(start..end_of(task))
}

/// The whole lines of a part. Blank lines below go with it, up to what comes next; those above go where
/// nothing comes next. A task is a line of its list, and leaves blank lines alone.
fn lines(source: &str, span: Range<usize>) -> Range<usize> {
    let start = source[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let is_item = !source[span.clone()].starts_with('#');
    let mut end = next_line(source, line_end(source, span.end));
    if is_item {
        return start..end;
    }
    while end < source.len() && source[end..line_end(source, end)].trim().is_empty() {
        end = next_line(source, end);
    }
    if end < source.len() {
        return start..end;
    }
    let above = source[..start].trim_end().len();
    (if above == 0 { 0 } else { next_line(source, above) }).min(start)..end
}
