//! Adding stages, batches and threads behind the last of their kind.

use crate::model::{BatchId, NodeId, Ordinal, StageId, ThreadId};

use super::super::markdown::skip_comments;
use super::super::parse::parse;
use super::super::template::{self, ThreadDraft};
use super::super::tree::{Plan, PlanThread};
use super::check::{same, without};
use super::splice::{EditError, Edited, check_name, insert_block};

/// Adds a stage behind the last one, with a placeholder for everything that has to be written. Its
/// number is one that neither the plan nor a thread of `kept` has.
///
/// # Errors
/// When there is a stage 99, or when the name cannot stand in a heading.
pub fn append_stage(source: &str, name: &str, kept: &[ThreadId]) -> Result<Edited<StageId>, EditError> {
    let name = check_name(name)?;
    let plan = parse(source).plan;
    let number = next_stage(&plan, kept)?;
    let placed = |name: &str| {
        place_stage(source, &plan, number, &template::stage(number, name), |after| {
            after.stage(StageId(number)).is_some_and(|stage| stage.name.value == name)
        })
    };
    placed(name).map_err(|error| blame(error, name, || placed(PLAIN).is_ok()))
}

/// A name that means nothing in Markdown.
const PLAIN: &str = "x";

/// Whose fault it is that a plan would be misread: that of the name when a plain one would do.
fn blame(error: EditError, name: &str, plain_does: impl FnOnce() -> bool) -> EditError {
    match error {
        EditError::WouldMisread if name != PLAIN && plain_does() => EditError::BadName(name.to_owned()),
        error => error,
    }
}

/// Adds a stage with one batch of these threads behind the last stage. Nothing of it is left to be written.
///
/// # Errors
/// When there is a stage 99, or when a text would be read as something else.
pub fn append_whole_stage(
    source: &str,
    name: &str,
    definition: &str,
    batch: &str,
    threads: &[ThreadDraft],
    kept: &[ThreadId],
) -> Result<Edited<StageId>, EditError> {
    let (name, batch) = (check_name(name)?, check_name(batch)?);
    let plan = parse(source).plan;
    let number = next_stage(&plan, kept)?;
    let mut block = template::whole_stage(number, name, definition, batch);
    let mut numbers = Some(Ordinal::FIRST);
    for draft in threads {
        let number = numbers.ok_or(EditError::Full)?;
        block.push_str(&format!("\n\n{}", template::thread(number, draft)));
        numbers = number.next();
    }
    place_stage(source, &plan, number, &block, |after| {
        let stage = after.stage(StageId(number));
        let found: Vec<&PlanThread> =
            stage.into_iter().flat_map(|stage| &stage.batches).flat_map(|batch| &batch.threads).collect();
        stage.is_some_and(|stage| stage.name.value == name && stage.questions.is_empty())
            && found.len() == threads.len()
            && threads.iter().zip(found).all(|(draft, found)| is_as_drafted(found, draft))
    })
}

fn next_stage(plan: &Plan, kept: &[ThreadId]) -> Result<Ordinal, EditError> {
    let kept = kept.iter().map(|thread| thread.stage().0);
    after(plan.stages.iter().map(|stage| stage.number).chain(kept))
}

fn place_stage(
    source: &str,
    plan: &Plan,
    number: Ordinal,
    block: &str,
    has_new: impl Fn(&Plan) -> bool,
) -> Result<Edited<StageId>, EditError> {
    let (end, block) = match (plan.stages.last(), &plan.stages_heading) {
        (Some(last), _) => (last.span.end, block.to_owned()),
        (None, Some(heading)) => (end_of_guidance(source, heading.end), block.to_owned()),
        (None, None) => (source.trim_end().len(), format!("## Stages\n\n{block}")),
    };
    let id = StageId(number);
    let text = checked(plan, insert_block(source, end, &block), NodeId::Stage(id), has_new)?;
    Ok(Edited { text, id })
}

/// Adds a batch behind the last one of a stage, under a number that neither the plan nor a thread of
/// `kept` has.
///
/// # Errors
/// When there is no such stage, when it has a batch 99, or when the name cannot stand in a heading.
pub fn append_batch(
    source: &str,
    stage: StageId,
    name: &str,
    kept: &[ThreadId],
) -> Result<Edited<BatchId>, EditError> {
    let name = check_name(name)?;
    let plan = parse(source).plan;
    let found = plan.stage(stage).ok_or_else(|| EditError::NotFound(format!("stage {stage}")))?;
    let kept = kept.iter().filter(|thread| thread.stage() == stage).map(|thread| thread.batch.number);
    let number = after(found.batches.iter().map(|batch| batch.number).chain(kept))?;
    let block = template::batch(number, name);
    let (end, block) = match (found.batches.last(), &found.batches_heading) {
        (Some(last), _) => (last.span.end, block),
        (None, Some(heading)) => (heading.end, block),
        (None, None) => (found.span.end, format!("#### Stage Batches\n\n{block}")),
    };
    let id = stage.batch(number);
    let text = checked(&plan, insert_block(source, end, &block), NodeId::Batch(id), |plan| {
        plan.batch(id).is_some_and(|batch| batch.name.value == name)
    });
    let plain_does = || append_batch(source, stage, PLAIN, &[]).is_ok();
    text.map(|text| Edited { text, id }).map_err(|error| blame(error, name, plain_does))
}

