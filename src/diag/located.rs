//! Diagnostics with lines and columns, for programs that read them as JSON.

use std::ops::Range;

use serde::Serialize;

use super::{Diagnostic, Severity, boundary};

/// A point of a file, both numbers from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A place of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Place {
    /// Its first character.
    pub start: Position,
    /// The character behind its last one.
    pub end: Position,
    /// Its bytes.
    pub bytes: Range<usize>,
    /// What is there; left out when there is nothing to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
}

/// A diagnostic with lines and columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Located {
    /// Its stable code.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where, if it is about a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Other places that matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Place>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Adds lines and columns of `source` to its `diagnostics`.
#[must_use]
pub fn locate(source: &str, diagnostics: &[Diagnostic]) -> Vec<Located> {
    let lines: Vec<usize> =
        std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let position = |offset: usize| {
        let offset = boundary(source, offset);
        let line = lines.partition_point(|&start| start <= offset);
        Position { line, column: source[lines[line - 1]..offset].chars().count() + 1 }
    };
    let place = |label: &super::Label| Place {
        start: position(label.span.start),
        end: position(label.span.end),
        bytes: label.span.clone(),
        label: label.text.clone(),
    };
    diagnostics
        .iter()
        .map(|diagnostic| Located {
            code: diagnostic.code,
            severity: diagnostic.severity,
            message: diagnostic.message.clone(),
            place: diagnostic.primary.as_ref().map(place),
            related: diagnostic.secondary.iter().map(place).collect(),
            help: diagnostic.help.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Diagnostic, position};
    use super::locate;

    #[test]
    fn places_get_lines_and_columns() {
        let source = "aé\nbc\n";
        let found = [Diagnostic::error("X1", "m").at(4..6, "here").and_at(1..3, "").help("h")];
        let json = serde_json::to_value(locate(source, &found)).expect("JSON");
        let expected = serde_json::json!([{
            "code": "X1", "severity": "error", "message": "m", "help": "h",
            "place": { "start": { "line": 2, "column": 1 }, "end": { "line": 2, "column": 3 },
                       "bytes": { "start": 4, "end": 6 }, "label": "here" },
            "related": [{ "start": { "line": 1, "column": 2 }, "end": { "line": 1, "column": 3 },
                          "bytes": { "start": 1, "end": 3 } }],
        }]);
        assert_eq!(json, expected);
        for offset in 0..=source.len() + 1 {
            let found = [Diagnostic::note("X1", "m").at(offset..offset, "")];
            let start =
                locate(source, &found)[0].place.as_ref().map(|place| (place.start.line, place.start.column));
            assert_eq!(start, Some(position(source, offset)), "{offset}");
        }
    }
}
