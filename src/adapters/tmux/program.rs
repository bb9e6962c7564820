//! Which tmux there is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::TmuxError;
use crate::sys::process;

/// The oldest tmux whose `new-session` takes an environment (`-e`).
const NEEDED: (u32, u32) = (3, 2);
/// The same, for messages.
const NEEDED_TEXT: &str = "3.2";

/// How long tmux may take to answer. A call takes milliseconds, and 0.2 s under load.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// A tmux program that is new enough.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
}

impl Program {
    /// The tmux that is named, or else the one on `PATH`.
    ///
    /// # Errors
    /// It is not there, too old, or no tmux.
    pub fn find(named: Option<&Path>) -> Result<Self, TmuxError> {
        let path = process::find(named.unwrap_or(Path::new("tmux"))).map_err(TmuxError::Missing)?;
        let mut ask = process::command(&path);
        ask.arg("-V");
        let answer = process::run(ask, None, PATIENCE)?.text();
        match version(&answer) {
            None => Err(TmuxError::Unknown { program: path, answer: answer.chars().take(80).collect() }),
            Some(found) if found < NEEDED => Err(TmuxError::Old {
                program: path,
                found: answer.trim_start_matches("tmux ").to_owned(),
                needed: NEEDED_TEXT,
            }),
            Some(_) => Ok(Self { path }),
        }
    }

    /// Its full path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The version in the answer to `tmux -V`: `tmux 3.3a`, `tmux next-3.5`, `tmux 3.2-rc2`. Builds from
/// the newest source (`tmux master`) and OpenBSD's (`tmux openbsd-7.4`) count as new.
fn version(answer: &str) -> Option<(u32, u32)> {
    let name = answer.lines().next()?.strip_prefix("tmux ")?.trim();
    if name == "master" || name.starts_with("openbsd-") {
        return Some((u32::MAX, 0));
    }
    let (major, rest) = name.strip_prefix("next-").unwrap_or(name).split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_all_their_spellings() {
        for (answer, expected) in [
            ("tmux 3.3a", Some((3, 3))),
            ("tmux next-3.5", Some((3, 5))),
            ("tmux 3.2-rc2", Some((3, 2))),
            ("tmux 2.6", Some((2, 6))),
            ("tmux 3.10", Some((3, 10))),
            ("tmux master", Some((u32::MAX, 0))),
            ("tmux openbsd-7.4", Some((u32::MAX, 0))),
            ("screen 4.9", None),
            ("tmux", None),
            ("tmux x.y", None),
            ("", None),
        ] {
            assert_eq!(version(answer), expected, "{answer:?}");
        }
    }
}
