//! List items: questions of a stage, tasks of a thread.

use std::ops::Range;

use super::markdown::{Item, Markdown, next_line, trim};
use super::tree::{PlanTask, Question, Spanned, Text};

/// A list item with its box and its text.
struct Entry {
    marker: Option<Range<usize>>,
    ticked: bool,
    text: Range<usize>,
}

/// The questions among the list items of `body`. An item within another is a question of its own only
/// if it has a box; else it is part of the answer.
pub(super) fn questions(source: &str, markdown: &Markdown, body: Range<usize>) -> Vec<Question> {
    entries(source, markdown, body, |item| item.depth == 1 || item.marker.is_some())
        .map(|entry| Question {
            answered: entry.ticked,
            marker: entry.marker.unwrap_or(entry.text.start..entry.text.start),
            text: Text::slice(source, entry.text),
        })
        .collect()
}

/// The tasks among the list items of `body`. What is indented below an item is its details.
pub(super) fn tasks(source: &str, markdown: &Markdown, body: Range<usize>) -> Vec<PlanTask> {
    entries(source, markdown, body, |item| item.depth == 1)
        .map(|entry| {
            let end = name_end(source, markdown, entry.text.clone());
            let name = trim(source, entry.text.start..end);
            let value = source[name.clone()].split_whitespace().collect::<Vec<_>>().join(" ");
            PlanTask {
                name: Spanned { value, span: name },
                details: Text::slice(source, super::markdown::trim_lines(source, end..entry.text.end)),
                done: entry.ticked,
            }
        })
        .collect()
}

/// Where the first list item within `body` starts.
fn first_item(markdown: &Markdown, body: &Range<usize>) -> Option<usize> {
    let at = markdown.items.partition_point(|item| item.start < body.start);
    markdown.items.get(at).map(|item| item.start).filter(|&start| start < body.end)
}

fn entries<'a>(
    source: &'a str,
    markdown: &'a Markdown,
    body: Range<usize>,
    counts: impl Fn(&Item) -> bool,
) -> impl Iterator<Item = Entry> {
    let from = markdown.items.partition_point(|item| item.start < body.start);
    let to = markdown.items.partition_point(|item| item.start < body.end);
    let items: Vec<&Item> = markdown.items[from..to].iter().filter(|item| counts(item)).collect();
    let ends: Vec<usize> = (0..items.len())
        .map(|at| {
            let block = markdown.blocks.partition_point(|block| block.range.start <= items[at].start);
            let block = markdown.blocks.get(block).map_or(body.end, |block| block.range.start);
            items.get(at + 1).map_or(body.end, |next| next.start).min(block).min(body.end)
        })
        .collect();
    items.into_iter().zip(ends).map(|(item, end)| entry(source, item, end))
}

fn entry(source: &str, item: &Item, end: usize) -> Entry {
    let line = &source[item.start..end];
    let bullet = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let after_bullet =
        item.start + (line.len() - bullet.len()) + bullet.chars().next().map_or(0, char::len_utf8);
    let text = trim(source, after_bullet.min(end)..end);
    let written = item.marker.clone().or_else(|| odd_marker(source, &text));
    match written {
        Some(marker) if marker.end <= end => Entry {
            ticked: source[marker.clone()].contains(['x', 'X']),
            text: trim(source, marker.end..end),
            marker: Some(marker),
        },
        _ => Entry { ticked: false, text, marker: None },
    }
}

/// `[]` and `[~]`: boxes that Markdown does not know, and people write.
fn odd_marker(source: &str, text: &Range<usize>) -> Option<Range<usize>> {
    let rest = source[text.clone()].strip_prefix('[')?;
    let close = rest.find(']')?;
    let known = matches!(&rest[..close], "" | " " | "x" | "X" | "~" | "!" | "-");
    let alone = rest[close + 1..].chars().next().is_none_or(char::is_whitespace);
    (known && alone).then(|| text.start..text.start + close + 2)
}

/// A name ends at a blank line or where an inner list starts.
fn name_end(source: &str, markdown: &Markdown, text: Range<usize>) -> usize {
    let inner = first_item(markdown, &text).map_or(text.end, |start| {
        // The indentation belongs to the inner list.
        source[text.start..start].rfind('\n').map_or(start, |line| text.start + line + 1)
    });
    let mut at = next_line(source, text.start).min(text.end);
    while at < inner {
        let next = next_line(source, at).min(text.end);
        let line = source[at..next].trim();
        if line.is_empty() || line.starts_with("```") || line.starts_with("~~~") {
            return at;
        }
        at = next;
    }
    inner.min(text.end)
}