/// Adds a thread behind the last one of a batch, under a number that neither the plan nor a thread of
/// `kept` has. What the draft leaves open becomes a placeholder.
///
/// # Errors
/// When there is no such batch, when it has a thread 99, or when a text would be read as something else.
pub fn append_thread(
    source: &str,
    batch: BatchId,
    draft: &ThreadDraft,
    kept: &[ThreadId],
) -> Result<Edited<ThreadId>, EditError> {
    let trial = |draft: &ThreadDraft| place_thread(source, batch, draft, kept);
    trial(draft).map_err(|error| match error {
        EditError::WouldMisread if trial(&ThreadDraft::named(&draft.name)).is_ok() => EditError::BadText,
        error => blame(error, &draft.name, || trial(&ThreadDraft::named(PLAIN)).is_ok()),
    })
}

fn place_thread(
    source: &str,
    batch: BatchId,
    draft: &ThreadDraft,
    kept: &[ThreadId],
) -> Result<Edited<ThreadId>, EditError> {
    let name = check_name(&draft.name)?.to_owned();
    let tasks: Result<Vec<String>, EditError> =
        draft.tasks.iter().map(|task| check_name(task).map(str::to_owned)).collect();
    let draft = ThreadDraft { name, tasks: tasks?, ..draft.clone() };
    let plan = parse(source).plan;
    let found = plan.batch(batch).ok_or_else(|| EditError::NotFound(format!("batch {batch}")))?;
    let kept = kept.iter().filter(|thread| thread.batch == batch).map(|thread| thread.number);
    let number = after(found.threads.iter().map(|thread| thread.number).chain(kept))?;
    let block = template::thread(number, &draft);
    let id = batch.thread(number);
    let text = checked(&plan, insert_block(source, found.span.end, &block), NodeId::Thread(id), |plan| {
        plan.thread(id).is_some_and(|thread| is_as_drafted(thread, &draft))
    })?;
    Ok(Edited { text, id })
}

/// Whether a thread says what its draft said.
fn is_as_drafted(thread: &PlanThread, draft: &ThreadDraft) -> bool {
    let same = |text: &str, wanted: &Option<String>| {
        let lines =
            |text: &str| text.trim().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        wanted.as_ref().is_none_or(|wanted| lines(text) == lines(wanted))
    };
    thread.name.value == draft.name
        && same(&thread.summary, &draft.summary)
        && same(&thread.details, &draft.details)
        && thread.agent.as_ref().map(|agent| &agent.value) == draft.agent.as_ref()
        && thread.tasks.len() == draft.tasks.len()
        && thread.tasks.iter().zip(&draft.tasks).all(|(task, name)| {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            task.name.value == name && !task.done && task.details.is_empty()
        })
        && thread.paths.iter().map(|path| &path.value).eq(&draft.paths)
        && thread.verify.iter().map(|command| &command.value).eq(&draft.verify)
        && thread.depends_on.is_empty()
}

/// The number behind the largest.
fn after(numbers: impl Iterator<Item = Ordinal>) -> Result<Ordinal, EditError> {
    numbers.max().map_or(Some(Ordinal::FIRST), Ordinal::next).ok_or(EditError::Full)
}

/// Comments right below `## Stages` stay above the first stage.
fn end_of_guidance(source: &str, heading_end: usize) -> usize {
    let rest = skip_comments(source, heading_end..source.len());
    let end = if rest.is_empty() { source.len() } else { rest.start };
    heading_end + source[heading_end..end].trim_end().len()
}

/// Gives `edited` if it has the new part, and says what it said before when that is taken away.
fn checked(
    before: &Plan,
    edited: String,
    new: NodeId,
    has_new: impl Fn(&Plan) -> bool,
) -> Result<String, EditError> {
    let after = parse(&edited).plan;
    let fine = has_new(&after) && same(&without(&after, new), before);
    if fine { Ok(edited) } else { Err(EditError::WouldMisread) }
}
