//! Text that belongs to nothing.

use crate::diag::Diagnostic;

use super::super::markdown::line_end;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P020",
    explain: "This text stands where no agent and no report will see it: between two headings that hold lists, \
              behind a short label such as `**Agent:**`, outside of the list of tasks or questions, or below \
              the footer. Move it to a summary, a definition or the details of a thread. Comments (`<!-- … \
              -->`) may stand anywhere.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let places = facts.built.stray.iter();
    places
        .map(|place| {
            let line = place.start..line_end(facts.source, place.start).min(place.end);
            Diagnostic::warning(RULE.code, "this text belongs to no part of the plan")
                .at(line, "no agent sees it")
                .help("move it to a summary, a definition or the details of a thread")
        })
        .collect()
}
