//! A line of a plan's `**Verify:**`, run where a thread works.
//!
//! One invariant: nothing of ours stands in the line; what a program has to know it finds in its environment.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::model::{StreamId, ThreadId};
use crate::sys::process::RunError;
use crate::sys::shell::{self, ShellEnd, Stop};

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
    pub(super) end: ShellEnd,
    /// The last of what it wrote, from the start of a line where that can be.
    pub(super) tail: String,
}

impl Shell<'_> {
    /// Runs a line; `tell` hears what it writes, line by line.
    pub(super) fn run(&self, line: &str, stop: &Stop, tell: &mut dyn FnMut(String)) -> Result<Ran, RunError> {
        let mut said = Said::default();
        let end = shell::run(self.command(line), self.limit, stop, &mut |line| {
            if let Some(text) = said.take(line) {
                tell(text);
            }
        })?;
        if let Some(text) = said.end() {
            tell(text);
        }
        Ok(Ran { end, tail: said.tail() })
    }

    fn command(&self, line: &str) -> Command {
        let mut command = shell::shell(line, self.directory);
        command.env("WORK_ROOT", self.root).env("WORK_STREAM", self.stream.as_str());
        command.env("WORK_THREAD", self.thread.to_string());
        command.envs(self.mark);
        command
    }
}

/// What was written so far: bounded, and its end.
#[derive(Debug, Default)]
struct Said {
    told: usize,
    tail: String,
    /// Whether the tail is not all.
    cut: bool,
}

impl Said {
    /// A new line, if it is to be told.
    fn take(&mut self, line: &str) -> Option<String> {
        let text = format!("{line}\n");
        self.keep(&text);
        let before = self.told;
        self.told += text.len();
        match (before < MOST, self.told < MOST) {
            (true, true) => Some(text),
            (true, false) => Some(format!("{text}… the rest is left out here, but for its end\n")),
            (false, _) => None,
        }
    }

    /// What is still to be told: the end of what was too much.
    fn end(&self) -> Option<String> {
        (self.told >= MOST).then(|| format!("…\n{}", self.tail()))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Mutant tried: a tail that is cut anywhere.
    #[test]
    fn what_is_kept_and_told_is_bounded_and_holds_the_end() {
        let mut said = Said::default();
        let line = format!("{}é", "x".repeat(60));
        let mut told = 0;
        for _ in 0..40_000 {
            told += said.take(&line).map_or(0, |text| text.len());
        }
        said.take("the end");
        let rest = said.end().expect("what was left out has an end");
        assert!(told < MOST + 200 && rest.len() < TAIL + 10, "{told} {}", rest.len());
        let tail = said.tail();
        assert!(tail.len() <= TAIL && tail.starts_with("xxx") && tail.ends_with("é\nthe end"), "{tail}");
        assert!(tail.lines().all(|one| one.len() == 62 || one == "the end"), "{tail}");
    }
}
