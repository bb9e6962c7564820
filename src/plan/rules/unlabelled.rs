//! Text of a thread without a label.

use crate::diag::Diagnostic;

use super::super::markdown::line_end;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P024",
    explain: "The text of a thread stands behind `**Summary:**` and `**Details:**`. Other readers drop text \
              without a label. work reads it as the details, or, when it stands above a label, as part of the \
              summary. Put the label above it.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (thread, fields) in facts.threads() {
        if fields.lead.is_empty() {
            continue;
        }
        let line = fields.lead.start..line_end(facts.source, fields.lead.start).min(fields.lead.end);
        let labelled = fields.list.iter().any(|field| field.label.is_prose());
        let read = if labelled { "read as part of the summary" } else { "read as the details" };
        found.push(
            Diagnostic::warning(RULE.code, format!("text of thread {} stands behind no label", thread.id))
                .at(line, read)
                .help("put `**Summary:**` or `**Details:**` above it"),
        );
    }
    found
}
