//! A question that nobody has answered.

use crate::diag::Diagnostic;

use super::super::tree::open_questions;
use super::placeholder::begins_with_placeholder;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P032",
    explain: "A question with an empty box (`- [ ]`) waits for a person. The plan cannot be approved before it \
              is answered: an agent would have to guess. Write the answer behind the question, and tick the \
              box (`- [x]`).",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    open_questions(facts.plan())
        .filter(|(_, question)| !question.marker.is_empty())
        // What nobody has written yet is no question; it is found as a placeholder.
        .filter(|(_, question)| !begins_with_placeholder(&question.text))
        .map(|(stage, question)| {
            Diagnostic::warning(RULE.code, format!("a question of stage {stage} is open"))
                .at(question.marker.clone(), "not ticked")
                .help("write the answer behind the question, and tick it: `- [x] …`")
        })
        .collect()
}
