//! The two settings of a repository that say where its checkout is.

use std::io;
use std::path::{Path, PathBuf};

/// `core.bare` and `core.worktree`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Core {
    /// There is no main checkout.
    pub(super) bare: bool,
    /// The main checkout, when it is not the folder around the repository.
    pub(super) worktree: Option<PathBuf>,
}

/// Reads them from the common directory of a repository. `config.worktree` is where git moves them
/// once worktrees have settings of their own.
pub(super) fn core(common_dir: &Path) -> io::Result<Core> {
    let mut core = Core::default();
    for name in ["config", "config.worktree"] {
        match std::fs::read(common_dir.join(name)) {
            Ok(text) => parse(&String::from_utf8_lossy(&text), &mut core),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(core)
}

/// The part of the format of `git-config(1)` that git itself writes for these settings: one setting
/// a line, a value perhaps in quotes, comments. Included files are not followed.
fn parse(text: &str, core: &mut Core) {
    let mut in_core = false;
    for line in text.lines() {
        let mut line = line.trim();
        if let Some((section, rest)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            in_core = section.trim().eq_ignore_ascii_case("core");
            line = rest.trim_start();
        }
        if !in_core || line.starts_with(['#', ';']) {
            continue;
        }
        let (name, written) = line.split_once('=').map_or((line, None), |(name, value)| (name, Some(value)));
        let name = name.trim();
        if name.eq_ignore_ascii_case("bare") {
            // A name alone means true.
            let value = written.map_or_else(|| "true".to_owned(), value);
            core.bare = ["true", "yes", "on", "1"].iter().any(|yes| value.eq_ignore_ascii_case(yes));
        } else if name.eq_ignore_ascii_case("worktree") {
            core.worktree = written.map(value).filter(|path| !path.is_empty()).map(PathBuf::from);
        }
    }
}

/// A value without quotes, escapes and a comment behind it.
fn value(written: &str) -> String {
    let (mut value, mut quoted, mut kept) = (String::new(), false, 0);
    let mut chars = written.trim_start().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '#' | ';' if !quoted => break,
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some(other) => value.push(other),
                None => break,
            },
            c => value.push(c),
        }
        // White space at the end counts only within quotes.
        if quoted || !c.is_whitespace() {
            kept = value.len();
        }
    }
    value.truncate(kept);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_read_as_git_writes_them() {
        let bare = |bare| Core { bare, worktree: None };
        let at = |path: &str| Core { bare: false, worktree: Some(path.into()) };
        for (text, expected) in [
            ("[core]\n\tbare = false\n\tworktree = ../../../sub\n", at("../../../sub")),
            ("[core]\n\tbare = true\n", bare(true)),
            ("[Core] Bare\n", bare(true)),
            ("[core]\nbare=yes # really\n[x]\nbare = false\n", bare(true)),
            ("[core \"sub\"]\nbare = true\n[remote \"core\"]\nbare = true\n", bare(false)),
            ("[core]\n# bare = true\n; bare = true\n", bare(false)),
            ("[core]\n\tworktree = \"../a #b;c \\\"d\\\" \\\\e \"  ; comment\n", at("../a #b;c \"d\" \\e ")),
            ("[core]\n\tworktree = ../a b  \n", at("../a b")),
            ("", bare(false)),
        ] {
            let mut core = Core::default();
            parse(text, &mut core);
            assert_eq!(core, expected, "{text:?}");
        }
    }
}
