//! Diagnostics as data: what is wrong in a file, where, and what to do about it.
//!
//! Owns no text of any file and draws nothing (that is `ui`). One invariant: a span is a byte range
//! of the source that the diagnostic was made from, on character boundaries.

mod located;

use std::ops::Range;

use serde::Serialize;

pub use located::{Located, Place, Position, locate};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is lost; the author may want to know.
    Note,
    /// Something is odd, and probably not meant.
    Warning,
    /// Something would be lost or go wrong.
    Error,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A place in the source, with a word on what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Label {
    /// The bytes it speaks of.
    pub span: Range<usize>,
    /// What is there; may be empty for the primary place.
    pub text: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Diagnostic {
    /// A stable code such as `P003`; `work validate --explain CODE` tells more.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line without a full stop.
    pub message: String,
    /// Where; `None` when it is about the whole file, or about something outside of it.
    pub primary: Option<Label>,
    /// Other places that matter, such as the first of two duplicates.
    pub secondary: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding without places and help.
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self { code, severity, message: message.into(), primary: None, secondary: Vec::new(), help: None }
    }

    /// An error.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// A note.
    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    /// The same, at `span`.
    #[must_use]
    pub fn at(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.primary = Some(Label { span, text: text.into() });
        self
    }

    /// The same, with another place.
    #[must_use]
    pub fn and_at(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// The same, with help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Whether one of them is an error.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// The last character boundary of `source` that is not behind `offset`.
#[must_use]
pub fn boundary(source: &str, offset: usize) -> usize {
    let mut at = offset.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The line and column of a byte offset, both from 1; the column counts characters.
#[must_use]
pub fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = &source[..boundary(source, offset)];
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

/// Where the lines of a text begin, for whoever asks for many positions in it.
#[derive(Debug)]
pub struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Looks through the text once.
    #[must_use]
    pub fn of(source: &'a str) -> Self {
        let after = source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { source, starts: std::iter::once(0).chain(after).collect() }
    }

    /// The same as [`position`].
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let at = boundary(self.source, offset);
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts[line - 1];
        (line, self.source[start..at].chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, position};

    #[test]
    fn many_positions_are_the_same_ones() {
        let source = "aé\n\nb\n🦀c";
        let lines = Lines::of(source);
        for offset in 0..=source.len() + 2 {
            assert_eq!(lines.position(offset), position(source, offset), "{offset}");
        }
        assert_eq!(Lines::of("").position(0), (1, 1));
    }

    #[test]
    fn positions_count_lines_and_characters() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("aé\nb", 3), (1, 3));
        assert_eq!(position("aé\nb", 4), (2, 1));
        assert_eq!(position("é", 1), (1, 1));
        assert_eq!(position("a", 99), (1, 2));
    }
}
