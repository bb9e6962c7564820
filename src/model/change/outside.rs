//! What a turn changed and its thread was not to touch.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// More files than this are only counted.
const MOST: usize = 20;

/// Files that a turn changed outside the `**Paths:**` of its thread; at least one. A report, not a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutsidePaths {
    /// How many.
    pub count: usize,
    /// The first of them by name, from the root of the repository.
    pub files: Vec<String>,
}

impl OutsidePaths {
    /// Of these files; none when there are none.
    #[must_use]
    pub fn of(files: impl IntoIterator<Item = String>) -> Option<Self> {
        let files: BTreeSet<String> = files.into_iter().collect();
        let count = files.len();
        (count > 0).then(|| Self { count, files: files.into_iter().take(MOST).collect() })
    }

    /// In words: ``3 files outside its `Paths`: `a`, `b` and 1 more``.
    #[must_use]
    pub fn words(&self, most: usize) -> String {
        let names: Vec<String> = self.files.iter().take(most).map(|file| format!("`{file}`")).collect();
        let more = match self.count - names.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let files = if self.count == 1 { "file" } else { "files" };
        format!("{} {files} outside its `Paths`: {}{more}", self.count, names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_are_counted_and_a_few_named() {
        assert_eq!(OutsidePaths::of([]), None);
        let one = OutsidePaths::of(["a b".to_owned(), "a b".to_owned()]).expect("one");
        assert_eq!(one.words(4), "1 file outside its `Paths`: `a b`");
        let many = OutsidePaths::of((0..100).map(|n| format!("f{n:02}"))).expect("many");
        assert_eq!((many.count, many.files.len()), (100, MOST));
        assert_eq!(many.words(2), "100 files outside its `Paths`: `f00`, `f01` and 98 more");
    }
}
