//! Ticking a question.

use crate::model::StageId;

use super::super::parse::parse;
use super::splice::{EditError, replace};

/// Marks a question of a stage as answered, or as open again. `index` counts from 0.
///
/// # Errors
/// When there is no such stage or question.
pub fn tick_question(
    source: &str,
    stage: StageId,
    index: usize,
    answered: bool,
) -> Result<String, EditError> {
    let plan = parse(source).plan;
    let found = plan.stage(stage).ok_or_else(|| EditError::NotFound(format!("stage {stage}")))?;
    let question = found.questions.get(index).ok_or_else(|| EditError::NoQuestion {
        stage: stage.to_string(),
        count: found.questions.len(),
        number: index.saturating_add(1),
    })?;
    if question.answered == answered {
        return Ok(source.to_owned());
    }
    let mark = match (answered, question.marker.is_empty()) {
        (true, true) => "[x] ",
        (true, false) => "[x]",
        (false, _) => "[ ]",
    };
    let edited = replace(source, question.marker.clone(), mark);
    let after = parse(&edited).plan;
    let ticked = after.stage(stage).and_then(|stage| stage.questions.get(index));
    match ticked {
        Some(ticked) if ticked.answered == answered && ticked.text.value == question.text.value => Ok(edited),
        _ => Err(EditError::WouldMisread),
    }
}
