//! Summary and details without a blank line between.

use crate::diag::Diagnostic;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P025",
    explain: "`**Details:**` directly below the text of the summary is the same paragraph in Markdown: it is \
              shown as one, and other readers take the details for a part of the summary. work reads both. Put \
              a blank line above `**Details:**`.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, fields) in facts.threads() {
        for pair in fields.list.windows(2) {
            let [before, label] = pair else { continue };
            let between = &facts.source[before.value.end..label.mark.start];
            let joined = between.bytes().filter(|&b| b == b'\n').count() < 2;
            if joined && before.label.is_prose() && label.label.is_prose() && !before.value.is_empty() {
                found.push(
                    Diagnostic::note(RULE.code, "summary and details stand in one paragraph")
                        .at(label.mark.clone(), "starts here")
                        .and_at(before.mark.clone(), "the same paragraph")
                        .help("put a blank line above the second label"),
                );
            }
        }
    }
    found
}
