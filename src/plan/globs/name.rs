//! A glob over one name: what stands between two slashes.

use super::glob::table;

/// A name with `*`, `?` and `[…]`.
#[derive(Debug, Clone)]
pub(super) struct Name {
    /// How it can be read: as a glob; and, since there are files called `[id].tsx`, as it stands.
    readings: Vec<Vec<Token>>,
}

#[derive(Debug, Clone)]
enum Token {
    /// One character out of a set.
    One(Set),
    /// Any number of any characters.
    Many,
}

/// A set of characters.
#[derive(Debug, Clone)]
struct Set {
    ranges: Vec<(char, char)>,
    /// All but those.
    inverted: bool,
}

impl Name {
    pub(super) fn new(text: &str) -> Self {
        let mut readings = vec![tokens(text)];
        if text.contains('[') {
            readings.push(text.chars().map(Token::char).collect());
        }
        Self { readings }
    }

    /// Whether some name fits both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.readings.iter().any(|ours| other.readings.iter().any(|theirs| meet(ours, theirs)))
    }

    /// Whether a name fits.
    pub(super) fn is(&self, name: &str) -> bool {
        let name: Vec<Token> = name.chars().map(Token::char).collect();
        self.readings.iter().any(|reading| meet(reading, &name))
    }
}

fn meet(ours: &[Token], theirs: &[Token]) -> bool {
    let empty = |rest: &[Token]| rest.iter().all(|token| matches!(token, Token::Many));
    table(ours.len(), theirs.len(), |i, j, rest| match (ours.get(i), theirs.get(j)) {
        (None, _) => empty(&theirs[j..]),
        (_, None) => empty(&ours[i..]),
        (Some(Token::Many), _) | (_, Some(Token::Many)) => rest(1, 0) || rest(0, 1),
        (Some(Token::One(mine)), Some(Token::One(yours))) => rest(1, 1) && mine.meets(yours),
    })
}

impl Token {
    fn char(c: char) -> Self {
        Self::One(Set { ranges: vec![(c, c)], inverted: false })
    }
}

impl Set {
    /// What stands between brackets.
    fn new(inside: &str) -> Self {
        let (inverted, inside) = match inside.strip_prefix(['!', '^']) {
            Some(rest) => (true, rest),
            None => (false, inside),
        };
        let chars: Vec<char> = inside.chars().collect();
        let mut ranges = Vec::new();
        let mut at = 0;
        while let Some(&first) = chars.get(at) {
            match (chars.get(at + 1), chars.get(at + 2)) {
                (Some('-'), Some(&last)) => {
                    ranges.push((first, last));
                    at += 3;
                }
                _ => {
                    ranges.push((first, first));
                    at += 1;
                }
            }
        }
        Self { ranges, inverted }
    }

    fn has(&self, c: char) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != self.inverted
    }

    /// Whether some character is in both. What both have in common is made of ranges that begin where a range
    /// of one begins, right behind where one ends, or with the first character of all.
    fn meets(&self, other: &Self) -> bool {
        let ranges = self.ranges.iter().chain(&other.ranges);
        let mut begins = ranges.flat_map(|&(first, last)| [Some(first), (last..=char::MAX).nth(1)]).flatten();
        let both = |c: char| self.has(c) && other.has(c);
        both('\0') || begins.any(both)
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        found.push(match c {
            '*' => Token::Many,
            '?' => Token::One(Set { ranges: Vec::new(), inverted: true }),
            // A bracket right behind the first one belongs to the set.
            '[' => match rest
                .char_indices()
                .skip(1)
                .find(|&(at, c)| c == ']' && !matches!(&rest[..at], "!" | "^"))
            {
                Some((end, _)) => {
                    let set = Set::new(&rest[..end]);
                    rest = &rest[end + 1..];
                    Token::One(set)
                }
                None => Token::char(c),
            },
            c => Token::char(c),
        });
    }
    found
}
