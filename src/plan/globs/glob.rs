//! A glob over a path, part by part; and the globs of a thread together.
//!
//! Knows `*`, `?`, `[a-z]`, `[!a-z]` within a name, `**` for any number of folders, and `{a,b}`. A path stands
//! for all that lies below it. The root of the repository is where every glob begins.

use super::name::Name;

/// The files that a thread may touch.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    globs: Vec<Glob>,
}

impl Paths {
    /// Reads the globs of a thread, as its `**Paths:**` has them.
    pub fn new<'a>(globs: impl IntoIterator<Item = &'a str>) -> Self {
        Self { globs: globs.into_iter().map(Glob::new).collect() }
    }

    /// Whether there are none, and so nothing is said of any file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    /// Whether a file belongs to them: its path from the root of the repository, with `/` between the parts.
    #[must_use]
    pub fn hold(&self, file: &str) -> bool {
        self.globs.iter().any(|glob| glob.holds(file))
    }
}

/// A glob, cut at its slashes; one list of parts for each alternative in braces.
#[derive(Debug, Clone)]
pub(in crate::plan) struct Glob {
    alternatives: Vec<Vec<Part>>,
}

/// What stands between two slashes.
#[derive(Debug, Clone)]
enum Part {
    /// `**`: any number of folders, also none.
    Folders,
    /// One folder or file.
    Name(Name),
}

/// With more alternatives than this, what is left of the braces stands for anything.
const MOST_ALTERNATIVES: usize = 64;

impl Glob {
    /// Reads a glob. Every text is one.
    pub(in crate::plan) fn new(text: &str) -> Self {
        let part = |part: &str| if part == "**" { Part::Folders } else { Part::Name(Name::new(part)) };
        Self { alternatives: expand(text).iter().map(|text| parts(text).map(part).collect()).collect() }
    }

    /// Whether some path belongs to both.
    pub(in crate::plan) fn overlaps(&self, other: &Self) -> bool {
        self.alternatives.iter().any(|ours| other.alternatives.iter().any(|theirs| meet(ours, theirs)))
    }

    /// Whether a path belongs to it.
    pub(in crate::plan) fn holds(&self, path: &str) -> bool {
        let path: Vec<&str> = parts(path).collect();
        self.alternatives.iter().any(|glob| covers(glob, &path))
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.alternatives.len()
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split('/').filter(|part| !matches!(*part, "" | "."))
}

/// One text for each alternative of the braces, the inner ones first.
fn expand(text: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![text.to_owned()];
    while let Some(text) = open.pop() {
        let brace = text.find('}').and_then(|end| Some((text[..end].rfind('{')?, end)));
        let Some((start, end)) = brace else {
            done.push(text);
            continue;
        };
        let (before, inside, after) = (&text[..start], &text[start + 1..end], &text[end + 1..]);
        let count = inside.split(',').count();
        if open.len() + done.len() + count <= MOST_ALTERNATIVES {
            open.extend(inside.split(',').map(|part| format!("{before}{part}{after}")));
        } else if inside.contains('/') {
            let before = before.split('{').next().unwrap_or_default();
            done.push(format!("{}/**", before.rsplit_once('/').map_or("", |(folders, _)| folders)));
        } else {
            open.push(format!("{before}*{after}"));
        }
    }
    done
}

/// Whether two lists of parts have a path in common; one that ends holds what lies below it.
fn meet(ours: &[Part], theirs: &[Part]) -> bool {
    table(ours.len(), theirs.len(), |i, j, rest| match (ours.get(i), theirs.get(j)) {
        (None, _) | (_, None) => true,
        (Some(Part::Folders), _) | (_, Some(Part::Folders)) => rest(1, 0) || rest(0, 1),
        (Some(Part::Name(mine)), Some(Part::Name(yours))) => rest(1, 1) && mine.meets(yours),
    })
}

/// Whether a list of parts holds a path: only the glob may end before the other does.
fn covers(glob: &[Part], path: &[&str]) -> bool {
    table(glob.len(), path.len(), |i, j, rest| match (glob.get(i), path.get(j)) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(Part::Folders), Some(_)) => rest(1, 0) || rest(0, 1),
        (Some(Part::Name(name)), Some(part)) => rest(1, 1) && name.is(part),
    })
}

/// Walks two lists side by side: whether the pair of their beginnings is good. `cell` decides for the places
/// `i` and `j`, and may ask for places behind. No list of globs makes that slow: each pair is looked at once.
pub(super) fn table(
    rows: usize,
    columns: usize,
    cell: impl Fn(usize, usize, &dyn Fn(usize, usize) -> bool) -> bool,
) -> bool {
    let width = columns + 1;
    let mut known = vec![false; (rows + 1) * width];
    for i in (0..=rows).rev() {
        for j in (0..=columns).rev() {
            let at = i * width + j;
            let behind = |down: usize, right: usize| {
                i + down <= rows && j + right <= columns && known[at + down * width + right]
            };
            let value = cell(i, j, &behind);
            known[at] = value;
        }
    }
    known[0]
}
