//! A question without a box.

use crate::diag::Diagnostic;

use super::super::markdown::line_end;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P033",
    explain: "The questions of a stage are list items with a box: `- [ ]` is open, `- [x]` is answered. This \
              one has no box, or one that Markdown does not know, and counts as open. Write `- [ ]` or `- [x]` \
              in front of it.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let questions = facts.plan().stages.iter().flat_map(|stage| &stage.questions);
    questions
        .filter(|question| !matches!(&facts.source[question.marker.clone()], "[ ]" | "[x]" | "[X]"))
        .map(|question| {
            let place =
                question.marker.start..question.marker.end.max(line_end(facts.source, question.marker.start));
            Diagnostic::warning(RULE.code, "this question has no box, and counts as open")
                .at(place, "")
                .help("write `- [ ]` in front of an open question, and `- [x]` in front of an answered one")
        })
        .collect()
}
