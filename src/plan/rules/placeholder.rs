//! Words of a template that nobody has replaced.

use std::ops::Range;

use crate::diag::Diagnostic;

use super::super::markdown::{covers, line_end, next_line};
use super::super::tree::Text;
use super::registry::{Facts, Rule};

/// Its code. A plan with this finding is not approved.
pub const CODE: &str = "P034";

pub(super) const RULE: Rule = Rule {
    code: CODE,
    explain: "`work create` writes `TODO: …` where a person has to write something. An agent would be told \
              that instead of what to do, so the plan cannot be approved before. Replace the whole line. `TODO` \
              and `TBD` count only at the start of a line or a name, and not within code.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let plan = facts.plan();
    let mut texts: Vec<&Text> = vec![&plan.name, &plan.summary, &plan.references];
    for stage in &plan.stages {
        texts.extend([&stage.name, &stage.definition, &stage.constitution]);
        texts.extend(stage.questions.iter().map(|question| &question.text));
    }
    for batch in plan.batches() {
        texts.extend([&batch.name, &batch.summary]);
    }
    for thread in plan.threads() {
        texts.extend([&thread.name, &thread.summary, &thread.details]);
        texts.extend(thread.tasks.iter().map(|task| &task.name));
        texts.extend(thread.paths.iter().chain(&thread.verify));
    }
    let found: Vec<Range<usize>> = texts.into_iter().flat_map(|text| places(facts, text)).collect();
    if found.len() > MANY { not_filled_in(facts, found) } else { found.into_iter().map(finding).collect() }
}

/// With more places than this the plan is a template that was not filled in: that is one thing to say.
const MANY: usize = 8;

/// How many of their lines are listed.
const LISTED: usize = 100;

/// One finding for all of them, at the first one.
fn not_filled_in(facts: &Facts<'_>, mut places: Vec<Range<usize>>) -> Vec<Diagnostic> {
    places.sort_by_key(|place| place.start);
    let (mut line, mut from) = (1, 0);
    let number = |place: &Range<usize>| {
        line += facts.source[from..place.start].matches('\n').count();
        from = place.start;
        line.to_string()
    };
    let numbers: Vec<String> = places.iter().take(LISTED).map(number).collect();
    let more = if places.len() > LISTED { " and further down" } else { "" };
    let message = format!("{} placeholders: a template that was not filled in yet", places.len());
    let finding = Diagnostic::warning(RULE.code, message)
        .help(format!("replace or remove each: lines {}{more}", numbers.join(", ")));
    places.into_iter().next().map(|first| finding.at(first, "the first one")).into_iter().collect()
}

/// Whether a text begins with a placeholder.
pub(super) fn begins_with_placeholder(text: &str) -> bool {
    is_placeholder(strip_marks(text.trim_start()))
}

fn finding(place: Range<usize>) -> Diagnostic {
    Diagnostic::warning(RULE.code, "a placeholder is left in the plan")
        .at(place, "nobody has replaced this")
        .help("replace it, or remove it")
}

/// The placeholders in a text, each up to the end of its line.
fn places(facts: &Facts<'_>, text: &Text) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = text.span.start;
    while at < text.span.end {
        let end = line_end(facts.source, at).min(text.span.end);
        let line = &facts.source[at..end];
        let rest = strip_marks(line);
        if is_placeholder(rest) && !covers(&facts.markdown.opaque, end - rest.len()) {
            found.push(end - rest.len()..end);
        }
        at = next_line(facts.source, at);
    }
    found
}

/// A line without what may stand in front of its words: bullets, boxes, quotes, a bold label.
fn strip_marks(line: &str) -> &str {
    let mut rest = line.trim_start_matches(|c: char| c.is_whitespace() || "-*+>[]x0123456789.)".contains(c));
    if line.trim_start().starts_with("**")
        && let Some((_, after)) = rest.split_once("**")
    {
        rest = after.trim_start();
    }
    rest
}

fn is_placeholder(text: &str) -> bool {
    let word = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    match (&text[..word], &text[word..]) {
        ("TODO", after) => after.is_empty() || after.starts_with([':', '…', '.']),
        ("TBD", _) => true,
        _ => false,
    }
}
