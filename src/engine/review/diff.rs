//! Lines that went and lines that came.

use schemars::JsonSchema;
use serde::Serialize;

/// More cells than this are not compared line by line.
const MOST: usize = 4_000_000;

/// A line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// It went.
    Removed(String),
    /// It came.
    Added(String),
}

/// The lines that differ, in order: what went before what came in its place.
pub(super) fn diff(old: &str, new: &str) -> Vec<Line> {
    let (old, new) = (lines(old), lines(new));
    let front = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let longest = old.len().min(new.len()) - front;
    let back = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count().min(longest);
    between(&old[front..old.len() - back], &new[front..new.len() - back])
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_matches('\n').lines().map(str::trim_end).collect()
}

/// By the longest common subsequence.
fn between(old: &[&str], new: &[&str]) -> Vec<Line> {
    let width = new.len() + 1;
    let mut common = vec![0_u32; if old.len() * width > MOST { 0 } else { (old.len() + 1) * width }];
    if !common.is_empty() {
        for a in (0..old.len()).rev() {
            for b in (0..new.len()).rev() {
                common[a * width + b] = if old[a] == new[b] {
                    common[(a + 1) * width + b + 1] + 1
                } else {
                    common[(a + 1) * width + b].max(common[a * width + b + 1])
                };
            }
        }
    }
    let at = |a: usize, b: usize| common.get(a * width + b).copied().unwrap_or(0);
    let (mut a, mut b, mut out) = (0, 0, Vec::new());
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            (a, b) = (a + 1, b + 1);
        } else if a < old.len() && (b == new.len() || at(a + 1, b) >= at(a, b + 1)) {
            out.push(Line::Removed(old[a].to_owned()));
            a += 1;
        } else {
            out.push(Line::Added(new[b].to_owned()));
            b += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let line = |text: &str| match text.split_at(1) {
            ("-", rest) => Line::Removed(rest.to_owned()),
            (_, rest) => Line::Added(rest.to_owned()),
        };
        for (old, new, expected) in [
            ("a\nb\nc", "a\nb\nc\n", &[][..]),
            ("a\nb\nc", "a\nx\nc", &["-b", "+x"]),
            ("a\nb\nc\nd", "b\nc\ny\nd", &["-a", "+y"]),
            ("", "a", &["+a"]),
            ("a  \n", "a", &[]),
        ] {
            let expected: Vec<Line> = expected.iter().map(|text| line(text)).collect();
            assert_eq!(diff(old, new), expected, "{old:?} {new:?}");
        }
    }

    proptest! {
        #[test]
        fn what_went_is_of_the_old_and_what_came_of_the_new(old in "([abc]\n){0,9}", new in "([abc]\n){0,9}") {
            let found = diff(&old, &new);
            let count = |text: &str, letter: &str| text.lines().filter(|line| *line == letter).count();
            for letter in ["a", "b", "c"] {
                let went = found.iter().filter(|line| **line == Line::Removed(letter.to_owned())).count();
                let came = found.iter().filter(|line| **line == Line::Added(letter.to_owned())).count();
                prop_assert_eq!(count(&old, letter) + came, count(&new, letter) + went);
            }
            prop_assert_eq!(found.is_empty(), old == new);
        }
    }
}
