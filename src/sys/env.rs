//! The environment of the process, read once at the start.

use std::ffi::OsString;
use std::path::PathBuf;

use super::clock::Clock;

/// What marks the processes that belong to an agent's server, by a secret value. Whoever must outlive
/// the server, and was started by one of its tools, starts without it.
pub const SERVER_MARKER: &str = "WORK_SERVER";

/// Every variable that changes what `work` does.
#[derive(Debug, Clone)]
pub struct Env {
    /// `WORK_ROOT`: the checkout whose `work/` folder is meant. Set in every agent's environment.
    pub root: Option<PathBuf>,
    /// `WORK_STREAM`: the stream that an agent works for.
    pub stream: Option<String>,
    /// `WORK_THREAD`: the thread that an agent works for.
    pub thread: Option<String>,
    /// `WORK_CLOCK`: a fixed time (RFC 3339), for tests.
    pub clock: Clock,
    /// `WORK_OPENCODE`: the opencode program, instead of the one on `PATH`.
    pub opencode: Option<PathBuf>,
    /// `WORK_TMUX`: the tmux program, instead of the one on `PATH`.
    pub tmux: Option<PathBuf>,
    /// `WORK_LAUNCH`: the socket of the `work multi` that opened this window.
    pub launch: Option<PathBuf>,
    /// `TMUX`: the tmux server that we run in (`socket,pid,session`).
    pub tmux_server: Option<OsString>,
    /// `TMUX_PANE`: the pane that we run in.
    pub tmux_pane: Option<String>,
    /// `XDG_RUNTIME_DIR`: where sockets go.
    pub runtime_dir: Option<PathBuf>,
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `USER`, for approvals.
    pub user: Option<String>,
    /// `TERM` says that the terminal can do nothing.
    pub dumb_terminal: bool,
}

#[expect(clippy::disallowed_methods, reason = "this is the seam")]
fn var(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn text(name: &str) -> Option<String> {
    var(name).and_then(|value| value.into_string().ok())
}

impl Env {
    /// Reads the environment. A `WORK_CLOCK` that is no time is an error rather than ignored.
    ///
    /// # Errors
    /// The value of `WORK_CLOCK` and why it is no time.
    pub fn read() -> Result<Self, String> {
        let clock =
            match text("WORK_CLOCK") {
                None => Clock::System,
                Some(value) => Clock::Fixed(value.parse().map_err(|error| {
                    format!("`WORK_CLOCK` is `{value}`, which is no RFC 3339 time: {error}")
                })?),
            };
        Ok(Self {
            root: var("WORK_ROOT").map(PathBuf::from),
            stream: text("WORK_STREAM"),
            thread: text("WORK_THREAD"),
            clock,
            opencode: var("WORK_OPENCODE").map(PathBuf::from),
            tmux: var("WORK_TMUX").map(PathBuf::from),
            launch: var("WORK_LAUNCH").map(PathBuf::from),
            tmux_server: var("TMUX"),
            tmux_pane: text("TMUX_PANE"),
            runtime_dir: var("XDG_RUNTIME_DIR").map(PathBuf::from),
            no_color: var("NO_COLOR").is_some(),
            user: text("USER").or_else(|| text("LOGNAME")),
            dumb_terminal: text("TERM").is_none_or(|term| term == "dumb"),
        })
    }
}

/// The variable as it is now, for the few places that pass it on unread.
#[must_use]
pub fn raw(name: &str) -> Option<OsString> {
    var(name)
}
