//! What can go wrong with tmux.

use std::io;
use std::path::PathBuf;

use crate::sys::process::{NotFound, RunError};

/// Why tmux did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum TmuxError {
    /// tmux is not installed.
    #[error("tmux was not found; install the package `tmux`")]
    Missing(#[source] NotFound),
    /// tmux is older than what we use of it.
    #[error("`{}` is tmux {found}, and {needed} or newer is needed", program.display())]
    Old {
        /// The tmux program.
        program: PathBuf,
        /// What it says it is.
        found: String,
        /// The oldest version that will do.
        needed: &'static str,
    },
    /// The program does not say which tmux it is.
    #[error("`{} -V` printed `{answer}`, which names no version of tmux", program.display())]
    Unknown {
        /// The program.
        program: PathBuf,
        /// What it printed.
        answer: String,
    },
    /// tmux could not be run to its end.
    #[error(transparent)]
    Run(#[from] RunError),
    /// tmux refused.
    #[error("`{command}` failed: {message}")]
    Refused {
        /// The command without its arguments, which may be long and private.
        command: String,
        /// What tmux said.
        message: String,
    },
    /// tmux answered something that we do not understand.
    #[error("`{command}` answered `{answer}`")]
    Answer {
        /// The command without its arguments.
        command: String,
        /// What it printed.
        answer: String,
    },
    /// tmux takes no command of this size.
    #[error("a tmux command of {size} bytes is too long, {limit} are allowed; pass long texts by a file")]
    TooLong {
        /// The bytes of all arguments.
        size: usize,
        /// What tmux takes.
        limit: usize,
    },
    /// The path of the socket is too long for the operating system.
    #[error("the socket path `{}` is too long, {limit} bytes are allowed", path.display())]
    SocketPath {
        /// The path.
        path: PathBuf,
        /// The longest possible one.
        limit: usize,
    },
    /// The folder of the socket could not be made, or others may enter it.
    #[error("the folder `{}` cannot hold a private socket", path.display())]
    SocketFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A window was to be opened in a folder that can't be entered.
    #[error("no window can be opened in `{}`", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A window was to run a program that is not there, or none at all.
    #[error("no window can be opened for it")]
    Program(#[from] NotFound),
    /// A variable that tmux would drop or replace.
    #[error("the variable `{name}` cannot be given to a tmux window: {why}")]
    Variable {
        /// Its name.
        name: String,
        /// Why.
        why: &'static str,
    },
}

impl TmuxError {
    /// What to do about it, where that can be told.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing(_) => Some("install the package `tmux`, or run the threads without windows"),
            Self::Old { .. } | Self::Unknown { .. } => {
                Some("install a newer tmux, or name one in `WORK_TMUX`")
            }
            Self::SocketPath { .. } => Some("set `XDG_RUNTIME_DIR` to a shorter path"),
            _ => None,
        }
    }

    fn message(&self) -> &str {
        match self {
            Self::Refused { message, .. } => message,
            _ => "",
        }
    }

    /// No server listens on the socket, or it ended while it was asked.
    pub(super) fn is_no_server(&self) -> bool {
        let message = self.message();
        ["no server running on", "lost server", "server exited", "(No such file or directory)"]
            .iter()
            .any(|sign| message.contains(sign))
    }

    /// The server has no such session, or none at all.
    pub(super) fn is_no_session(&self) -> bool {
        let message = self.message();
        ["can't find session", "no current target"].iter().any(|sign| message.contains(sign))
    }

    /// The server has no such window.
    pub(super) fn is_no_window(&self) -> bool {
        self.message().contains("can't find window")
    }

    /// Someone else made the session in the meantime.
    pub(super) fn is_duplicate(&self) -> bool {
        self.message().contains("duplicate session")
    }
}
