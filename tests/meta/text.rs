//! The project's own texts: where they are, and the command lines and code blocks in them.

use std::fs;
use std::path::{Path, PathBuf};

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project.
#[track_caller]
pub(crate) fn read(below: impl AsRef<Path>) -> String {
    let path = root().join(below);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder of the project whose names end in `end`, without what was installed there.
pub(crate) fn files(below: &str, end: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(below)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            match path.is_dir() {
                true if name != "node_modules" => folders.push(path),
                false if name.ends_with(end) => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// A path of the project, short.
pub(crate) fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// A fenced block of a Markdown text.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// What stands behind the fence, e.g. `sh`.
    pub(crate) info: String,
    /// Its text.
    pub(crate) text: String,
}

/// The fenced blocks of a Markdown text, also those that stand within a list.
pub(crate) fn blocks(markdown: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(String, Block)> = None;
    for line in markdown.lines() {
        let trimmed = line.trim_start();
        let ticks: String = trimmed.chars().take_while(|&c| c == '`').collect();
        match &mut open {
            Some((fence, _)) if trimmed.trim_end() == fence.as_str() => {
                found.extend(open.take().map(|(_, block)| block));
            }
            Some((_, block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            None if ticks.len() >= 3 => {
                let info = trimmed[ticks.len()..].trim().to_owned();
                open = Some((ticks, Block { info, text: String::new() }));
            }
            None => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// The text without its fenced blocks.
pub(crate) fn prose(markdown: &str) -> String {
    let mut fence: Option<String> = None;
    let mut out = String::new();
    for line in markdown.lines() {
        let trimmed = line.trim();
        let ticks: String = trimmed.chars().take_while(|&c| c == '`').collect();
        match &fence {
            Some(open) if trimmed == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out
}

/// What stands between single backticks.
pub(crate) fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The words of a shell command line, up to a comment.
///
/// # Panics
/// When a quote is not closed.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (Some(_) | None, c) => word.get_or_insert_default().push(c),
        }
    }
    assert!(quote.is_none(), "a quote is open in `{line}`");
    words.extend(word);
    words
}

#[test]
fn texts_are_taken_apart() {
    let text = "a `b c` d\n\n```sh run\nwork list # all\n```\n\n- x\n  ````md\n  ```\n  ````\n`e`\n";
    let found: Vec<_> = blocks(text).into_iter().map(|block| (block.info, block.text)).collect();
    assert_eq!(found, [("sh run".into(), "work list # all\n".into()), ("md".into(), "  ```\n".to_owned())]);
    let prose = prose(text);
    assert_eq!(spans(&prose).collect::<Vec<_>>(), ["b c", "e"]);
    assert_eq!(words("a \"b c\" --d='e f' # g"), ["a", "b c", "--d=e f"]);
    assert!(files("tests/meta", ".rs").iter().any(|path| short(path) == "tests/meta/text.rs"));
}
