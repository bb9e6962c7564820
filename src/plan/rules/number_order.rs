//! Numbers out of order, or with gaps.

use crate::diag::Diagnostic;
use std::collections::HashMap;
use std::ops::Range;

use crate::model::Ordinal;

use super::super::outline::Role;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P015",
    explain: "Stages and batches run in the order of their numbers. Here a number is smaller than the one \
              before it, so that the plan reads in another order than it runs, or numbers are missing between \
              two neighbours. A gap does no harm; often something was deleted. Do not renumber what already \
              ran: the ids in `tasks.json` would no longer fit.",
    check,
};

/// A number, and the heading that has it.
type Before<'a> = (Ordinal, &'a Range<usize>);

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut before: HashMap<(Option<usize>, u8), Before<'_>> = HashMap::new();
    let mut found = Vec::new();
    for entry in &facts.outline.entries {
        let Role::Numbered(numbered) = &entry.role else { continue };
        let Some(number) = numbered.number else { continue };
        let word = numbered.kind.word();
        let last = before.insert((entry.parent, numbered.kind.level()), (number, &entry.heading));
        let expected = last.map_or(1, |(last, _)| last.get() + 1);
        if let Some((last, place)) = last.filter(|(last, _)| number < *last) {
            found.push(
                Diagnostic::warning(RULE.code, format!("{word} {number} stands below {word} {last}"))
                    .at(entry.heading.clone(), "")
                    .and_at(place.clone(), "runs later")
                    .help("order them by number"),
            );
        } else if number.get() > expected {
            let gap = format!("{word} {expected:02} is missing before {word} {number}");
            found.push(Diagnostic::note(RULE.code, gap).at(entry.heading.clone(), ""));
        }
    }
    found
}
