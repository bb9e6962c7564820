//! Two siblings of one number.

use crate::diag::Diagnostic;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use crate::model::Ordinal;

use super::super::outline::Role;
use super::registry::{Facts, Rule};

pub(super) const RULE: Rule = Rule {
    code: "P014",
    explain: "Two stages of the plan, two batches of a stage or two threads of a batch have the same number, \
              so one id means two things: a report on one would be written to the other. Give one of them \
              another number.",
    check,
};

fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut seen: HashMap<(Option<usize>, u8, Ordinal), &Range<usize>> = HashMap::new();
    let mut found = Vec::new();
    for entry in &facts.outline.entries {
        let Role::Numbered(numbered) = &entry.role else { continue };
        let Some(number) = numbered.number else { continue };
        let word = numbered.kind.word();
        match seen.entry((entry.parent, numbered.kind.level(), number)) {
            Entry::Vacant(place) => {
                place.insert(&entry.heading);
            }
            Entry::Occupied(first) => found.push(
                Diagnostic::error(RULE.code, format!("{word} {number} stands twice"))
                    .at(entry.heading.clone(), "the second one")
                    .and_at((*first.get()).clone(), "the first one")
                    .help(format!("give one {word} another number")),
            ),
        }
    }
    found
}
