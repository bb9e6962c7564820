//! A code fence or comment that never ends.

use crate::diag::Diagnostic;

use super::super::markdown::line_end;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P006",
    explain: "A code fence (three backticks) or an HTML comment that is not closed reaches to the end of the \
              file: every stage, batch and thread below it is only text within it. Close the fence with a line \
              of the same marks, with the same indentation as the line that opens it, or the comment with \
              `-->`.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    facts
        .markdown
        .unclosed
        .iter()
        .map(|block| {
            let text = &facts.source[block.clone()];
            let hidden = text.lines().filter(|line| looks_numbered(line)).count();
            let opening = block.start..line_end(facts.source, block.start);
            let what = if text.starts_with("<!--") { "comment" } else { "code fence" };
            let finding = if hidden > 0 {
                let message = format!("a {what} is never closed, and swallows {hidden} headings below it");
                Diagnostic::error(RULE.code, message)
            } else {
                Diagnostic::warning(RULE.code, format!("a {what} is never closed"))
            };
            finding.at(opening, "opened here").help(format!("close the {what} where it ends"))
        })
        .collect()
}

fn looks_numbered(line: &str) -> bool {
    let text = line.trim_start();
    let title = text.trim_start_matches('#').trim_start();
    text.starts_with("###") && ["Stage", "Batch", "Thread"].into_iter().any(|word| title.starts_with(word))
}
