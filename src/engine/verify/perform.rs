//! A check being done: command after command, each step told.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::line::Shell;
use super::record::MARK;
use crate::engine::changes::{ChangeError, Desk};
use crate::engine::{Workspace, hint};
use crate::model::{
    CheckRun, CheckStep, CheckVerdict, CheckedCommand, CommandEnd, ObjectId, StreamId, ThreadId, TurnNumber,
    Verification,
};
use crate::sys::shell::{ShellEnd, Stop};

/// A check that is to be done.
#[derive(Debug, Clone)]
pub struct Order {
    /// The repository.
    pub workspace: Workspace,
    /// The stream.
    pub stream: StreamId,
    /// The thread.
    pub thread: ThreadId,
    /// The folder that the thread works in.
    pub directory: PathBuf,
    /// The turn that has just ended there, and the user's folder for data, where it ran in a worktree.
    pub kept: Option<(TurnNumber, PathBuf)>,
    /// The commands.
    pub commands: Vec<String>,
    /// How long each may take.
    pub limit: Duration,
    /// What marks what they start; see [`super::mark`].
    pub mark: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It came to its end.
    Done(CheckRun),
    /// It was stopped while this command ran.
    Stopped(String),
}

impl Check {
    /// In one word.
    #[must_use]
    pub fn verdict(&self) -> CheckVerdict {
        match self {
            Self::Stopped(_) => CheckVerdict::Stopped,
            Self::Done(run) => match Verification::of(run.clone()) {
                Verification::Passed(_) => CheckVerdict::Passed,
                _ => CheckVerdict::Failed,
            },
        }
    }
}

/// Does a check, and tells `tell` every step of it.
pub fn perform(order: &Order, stop: &Stop, tell: &mut dyn FnMut(CheckStep)) -> Check {
    let at = order.workspace.clock.now();
    // As precise as it is on disk.
    let at = chrono::SubsecRound::trunc_subsecs(at, 3);
    let mut run = CheckRun { at, tree: tree(order), commands: Vec::new() };
    let shell = Shell {
        root: &order.workspace.root,
        stream: &order.stream,
        thread: order.thread,
        directory: &order.directory,
        mark: Some((MARK, &order.mark)),
        limit: order.limit,
    };
    for command in &order.commands {
        if stop.is_asked() {
            return over(Check::Stopped(command.clone()), tell);
        }
        tell(CheckStep::Began { command: command.clone() });
        let begun = Instant::now();
        let ran = shell.run(command, stop, &mut |delta| tell(CheckStep::Output { delta }));
        let (end, tail) = match ran {
            Ok(ran) => match ended(ran.end) {
                Some(end) => (end, ran.tail),
                None => return over(Check::Stopped(command.clone()), tell),
            },
            Err(error) => (CommandEnd::NotStarted { why: hint::chain(&error) }, String::new()),
        };
        let good = end.is_good();
        let tail = if good { String::new() } else { tail };
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let ended = CheckedCommand { command: command.clone(), end, millis, tail };
        // What it wrote stands before this line already.
        tell(CheckStep::Ended(CheckedCommand { tail: String::new(), ..ended.clone() }));
        run.commands.push(ended);
        if !good {
            break;
        }
    }
    over(Check::Done(run), tell)
}

fn over(check: Check, tell: &mut dyn FnMut(CheckStep)) -> Check {
    tell(CheckStep::Over { verdict: check.verdict() });
    check
}

/// How a command ended; none when it was stopped.
fn ended(end: ShellEnd) -> Option<CommandEnd> {
    use std::os::unix::process::ExitStatusExt as _;
    match end {
        ShellEnd::Exited(status) => Some(match (status.code(), status.signal()) {
            (Some(code), _) => CommandEnd::Exited { code },
            (None, signal) => CommandEnd::Killed { signal: signal.unwrap_or(0) },
        }),
        ShellEnd::TimedOut => Some(CommandEnd::TimedOut),
        ShellEnd::Stopped => None,
    }
}

/// The tree of what is checked: that of the turn's own snapshot, or of what lies there now. None where there is
/// no git; a check is worth something without it.
fn tree(order: &Order) -> Option<ObjectId> {
    let found = || match &order.kept {
        Some((turn, data)) => {
            let desk = Desk::open_with(&order.workspace, data.clone())?;
            match desk.thread(&order.stream, order.thread)?.turns.get(turn) {
                Some(turn) => Ok(turn.at.tree.clone()),
                None => desk.tree_in(&order.directory),
            }
        }
        None => Desk::open(&order.workspace)?.tree_in(&order.directory),
    };
    match found() {
        Ok(tree) => Some(tree),
        Err(ChangeError::NoGit) => None,
        Err(error) => {
            tracing::warn!(error = %hint::chain(&error), "what is checked could not be kept");
            None
        }
    }
}
