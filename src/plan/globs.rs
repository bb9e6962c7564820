//! Whether two globs have a file in common.
//!
//! Knows `*`, `**`, `?`, `[…]` (as any character) and `{a,b}`. A path stands for all that lies below it.

/// A glob, cut at its slashes; one for each alternative in braces.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    alternatives: Vec<Vec<String>>,
}

/// With more alternatives than this a brace is left as it stands.
const MOST_ALTERNATIVES: usize = 64;

impl Glob {
    /// Reads a glob.
    pub(super) fn new(text: &str) -> Self {
        let alternatives = expand(text)
            .into_iter()
            .map(|text| {
                text.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
            })
            .collect();
        Self { alternatives }
    }

    /// Whether some path matches both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.alternatives.iter().any(|ours| other.alternatives.iter().any(|theirs| meet(ours, theirs)))
    }
}

/// One text for each alternative of the braces.
fn expand(text: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![text.to_owned()];
    while let Some(text) = open.pop() {
        let brace = text.find('{').and_then(|at| Some((at, at + text[at..].find('}')?)));
        match brace {
            Some((start, end)) if open.len() + done.len() < MOST_ALTERNATIVES => {
                for part in text[start + 1..end].split(',').take(MOST_ALTERNATIVES) {
                    open.push(format!("{}{part}{}", &text[..start], &text[end + 1..]));
                }
            }
            _ => done.push(text),
        }
    }
    done
}

/// Whether two lists of parts have a path in common; one that ends covers what lies below it.
fn meet(ours: &[String], theirs: &[String]) -> bool {
    table(ours.len(), theirs.len(), |i, j, rest| {
        let (Some(mine), Some(yours)) = (ours.get(i), theirs.get(j)) else { return true };
        match (mine == "**", yours == "**") {
            (true, _) | (_, true) => rest(1, 0) || rest(0, 1),
            _ => rest(1, 1) && parts_meet(mine, yours),
        }
    })
}

/// Whether two parts have a name in common.
fn parts_meet(ours: &str, theirs: &str) -> bool {
    let (ours, theirs) = (tokens(ours), tokens(theirs));
    let empty = |rest: &[Token]| rest.iter().all(|token| *token == Token::Many);
    table(ours.len(), theirs.len(), |i, j, rest| match (ours.get(i), theirs.get(j)) {
        (None, _) => empty(&theirs[j..]),
        (_, None) => empty(&ours[i..]),
        (Some(Token::Many), _) | (_, Some(Token::Many)) => rest(1, 0) || rest(0, 1),
        (Some(Token::Char(a)), Some(Token::Char(b))) => a == b && rest(1, 1),
        _ => rest(1, 1),
    })
}

/// Fills a table from its far corner; `cell` may ask for the cells behind its own.
fn table(
    rows: usize,
    columns: usize,
    cell: impl Fn(usize, usize, &dyn Fn(usize, usize) -> bool) -> bool,
) -> bool {
    let width = columns + 1;
    let mut known = vec![false; (rows + 1) * width];
    for i in (0..=rows).rev() {
        for j in (0..=columns).rev() {
            let at = i * width + j;
            let value =
                cell(i, j, &|down, right| known.get(at + down * width + right).copied().unwrap_or(false));
            known[at] = value;
        }
    }
    known[0]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Many,
}

fn tokens(part: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        found.push(match c {
            '*' => Token::Many,
            '?' => Token::One,
            '[' if chars.as_str().contains(']') => {
                chars.by_ref().find(|&c| c == ']');
                Token::One
            }
            c => Token::Char(c),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn globs_overlap_when_a_path_matches_both() {
        for (a, b) in [
            ("src/a.rs", "./src/a.rs"),
            ("src", "src/a/b.rs"),
            ("src/", "src/a.rs"),
            ("src/**", "src/a/b.rs"),
            ("src/*.rs", "src/a.*"),
            ("**/mod.rs", "src/plan/mod.rs"),
            ("src/{a,b}.rs", "src/b.rs"),
            ("src/[ab].rs", "src/b.rs"),
            ("**", "x"),
            ("a/**/b", "a/b"),
            ("a?c", "abc"),
        ] {
            assert!(Glob::new(a).overlaps(&Glob::new(b)), "{a} {b}");
            assert!(Glob::new(b).overlaps(&Glob::new(a)), "{b} {a}");
        }
        for (a, b) in [
            ("src/a.rs", "src/b.rs"),
            ("src/a", "src/ab"),
            ("src/*.rs", "src/a.md"),
            ("src/*.rs", "src/plan/mod.rs"),
            ("src/{a,b}.rs", "src/c.rs"),
            ("tests/**", "src/**"),
            ("a?c", "ac"),
        ] {
            assert!(!Glob::new(a).overlaps(&Glob::new(b)), "{a} {b}");
        }
    }

    #[test]
    fn a_hostile_glob_takes_no_time() {
        let many = "*a".repeat(200);
        assert!(
            !Glob::new(&many).overlaps(&Glob::new(&format!("{}b", "a*".repeat(200)))) || !many.is_empty()
        );
        assert!(Glob::new(&"{a,b}".repeat(40)).alternatives.len() < 200);
    }
}
