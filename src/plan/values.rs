//! The values of the short labels: agent, thread ids, paths, commands.
//!
//! A short value is the block that stands right at its label: a line, a list or a code block. Text
//! further down belongs to no label, and is handed back as such.

use std::ops::Range;

use crate::model::{AgentName, ThreadId};

use super::markdown::{line_end, next_line, trim};
use super::tree::{Spanned, Text};

/// Splits `value` into the block at its start and the text behind it.
pub(super) fn block(source: &str, value: Range<usize>) -> (Range<usize>, Range<usize>) {
    let mut at = value.start;
    let mut blank = false;
    let mut fence: Option<&str> = None;
    while at < value.end {
        let end = line_end(source, at).min(value.end);
        let line = source[at..end].trim();
        let bar = ["```", "~~~"].into_iter().find(|bar| line.starts_with(bar));
        let goes_on = !blank || fence.is_some() || bar.is_some() || is_item(line);
        if !goes_on && !line.is_empty() {
            return (trim(source, value.start..at), trim(source, at..value.end));
        }
        fence = match (fence, bar) {
            (None, bar) => bar,
            (Some(open), Some(bar)) if open == bar => None,
            (open, _) => open,
        };
        blank = line.is_empty() && at > value.start;
        at = next_line(source, at);
    }
    (value.clone(), value.end..value.end)
}

/// The name of an agent: the first line. The rest is handed back.
pub(super) fn agent(source: &str, value: Range<usize>) -> (Option<Spanned<AgentName>>, Range<usize>) {
    let first = value.start..line_end(source, value.start).min(value.end);
    let line = unquote(source, after_bullet(source, first.clone()));
    let rest = trim(source, first.end..value.end);
    let name =
        (!line.is_empty()).then(|| Spanned { value: AgentName(source[line.clone()].to_owned()), span: line });
    (name, rest)
}

/// The thread ids of `block`, and the words that are none.
pub(super) fn thread_ids(source: &str, block: Range<usize>) -> (Vec<Spanned<ThreadId>>, Vec<Range<usize>>) {
    let mut ids = Vec::new();
    let mut wrong = Vec::new();
    let divides = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '`' | '[' | ']' | '(' | ')' | '*');
    for span in words(source, block, divides) {
        let inner = source[span.clone()].trim_end_matches(['.', ':']);
        let span = span.start..span.start + inner.len();
        let filler = ["", "-", "–", "—", "+", "none", "n/a", "and", "thread", "threads", "nothing"];
        match inner.parse() {
            Ok(value) => ids.push(Spanned { value, span }),
            Err(_) if filler.contains(&inner.to_lowercase().as_str()) => {}
            Err(_) => wrong.push(span),
        }
    }
    (ids, wrong)
}

/// The globs of `block`: divided by commas, blanks or lines; one with blanks in it needs backticks.
pub(super) fn paths(source: &str, block: Range<usize>) -> Vec<Text> {
    let mut found = Vec::new();
    for line in lines(source, block) {
        let (mut start, mut quoted, mut braces) = (line.start, false, 0_usize);
        for (step, c) in source[line.clone()].char_indices().chain([(line.len(), ',')]) {
            let at = line.start + step;
            match c {
                '`' => quoted = !quoted,
                '{' => braces += 1,
                '}' => braces = braces.saturating_sub(1),
                _ => {}
            }
            let divides = (c == ',' && braces == 0) || c.is_whitespace();
            if (divides && !quoted) || at == line.end {
                let span = unquote(source, trim(source, start..at));
                if !matches!(&source[span.clone()], "" | "-" | "none") {
                    found.push(Text::slice(source, span));
                }
                start = (at + c.len_utf8()).min(line.end);
            }
        }
    }
    found
}

/// The commands of `block`: one a line, without bullets, backticks and fences.
pub(super) fn commands(source: &str, block: Range<usize>) -> Vec<Text> {
    let mut found = Vec::new();
    for line in lines(source, block) {
        let text = &source[line.clone()];
        if text.starts_with("```") || text.starts_with("~~~") {
            continue;
        }
        let parts: Vec<&str> = text.split('`').collect();
        let between = |part: &str| matches!(part.trim(), "" | "," | ";" | "and" | ", and");
        if parts.len() >= 3 && parts.len() % 2 == 1 && parts.iter().step_by(2).all(|part| between(part)) {
            let mut at = line.start;
            for (index, part) in parts.iter().enumerate() {
                if index % 2 == 1 && !part.trim().is_empty() {
                    found.push(Text::slice(source, trim(source, at..at + part.len())));
                }
                at += part.len() + 1;
            }
        } else {
            found.push(Text::slice(source, line));
        }
    }
    found
}

/// The lines of `block` that are not blank, without bullets.
fn lines(source: &str, block: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = block.start;
    while at < block.end {
        let line = after_bullet(source, at..line_end(source, at).min(block.end));
        if !line.is_empty() {
            found.push(line);
        }
        at = next_line(source, at);
    }
    found
}

fn words(source: &str, range: Range<usize>, divides: impl Fn(char) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = range.start;
    for (step, c) in source[range.clone()].char_indices() {
        if divides(c) {
            found.push(start..range.start + step);
            start = range.start + step + c.len_utf8();
        }
    }
    found.push(start..range.end);
    found.retain(|word| !word.is_empty());
    found
}

fn is_item(line: &str) -> bool {
    line.starts_with("- ") || line.starts_with("* ") || line.starts_with("+ ")
}

fn after_bullet(source: &str, line: Range<usize>) -> Range<usize> {
    let line = trim(source, line);
    if is_item(&source[line.clone()]) { trim(source, line.start + 2..line.end) } else { line }
}

fn unquote(source: &str, range: Range<usize>) -> Range<usize> {
    let text = &source[range.clone()];
    let inner = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
    if inner.is_some() { trim(source, range.start + 1..range.end - 1) } else { range }
}
