//! The models whose names come close to one that is not known.

use crate::model::ModelRef;

/// The longest list of candidates.
const CANDIDATES: usize = 3;

/// The end of a message: which of these models may have been meant. Each is the model without its provider,
/// and its whole name. Empty when none comes close.
pub(crate) fn did_you_mean<'a>(wanted: &ModelRef, known: impl Iterator<Item = (&'a str, String)>) -> String {
    let name = wanted.name();
    // Some agents name models without a provider.
    let far = |other: &str| distance(if other.contains('/') { &name } else { &wanted.model }, other);
    let mut near: Vec<(usize, String)> = known
        .map(|(model, other)| (if model == wanted.model { 0 } else { far(&other) }, other))
        .filter(|(far, other)| *far <= (name.len().max(other.len()) / 3).max(2))
        .collect();
    near.sort();
    let near: Vec<_> = near.into_iter().take(CANDIDATES).map(|(_, name)| format!("`{name}`")).collect();
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

/// How many letters must be changed, added or left out.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let swap = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = swap.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}
