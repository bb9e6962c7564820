//! The labels in the text of a thread: `**Summary:**`, `**Details:**`, `**Agent:**` and so on.
//!
//! A label counts at the start of a line outside of code. What stands below it up to the next label is
//! its value, whatever Markdown that is.

use std::ops::Range;

use super::markdown::{Markdown, covers, line_end, next_line, trim, trim_lines};

/// A label that `work` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// What the thread is to achieve.
    Summary,
    /// How.
    Details,
    /// Which agent runs it.
    Agent,
    /// Its tasks.
    Tasks,
    /// The threads it waits for.
    DependsOn,
    /// The files it may touch.
    Paths,
    /// The commands that must pass.
    Verify,
}

impl Label {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Summary, "summary"),
        (Self::Details, "details"),
        (Self::Agent, "agent"),
        (Self::Tasks, "tasks"),
        (Self::DependsOn, "depends on"),
        (Self::Paths, "paths"),
        (Self::Verify, "verify"),
    ];

    /// The label as it is written.
    pub(super) fn written(self) -> &'static str {
        match self {
            Self::Summary => "**Summary:**",
            Self::Details => "**Details:**",
            Self::Agent => "**Agent:**",
            Self::Tasks => "**Tasks:**",
            Self::DependsOn => "**Depends on:**",
            Self::Paths => "**Paths:**",
            Self::Verify => "**Verify:**",
        }
    }

    /// Whether its value is free text.
    pub(super) fn is_prose(self) -> bool {
        matches!(self, Self::Summary | Self::Details)
    }
}

/// A label and its value.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Which one.
    pub(super) label: Label,
    /// The bytes of the label.
    pub(super) mark: Range<usize>,
    /// The bytes of its value, without blank lines around.
    pub(super) value: Range<usize>,
}

/// A label that is not read as one.
#[derive(Debug, Clone)]
pub(super) struct Unread {
    /// Which one.
    pub(super) label: Label,
    /// The bytes of the label.
    pub(super) mark: Range<usize>,
    /// The label of the same kind that came before, or `None` when it stands within a line.
    pub(super) first: Option<Range<usize>>,
}

/// What the text of a thread consists of.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// Text above the first label.
    pub(super) lead: Range<usize>,
    /// The labels with their values, in order.
    pub(super) list: Vec<Field>,
    /// Labels that stay text.
    pub(super) unread: Vec<Unread>,
}

impl Fields {
    /// The first value of `label`.
    pub(super) fn first(&self, label: Label) -> Option<&Field> {
        self.list.iter().find(|field| field.label == label)
    }

    /// All values of `label`.
    pub(super) fn all(&self, label: Label) -> impl Iterator<Item = &Field> {
        self.list.iter().filter(move |field| field.label == label)
    }
}

/// Reads the labels of `body`.
pub(super) fn fields(source: &str, markdown: &Markdown, body: Range<usize>) -> Fields {
    let mut found = Fields { lead: trim_lines(source, body.clone()), ..Fields::default() };
    let mut at = body.start;
    while at < body.end {
        let end = line_end(source, at).min(body.end);
        line(source, markdown, at..end, &mut found);
        at = next_line(source, at);
    }
    if let Some(first) = found.list.first() {
        found.lead = trim_lines(source, body.start..first.mark.start);
    }
    for index in 0..found.list.len() {
        let end = found.list.get(index + 1).map_or(body.end, |next| next.mark.start);
        let start = found.list[index].mark.end;
        found.list[index].value = value(source, start..end);
    }
    found
}

/// A value may start on the line of its label or below it.
fn value(source: &str, range: Range<usize>) -> Range<usize> {
    let line = trim(source, range.start..line_end(source, range.start).min(range.end));
    if line.is_empty() { trim_lines(source, range) } else { line.start..trim(source, range).end }
}

fn line(source: &str, markdown: &Markdown, line: Range<usize>, found: &mut Fields) {
    let text = &source[line.clone()];
    if !text.contains("**") && !text.contains("__") {
        return;
    }
    let start = line.start + (text.len() - text.trim_start_matches(' ').len());
    if covers(&markdown.opaque, start) {
        return;
    }
    let indent = start - line.start;
    let own_line = indent == 0 || (indent <= 3 && !covers(&markdown.containers, start));
    if let Some((label, mark)) = label_at(source, start, line.end).filter(|_| own_line) {
        match found.first(label).filter(|_| label.is_prose()) {
            Some(first) => {
                let first = Some(first.mark.clone());
                found.unread.push(Unread { label, mark, first });
            }
            None => found.list.push(Field { label, value: mark.end..mark.end, mark }),
        }
    }
    within_line(source, markdown, start..line.end, found);
}

/// Labels that stand behind other text. A label in a list item of its own is text as well.
fn within_line(source: &str, markdown: &Markdown, line: Range<usize>, found: &mut Fields) {
    let mut from = line.start + 2;
    while let Some(step) = source.get(from..line.end).and_then(|rest| rest.find("**")) {
        let at = from + step;
        from = at + 2;
        let Some((label, mark)) = label_at(source, at, line.end) else { continue };
        let before = source[line.start..at].trim_end_matches([' ', '-', '*', '+']);
        if !before.is_empty() && !covers(&markdown.code, at) {
            from = mark.end;
            found.unread.push(Unread { label, mark, first: None });
        }
    }
}

/// The label that starts at `at`: `**Summary:**`, `**Summary**:` or the same with underscores.
fn label_at(source: &str, at: usize, end: usize) -> Option<(Label, Range<usize>)> {
    let text = source.get(at..end)?;
    let fence = ["**", "__"].into_iter().find(|fence| text.starts_with(fence))?;
    let close = text[2..].find(fence)? + 2;
    let inner = &text[2..close];
    let (name, length) = match inner.trim_end().strip_suffix(':') {
        Some(name) => (name, close + 2),
        None => (inner, close + 2 + text[close + 2..].starts_with(':').then_some(1)?),
    };
    let name = name.to_ascii_lowercase().replace(['-', '_'], " ");
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let label = Label::ALL.into_iter().find(|(_, word)| *word == name)?.0;
    Some((label, at..at + length))
}
