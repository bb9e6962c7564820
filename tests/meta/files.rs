//! The shape of the sources: small files, each of which says what it is.

use super::text::{files, read, short};

/// The most lines that a file may have; half of that is usual.
const LINES: usize = 600;

/// Names that say nothing: what lies there has a better home.
const NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "misc"];

#[test]
fn files_are_small_and_open_with_what_they_are() {
    let mut wrong = Vec::new();
    let sources: Vec<_> = ["src", "tests"].iter().flat_map(|folder| files(folder, ".rs")).collect();
    assert!(sources.len() > 100, "the sources were not found");
    for path in sources {
        let (text, name) = (read(&path), short(&path));
        if text.lines().count() > LINES {
            wrong.push(format!("{name}: more than {LINES} lines"));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!("{name}: does not open with `//!`"));
        }
        if path.iter().any(|part| {
            NAMES.iter().any(|word| part.to_str().and_then(|p| p.split('.').next()) == Some(word))
        }) {
            wrong.push(format!("{name}: a name that says nothing"));
        }
        for word in ["FIXME", "XXX", "HACK"] {
            // Here they stand as words.
            if !name.ends_with("meta/files.rs")
                && text.split(|c: char| !c.is_alphanumeric()).any(|w| w == word)
            {
                wrong.push(format!("{name}: `{word}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
