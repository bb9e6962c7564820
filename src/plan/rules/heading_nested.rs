//! A heading within a list, a quote, HTML or indented text.

use crate::diag::Diagnostic;

use super::super::heading::looks_numbered;
use super::super::markdown::{covering, line_end, next_line};
use super::super::outline::Doubt;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P009",
    explain: "A heading that is indented below a list item or stands behind `>` belongs to that item or \
              quote, and one that is indented by four blanks, or stands in HTML, is no heading at all. \
              This one looks like a stage, a batch or a thread, but is read as text. If it is meant as \
              one, put a blank line above it and move it to the start of the line; if it is an example, \
              put it into a code fence.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let nested = facts.outline.doubts.iter().filter(|(doubt, _)| *doubt == Doubt::Nested);
    let mut found: Vec<Diagnostic> = nested
        .map(|(_, heading)| {
            Diagnostic::warning(RULE.code, "a heading within a list or quote is read as text")
                .at(heading.span.clone(), "part of the list or quote")
                .help("if it is meant as part of the plan, move it to the start of the line")
        })
        .collect();
    let mut at = 0;
    while at < facts.source.len() {
        let line = at..line_end(facts.source, at);
        at = next_line(facts.source, at);
        if looks_numbered(&facts.source[line.clone()]) && !is_seen(facts, &line) {
            found.push(
                Diagnostic::warning(RULE.code, "this is no heading in Markdown where it stands")
                    .at(line, "read as text")
                    .help("put a blank line above it, and move it to the start of the line"),
            );
        }
    }
    found
}

/// Whether a line is a heading to Markdown, is code or comment on purpose, or lacks its space, which another
/// rule reports.
fn is_seen(facts: &Facts<'_>, line: &std::ops::Range<usize>) -> bool {
    let text = facts.source[line.clone()].trim_start_matches('\u{feff}').trim_start();
    let start = line.end - text.len();
    let headings = &facts.markdown.headings;
    let after = headings.partition_point(|heading| heading.span.start <= start);
    let is_heading = after.checked_sub(1).is_some_and(|at| headings[at].span.contains(&start));
    let on_purpose = covering(&facts.markdown.opaque, start).is_some_and(|block| {
        let block = facts.source[block].trim_start();
        ["```", "~~~", "<!--", "`"].into_iter().any(|mark| block.starts_with(mark))
    });
    is_heading || on_purpose || !text.trim_start_matches('#').starts_with([' ', '\t'])
}
