//! Adding stages, batches and threads.

use crate::model::{BatchId, Ordinal, StageId};

use super::super::parse::parse;
use super::super::template;
use super::super::tree::Plan;
use super::splice::{EditError, check_name, insert_block};

/// Adds a stage behind the last one, with a placeholder for everything that has to be written.
///
/// # Errors
/// When there are 99 stages, or when the name cannot stand in a heading.
pub fn append_stage(source: &str, name: &str) -> Result<String, EditError> {
    let name = check_name(name)?;
    let plan = parse(source).plan;
    let number = after(plan.stages.iter().map(|stage| stage.number))?;
    let block = template::stage(number, name);
    let (end, block) = match (plan.stages.last(), &plan.stages_heading) {
        (Some(last), _) => (last.span.end, block),
        (None, Some(heading)) => (end_of_comments(source, heading.end), block),
        (None, None) => (source.trim_end().len(), format!("## Stages\n\n{block}")),
    };
    checked(&plan, insert_block(source, end, &block), [1, 0, 0], |plan| {
        plan.stages.iter().any(|stage| stage.number == number && stage.name.value == name)
    })
}

/// Adds a batch behind the last one of a stage.
///
/// # Errors
/// When there is no such stage, when it has 99 batches, or when the name cannot stand in a heading.
pub fn append_batch(source: &str, stage: StageId, name: &str) -> Result<String, EditError> {
    let name = check_name(name)?;
    let plan = parse(source).plan;
    let found = plan.stage(stage).ok_or_else(|| EditError::NotFound(format!("stage {stage}")))?;
    let number = after(found.batches.iter().map(|batch| batch.number))?;
    let block = template::batch(number, name);
    let (end, block) = match (found.batches.last(), &found.batches_heading) {
        (Some(last), _) => (last.span.end, block),
        (None, Some(heading)) => (heading.end, block),
        (None, None) => (found.span.end, format!("#### Stage Batches\n\n{block}")),
    };
    checked(&plan, insert_block(source, end, &block), [0, 1, 0], |plan| {
        plan.batch(stage.batch(number)).is_some_and(|batch| batch.name.value == name)
    })
}

/// Adds a thread behind the last one of a batch.
///
/// # Errors
/// When there is no such batch, when it has 99 threads, or when the name cannot stand in a heading.
pub fn append_thread(source: &str, batch: BatchId, name: &str) -> Result<String, EditError> {
    let name = check_name(name)?;
    let plan = parse(source).plan;
    let found = plan.batch(batch).ok_or_else(|| EditError::NotFound(format!("batch {batch}")))?;
    let number = after(found.threads.iter().map(|thread| thread.number))?;
    let block = template::thread(number, name, None);
    checked(&plan, insert_block(source, found.span.end, &block), [0, 0, 1], |plan| {
        plan.thread(batch.thread(number)).is_some_and(|thread| thread.name.value == name)
    })
}

/// The number behind the largest.
fn after(numbers: impl Iterator<Item = Ordinal>) -> Result<Ordinal, EditError> {
    numbers.max().map_or(Some(Ordinal::FIRST), Ordinal::next).ok_or(EditError::Full)
}

/// Guidance right below `## Stages` stays above the first stage.
fn end_of_comments(source: &str, mut end: usize) -> usize {
    loop {
        let rest = source[end..].trim_start();
        let start = source.len() - rest.len();
        match rest.strip_prefix("<!--").and_then(|rest| rest.find("-->")) {
            Some(at) => end = start + "<!--".len() + at + "-->".len(),
            None => return end,
        }
    }
}

/// Gives `edited` if it has as many more stages, batches and threads as `more` says, and the new one.
fn checked(
    before: &Plan,
    edited: String,
    more: [usize; 3],
    has_new: impl Fn(&Plan) -> bool,
) -> Result<String, EditError> {
    let counts = |plan: &Plan| [plan.stages.len(), plan.batches().count(), plan.threads().count()];
    let after = parse(&edited).plan;
    let expected: Vec<usize> = counts(before).iter().zip(more).map(|(count, more)| count + more).collect();
    if counts(&after).as_slice() == expected && has_new(&after) {
        Ok(edited)
    } else {
        Err(EditError::WouldMisread)
    }
}
