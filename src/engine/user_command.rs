//! A command that a person wrote for a shell, run as a part of a turn and told in its journal.
//!
//! One invariant: however much it writes, a bounded number of its lines is told, and its last words always.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::model::{AgentEvent, CommandPurpose, CommandStep};
use crate::sys::process::RunError;
use crate::sys::shell::{self, ShellEnd, Stop};

/// So many lines are told as they come; of those after them only the last.
const MOST: usize = 1000;

/// So many last lines are kept for whoever has to say why it failed, or when there are too many.
const LAST: usize = 20;

/// A command and what it needs.
#[derive(Debug)]
pub struct UserCommand<'a> {
    /// What it is run for.
    pub purpose: CommandPurpose,
    /// The line, for `sh -c`.
    pub line: &'a str,
    /// Where.
    pub directory: &'a Path,
    /// Variables to set.
    pub environment: Vec<(&'static str, OsString)>,
    /// How long it may take.
    pub limit: Duration,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandEnd {
    /// By itself, or not.
    pub end: ShellEnd,
    /// The same in words, after its name: `ended with exit code 3`.
    pub how: String,
    /// Its last lines, without empty ones.
    pub last: Vec<String>,
}

impl UserCommand<'_> {
    /// Runs it to its end in a process group of its own, and tells every step as it happens. Blocks.
    ///
    /// # Errors
    /// [`RunError`] when it can't be started or waited for.
    pub fn run(&self, stop: &Stop, tell: &mut dyn FnMut(AgentEvent)) -> Result<CommandEnd, RunError> {
        let mut step = |step| {
            tell(AgentEvent::Command { purpose: self.purpose, command: self.line.to_owned(), step });
        };
        let mut command = shell::shell(self.line, self.directory);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        step(CommandStep::Started);
        let mut lines = Lines::default();
        let end = shell::run(command, self.limit, stop, &mut |line| {
            if lines.heard(line) {
                step(CommandStep::Wrote { line: line.to_owned() });
            }
        });
        let end = match end {
            Ok(end) => end,
            Err(error) => {
                step(CommandStep::Ended { ok: false, how: super::hint::chain(&error) });
                return Err(error);
            }
        };
        for line in lines.held_back() {
            step(CommandStep::Wrote { line });
        }
        let how = words(end, self.limit);
        step(CommandStep::Ended { ok: end.is_success(), how: how.clone() });
        let last = lines.last.into_iter().filter(|line| !line.trim().is_empty()).collect();
        Ok(CommandEnd { end, how, last })
    }
}

/// The lines that were heard.
#[derive(Debug, Default)]
struct Lines {
    count: usize,
    last: VecDeque<String>,
}

impl Lines {
    /// Takes a line; whether it is to be told at once.
    fn heard(&mut self, line: &str) -> bool {
        self.count += 1;
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
        self.count <= MOST
    }

    /// What was not told yet: the last of it, and how much is left out.
    fn held_back(&self) -> Vec<String> {
        let untold = self.count.saturating_sub(MOST);
        let shown = untold.min(self.last.len());
        let left_out = untold - shown;
        let note = (left_out > 0).then(|| format!("… {left_out} more lines"));
        note.into_iter().chain(self.last.iter().skip(self.last.len() - shown).cloned()).collect()
    }
}

fn words(end: ShellEnd, limit: Duration) -> String {
    match (end, end.code()) {
        (ShellEnd::TimedOut, _) => format!("was ended, since it took longer than {} s", limit.as_secs()),
        (ShellEnd::Stopped, _) => "was stopped".to_owned(),
        (ShellEnd::Exited(_), Some(0)) => "ended well".to_owned(),
        (ShellEnd::Exited(_), Some(code)) => format!("ended with exit code {code}"),
        (ShellEnd::Exited(status), None) => format!("was ended by {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(line: &str) -> (CommandEnd, Vec<CommandStep>) {
        let mut steps = Vec::new();
        let directory = std::env::temp_dir();
        let command = UserCommand {
            purpose: CommandPurpose::Setup,
            line,
            directory: &directory,
            environment: vec![("WORK_X", "a b".into())],
            limit: Duration::from_secs(60),
        };
        let end = command.run(&Stop::default(), &mut |event| match event {
            AgentEvent::Command { step, command, .. } => {
                assert_eq!(command, line);
                steps.push(step);
            }
            other => panic!("{other:?}"),
        });
        (end.expect("started"), steps)
    }

    #[test]
    fn its_steps_are_told_in_order() {
        let (end, steps) = ran("echo \"$WORK_X\"; echo; exit 3");
        let wrote = |line: &str| CommandStep::Wrote { line: line.to_owned() };
        let how = "ended with exit code 3".to_owned();
        assert_eq!(
            steps,
            [
                CommandStep::Started,
                wrote("a b"),
                wrote(""),
                CommandStep::Ended { ok: false, how: how.clone() }
            ]
        );
        assert_eq!((end.how, end.last), (how, vec!["a b".to_owned()]));
        assert_eq!(ran("kill -9 $$").0.how, "was ended by signal: 9 (SIGKILL)");
    }

    /// Mutant tried: telling every line.
    #[test]
    fn much_output_is_cut_in_the_middle() {
        let (_, steps) = ran("i=0; while [ $i -lt 1500 ]; do i=$((i+1)); echo $i; done");
        let lines: Vec<&str> = steps
            .iter()
            .filter_map(|step| match step {
                CommandStep::Wrote { line } => Some(line.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(
            (lines.len(), lines[999], lines[1000], lines[1001]),
            (1021, "1000", "… 480 more lines", "1481")
        );
        assert_eq!(lines[1020], "1500");
    }
}
