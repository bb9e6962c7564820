//! A heading without a space behind its `#`.

use crate::diag::Diagnostic;

use super::super::markdown::{covers, line_end, next_line};
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P008",
    explain: "In Markdown `###Stage 02: Name` is not a heading but text, because no space follows the `#`. The \
              stage, batch or thread would become part of the one before it. Put a space behind the last `#`.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < facts.source.len() {
        let line = at..line_end(facts.source, at);
        at = next_line(facts.source, at);
        let text = &facts.source[line.clone()];
        let title = text.trim_start_matches('#');
        let marks = text.len() - title.len();
        if (1..=6).contains(&marks) && is_numbered(title) && !covers(&facts.markdown.opaque, line.start) {
            let finding =
                Diagnostic::error(RULE.code, "this line is no heading in Markdown, so it is read as text");
            let place = line.start..line.start + marks;
            found.push(finding.at(place, "no space behind").help("put a space behind the last `#`"));
        }
    }
    found
}

/// Whether a title that directly follows the marks is that of a stage, a batch or a thread.
fn is_numbered(title: &str) -> bool {
    ["Stage ", "Batch ", "Thread ", "Stages"].into_iter().any(|word| title.starts_with(word))
}
