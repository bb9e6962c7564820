//! A line that a person wrote for a shell, run where a thread works: `worktree.setup` of the settings, and the
//! `**Verify:**` of a plan.
//!
//! One invariant: nothing of ours stands in the line; what a program has to know it finds in its environment.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::model::{StreamId, ThreadId};
use crate::sys::output::{Finish, Stop, follow};
use crate::sys::process::{self, RunError};

/// How much of the last output is kept, in bytes.
const TAIL: usize = 4 * 1024;

/// How much of an output is told, in bytes: a program may write without end, and a journal must not.
const MOST: usize = 1024 * 1024;

/// Where a line is run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shell<'a> {
    /// The main checkout.
    pub(super) root: &'a Path,
    /// The stream.
    pub(super) stream: &'a StreamId,
    /// The thread.
    pub(super) thread: ThreadId,
    /// The folder that the thread works in.
    pub(super) directory: &'a Path,
    /// A variable by which what it starts is found again.
    pub(super) mark: Option<(&'a str, &'a str)>,
    /// How long it may take.
    pub(super) limit: Duration,
}

/// What came of a line.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) finish: Finish,
    /// The last of what it wrote, from the start of a line where that can be.
    pub(super) tail: String,
}

impl Shell<'_> {
    /// Runs a line; `tell` hears what it writes, piece by piece.
    pub(super) fn run(&self, line: &str, stop: &Stop, tell: &mut dyn FnMut(String)) -> Result<Ran, RunError> {
        let mut said = Said::default();
        let finish = follow(self.command(line), self.limit, stop, &mut |bytes| {
            if let Some(text) = said.take(bytes) {
                tell(text);
            }
        })?;
        if let Some(text) = said.end() {
            tell(text);
        }
        Ok(Ran { finish, tail: said.tail() })
    }

    fn command(&self, line: &str) -> Command {
        let mut command = process::command("sh");
        command.args(["-c", line]).current_dir(self.directory);
        command.env("WORK_ROOT", self.root).env("WORK_STREAM", self.stream.as_str());
        command.env("WORK_THREAD", self.thread.to_string());
        command.envs(self.mark);
        command
    }
}

/// What was written so far: as text, bounded, and its end.
#[derive(Debug, Default)]
struct Said {
    /// The first bytes of a character whose others are still to come.
    begun: Vec<u8>,
    told: usize,
    tail: String,
    /// Whether the tail is not all.
    cut: bool,
}

impl Said {
    /// The text of new bytes, if it is to be told.
    fn take(&mut self, bytes: &[u8]) -> Option<String> {
        self.begun.extend_from_slice(bytes);
        let whole = self.begun.len() - begun_character(&self.begun);
        let rest = self.begun.split_off(whole);
        let text = String::from_utf8_lossy(&std::mem::replace(&mut self.begun, rest)).into_owned();
        self.keep(&text);
        let before = self.told;
        self.told += text.len();
        match (text.is_empty(), before < MOST, self.told < MOST) {
            (false, true, true) => Some(text),
            (false, true, false) => Some(format!("{text}\n… the rest is left out here, but for its end\n")),
            _ => None,
        }
    }

    /// What is still to be told: half a character, and the end of what was too much.
    fn end(&mut self) -> Option<String> {
        let rest = String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned();
        self.keep(&rest);
        if self.told >= MOST {
            Some(format!("…\n{}", self.tail()))
        } else {
            Some(rest).filter(|rest| !rest.is_empty())
        }
    }

    fn keep(&mut self, text: &str) {
        self.tail.push_str(text);
        if self.tail.len() > TAIL {
            let from = self.tail.len() - TAIL;
            let from = (from..self.tail.len()).find(|at| self.tail.is_char_boundary(*at)).unwrap_or(0);
            self.tail.drain(..from);
            self.cut = true;
        }
    }

    /// The last of it, without half a first line.
    fn tail(&self) -> String {
        let whole = match self.tail.split_once('\n') {
            Some((_, rest)) if self.cut && !rest.trim().is_empty() => rest,
            _ => &self.tail,
        };
        whole.trim_end().to_owned()
    }
}

/// How many bytes at the end are the beginning of a character.
fn begun_character(bytes: &[u8]) -> usize {
    let begins = |count: &usize| {
        let end = bytes.len().checked_sub(*count).map_or(&[][..], |at| &bytes[at..]);
        std::str::from_utf8(end).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    };
    (1..=3).find(begins).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_whole_however_they_come() {
        let mut said = Said::default();
        let told: Vec<Option<String>> = "aß\n".as_bytes().iter().map(|byte| said.take(&[*byte])).collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(told, [some("a"), None, some("ß"), some("\n")]);
        assert_eq!((said.take(&[b'x', 0xff, 0xc3]), said.end()), (some("x\u{fffd}"), some("\u{fffd}")));
        assert_eq!(said.tail(), "aß\nx\u{fffd}\u{fffd}");
    }

    /// Mutant tried: a tail that is cut anywhere.
    #[test]
    fn what_is_kept_and_told_is_bounded_and_holds_the_end() {
        let mut said = Said::default();
        let line = format!("{}é\n", "x".repeat(60));
        let mut told = 0;
        for _ in 0..40_000 {
            told += said.take(line.as_bytes()).map_or(0, |text| text.len());
        }
        said.take(b"the end\n");
        let rest = said.end().expect("what was left out has an end");
        assert!(told < MOST + 200 && rest.len() < TAIL + 10, "{told} {}", rest.len());
        let tail = said.tail();
        assert!(tail.len() <= TAIL && tail.starts_with("xxx") && tail.ends_with("é\nthe end"), "{tail}");
        assert!(tail.lines().all(|one| one.len() == 62 || one == "the end"), "{tail}");
    }
}
