//! A label that stands twice.

use crate::diag::Diagnostic;

use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P027",
    explain: "A thread has one `**Summary:**` and one `**Details:**`. The second one is read as text of the \
              part it stands in. Join the two, or write the second in another way.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for unread in facts.threads().flat_map(|(_, fields)| &fields.unread) {
        let Some(first) = &unread.first else { continue };
        found.push(
            Diagnostic::warning(
                RULE.code,
                format!("`{}` stands twice in this thread", unread.label.written()),
            )
            .at(unread.mark.clone(), "read as text")
            .and_at(first.clone(), "the first one")
            .help("join the two"),
        );
    }
    found
}
