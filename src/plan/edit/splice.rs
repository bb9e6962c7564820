//! What all edits share: why one is refused, and how text is put between text.

use std::ops::Range;

use crate::model::{IdError, StageId};

/// Why a plan was not edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is no such stage, batch or thread.
    #[error("the plan has no {0}")]
    NotFound(String),
    /// The stage has fewer questions.
    #[error("stage {stage} has {count} questions, so there is no question {number}")]
    NoQuestion {
        /// The stage.
        stage: String,
        /// How many it has.
        count: usize,
        /// The number that was asked for, from 1.
        number: usize,
    },
    /// The number after the last one would be 100.
    #[error("there are 99 of them, which is the most")]
    Full,
    /// A name that does not fit on the line of a heading or label.
    #[error("`{0}` is no name that can stand in a plan")]
    BadName(String),
    /// A text with a heading, a label or an open code block.
    #[error("the new text holds something that a plan takes for a heading, a label or a box")]
    BadText,
    /// The plan is written in a way in which the new text would be read as something else.
    #[error("the plan is written in a way that would take the new text for something else")]
    WouldMisread,
    /// A stage whose number can't change, since something is recorded under it.
    #[error("stage {0} would get another number, and it has a history under this one")]
    HasHistory(StageId),
    /// A text that should be an id is none.
    #[error(transparent)]
    Id(#[from] IdError),
}

/// A plan to which something was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited<T> {
    /// The text of the plan.
    pub text: String,
    /// What was added.
    pub id: T,
}

/// Whether `name` can stand on one line.
pub(super) fn check_name(name: &str) -> Result<&str, EditError> {
    let trimmed = name.trim();
    if trimmed.is_empty() || trimmed.chars().any(char::is_control) {
        let shown: Vec<&str> = trimmed.split(char::is_control).filter(|part| !part.is_empty()).collect();
        return Err(EditError::BadName(shown.join(" ")));
    }
    Ok(trimmed)
}

/// `source` with `text` in the place of `range`.
pub(super) fn replace(source: &str, range: Range<usize>, text: &str) -> String {
    format!("{}{text}{}", &source[..range.start], &source[range.end..])
}

/// `source` with each text in the place of its range. The ranges do not overlap.
pub(super) fn replace_all(source: &str, mut parts: Vec<(Range<usize>, String)>) -> String {
    parts.sort_by_key(|(range, _)| range.start);
    parts.iter().rev().fold(source.to_owned(), |text, (range, new)| replace(&text, range.clone(), new))
}

/// `source` with `block` as a paragraph of its own right behind `end`, with the line endings of the file.
pub(super) fn insert_block(source: &str, end: usize, block: &str) -> String {
    let newline = newline(source);
    let block = block.replace('\n', newline);
    let before = if end == 0 { "" } else { newline };
    let gap = if end == 0 { "" } else { newline };
    let rest = &source[end..];
    let after = match rest.trim_start_matches([' ', '\t', '\r']) {
        "" => newline.to_owned(),
        text if text.trim().is_empty() => String::new(),
        text if text.starts_with('\n') && blank_next(text) => String::new(),
        text if text.starts_with('\n') => newline.to_owned(),
        _ => newline.repeat(2),
    };
    format!("{}{before}{gap}{block}{after}{rest}", &source[..end])
}

/// Whether the line behind this line break is blank.
fn blank_next(text: &str) -> bool {
    text[1..].split('\n').next().is_none_or(|line| line.trim().is_empty())
}

/// The line ending of the first line.
pub(super) fn newline(source: &str) -> &'static str {
    match source.find('\n') {
        Some(at) if source[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}
