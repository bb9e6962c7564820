//! Adding a stage between others, which get new numbers where theirs is taken.

use std::ops::Range;

use crate::model::{NodeId, Ordinal, StageId, ThreadId};

use super::super::parse::parse;
use super::super::template;
use super::super::tree::{Plan, PlanStage};
use super::check::{same, without};
use super::splice::{EditError, check_name, insert_block, replace_all};

/// A plan into which a stage was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted {
    /// The text of the plan.
    pub text: String,
    /// The new stage.
    pub id: StageId,
    /// Stages that have another number now: from, to.
    pub moved: Vec<(StageId, StageId)>,
}

/// Adds a stage right behind another, under the next number. Where that is taken, the stages behind it
/// move on by one, up to the first gap: the numbers in their headings and in what depends on their
/// threads. A stage of a thread of `kept` can't move.
///
/// # Errors
/// When there is no such stage, when one that would move has a history, when there is no number left,
/// or when the name cannot stand in a heading.
pub fn insert_stage(
    source: &str,
    behind: StageId,
    name: &str,
    kept: &[ThreadId],
) -> Result<Inserted, EditError> {
    let name = check_name(name)?;
    let mut plan = parse(source).plan;
    let before = plan.stage(behind).ok_or_else(|| EditError::NotFound(format!("stage {behind}")))?;
    let end = before.span.end;
    let number = behind.0.next().ok_or(EditError::Full)?;
    let moved = moves(&plan, number, kept)?;
    let parts = renumbered(source, &plan, &moved);
    let shift: usize = parts.iter().filter(|(range, _)| range.start < end).map(|(_, new)| new.len()).sum();
    let cut: usize = parts.iter().filter(|(range, _)| range.start < end).map(|(range, _)| range.len()).sum();
    let text = insert_block(&replace_all(source, parts), end + shift - cut, &template::stage(number, name));
    let id = StageId(number);
    apply(&mut plan, &moved);
    let after = parse(&text).plan;
    let is_new = after.stage(id).is_some_and(|stage| stage.name.value == name);
    if is_new && same(&without(&after, NodeId::Stage(id)), &plan) {
        Ok(Inserted { text, id, moved })
    } else {
        Err(EditError::WouldMisread)
    }
}

/// Which stages have to move to make `number` free.
fn moves(plan: &Plan, number: Ordinal, kept: &[ThreadId]) -> Result<Vec<(StageId, StageId)>, EditError> {
    let mut moved = Vec::new();
    let mut at = number;
    loop {
        let stage = StageId(at);
        if kept.iter().any(|thread| thread.stage() == stage) {
            return Err(EditError::HasHistory(stage));
        }
        if plan.stage(stage).is_none() {
            return Ok(moved);
        }
        at = at.next().ok_or(EditError::Full)?;
        moved.push((stage, StageId(at)));
    }
}

fn target(moved: &[(StageId, StageId)], stage: StageId) -> Option<StageId> {
    moved.iter().find(|(from, _)| *from == stage).map(|(_, to)| *to)
}

/// The new numbers, each with the bytes that it stands for.
fn renumbered(source: &str, plan: &Plan, moved: &[(StageId, StageId)]) -> Vec<(Range<usize>, String)> {
    let headings = plan.stages.iter().filter_map(|stage| {
        let to = target(moved, stage.id)?;
        let digits = digits(source, stage)?;
        let width = digits.len();
        Some((digits, format!("{:0width$}", to.0.get())))
    });
    let depends = plan.threads().flat_map(|thread| &thread.depends_on).filter_map(|id| {
        let to = target(moved, id.value.stage())?;
        let text = &source[id.span.clone()];
        let end = text.find('.').unwrap_or(text.len());
        let width = end;
        Some((id.span.start..id.span.start + end, format!("{:0width$}", to.0.get())))
    });
    headings.chain(depends).collect()
}

/// The bytes of the number in the heading of a stage.
fn digits(source: &str, stage: &PlanStage) -> Option<Range<usize>> {
    let line = &source[stage.heading.clone()];
    let start = line.find(|c: char| c.is_ascii_digit())?;
    let length = line[start..].bytes().take_while(u8::is_ascii_digit).count();
    Some(stage.heading.start + start..stage.heading.start + start + length)
}

/// The plan as it is to be read with the new numbers.
fn apply(plan: &mut Plan, moved: &[(StageId, StageId)]) {
    for stage in &mut plan.stages {
        if let Some(to) = target(moved, stage.id) {
            stage.id = to;
            stage.number = to.0;
        }
        for batch in &mut stage.batches {
            batch.id.stage = stage.id;
            for thread in &mut batch.threads {
                thread.id.batch.stage = stage.id;
                for id in &mut thread.depends_on {
                    let to = target(moved, id.value.stage());
                    id.value.batch.stage = to.unwrap_or(id.value.batch.stage);
                }
            }
        }
    }
}
