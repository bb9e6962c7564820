//! What the text of a heading says: `Stage 01: NAME`, `Batch 01: NAME`, `Thread 01: NAME`.
//!
//! Reads one heading and knows nothing of its place in the file.

use std::ops::Range;

use crate::model::Ordinal;

use super::markdown::{Heading, Style, trim};

/// The three things that have a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `### Stage NN: NAME`
    Stage,
    /// `##### Batch NN: NAME`
    Batch,
    /// `###### Thread NN: NAME`
    Thread,
}

impl Kind {
    /// The level that its heading has.
    pub(super) fn level(self) -> u8 {
        match self {
            Self::Stage => 3,
            Self::Batch => 5,
            Self::Thread => 6,
        }
    }

    /// Its word in a sentence.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Batch => "batch",
            Self::Thread => "thread",
        }
    }

    /// Its word in a heading.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Stage => "Stage",
            Self::Batch => "Batch",
            Self::Thread => "Thread",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Stage, Self::Batch, Self::Thread]
            .into_iter()
            .find(|kind| word.eq_ignore_ascii_case(kind.word()))
    }
}

/// A heading that names a stage, a batch or a thread.
#[derive(Debug, Clone)]
pub(super) struct Numbered {
    /// Which of them.
    pub(super) kind: Kind,
    /// The bytes of its number; empty when there is none.
    pub(super) digits: Range<usize>,
    /// Its number, if it is one from 1 to 99.
    pub(super) number: Option<Ordinal>,
    /// Whether a colon stands between number and name.
    pub(super) colon: bool,
    /// The bytes of its name; may be empty.
    pub(super) name: Range<usize>,
}

/// What stands between a number and a name where authors mean a colon.
const OTHER_SEPARATORS: [char; 5] = ['-', '–', '—', '.', ')'];

/// Reads `heading` as that of a stage, a batch or a thread.
///
/// At a level where such a heading does not belong, it must look exactly like one (`Batch 2: x`), so
/// that a heading such as `Batch 2 of the letters` stays text.
pub(super) fn numbered(source: &str, heading: &Heading) -> Option<Numbered> {
    let span = heading.text.clone();
    let text = &source[span.clone()];
    if text.contains('\n') {
        return None;
    }
    let word = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let kind = Kind::from_word(&text[..word])?;
    let at_home = heading.level == kind.level() && heading.style == Style::Atx;
    let rest = trim(source, span.start + word..span.end);
    let token = &source[rest.clone()];
    let token = &token[..token.find(|c: char| c.is_whitespace() || is_colon(c)).unwrap_or(token.len())];
    let token = token.trim_end_matches(OTHER_SEPARATORS);
    if !token.starts_with(|c: char| c.is_ascii_digit()) {
        let name = after_colon(source, rest.clone())?;
        let digits = rest.start..rest.start;
        return at_home.then_some(Numbered { kind, digits, number: None, colon: true, name });
    }
    let digits = rest.start..rest.start + token.len();
    let number = token.bytes().all(|b| b.is_ascii_digit()).then(|| token.parse().ok()).flatten();
    let tail = trim(source, digits.end..rest.end);
    let (colon, name) = match after_colon(source, tail.clone()) {
        Some(name) => (true, name),
        None => {
            let text = &source[tail.clone()];
            let start = tail.end - text.trim_start_matches(OTHER_SEPARATORS).len();
            (false, trim(source, start..tail.end))
        }
    };
    (at_home || colon || name.is_empty()).then(|| Numbered {
        kind,
        digits,
        number: number.and_then(Ordinal::new),
        colon,
        name,
    })
}

fn is_colon(c: char) -> bool {
    c == ':' || c == '：'
}

/// What follows the colon that `range` starts with.
fn after_colon(source: &str, range: Range<usize>) -> Option<Range<usize>> {
    let colon = source[range.clone()].chars().next().filter(|&c| is_colon(c))?;
    Some(trim(source, range.start + colon.len_utf8()..range.end))
}
