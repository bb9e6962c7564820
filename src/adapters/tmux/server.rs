//! A tmux server: the user's, when we run inside of it, or one of our own.

use std::ffi::{OsStr, OsString};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::TmuxError;
use super::list::List;
use super::names::SessionName;
use super::program::{PATIENCE, Program};
use super::window::{PANE_OPTION, Window, WindowId, parse_window, window_format};
use crate::sys::env::SERVER_MARKER;
use crate::sys::process::{self, Output, RunError};

/// The longest path of a socket (`sun_path` less its NUL).
const SOCKET_PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// A server, by its socket.
#[derive(Debug, Clone)]
pub struct Server {
    program: Program,
    socket: PathBuf,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    /// A server of our own, which no configuration of the user's reaches.
    Private,
    /// The server that we run in; the pane leads it to the client that looks at us.
    Inside { pane: Option<String> },
}

impl Server {
    /// The server that we run in, by `$TMUX` and `$TMUX_PANE`; `None` when it is gone, when another
    /// has taken its socket, or when we may not talk to it.
    #[must_use]
    pub fn inside(program: &Program, tmux: &OsStr, pane: Option<&str>) -> Option<Self> {
        let (socket, pid) = address_of(tmux)?;
        let place = Place::Inside { pane: pane.map(str::to_owned) };
        let server = Self { program: program.clone(), socket, place };
        let answer = server.run(List::new().words(&["display-message", "-p", "#{pid}"])).ok()?;
        (answer.text().as_bytes() == pid).then_some(server)
    }

    /// A server of our own at `socket`, started with its first window. The folder of the socket is
    /// made, open to nobody else.
    ///
    /// # Errors
    /// The path is too long, or its folder can't be made or is open to others.
    pub fn private(program: &Program, socket: &Path) -> Result<Self, TmuxError> {
        if socket.as_os_str().len() > SOCKET_PATH_LIMIT {
            return Err(TmuxError::SocketPath { path: socket.to_owned(), limit: SOCKET_PATH_LIMIT });
        }
        let folder = socket.parent().unwrap_or(Path::new("/"));
        own_folder(folder).map_err(|source| TmuxError::SocketFolder { path: folder.to_owned(), source })?;
        Ok(Self { program: program.clone(), socket: socket.to_owned(), place: Place::Private })
    }

    /// The server of a socket, which may be anybody's; nothing is started at it.
    pub(super) fn existing(program: &Program, socket: &Path) -> Self {
        Self { program: program.clone(), socket: socket.to_owned(), place: Place::Inside { pane: None } }
    }

    /// Whether it is our own server, so that a person has to [`attach`](Self::attach) to see it.
    #[must_use]
    pub fn is_private(&self) -> bool {
        matches!(self.place, Place::Private)
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Windows that we opened, of one session or of the whole server, with these tags of theirs. No
    /// server and no session mean no windows.
    ///
    /// # Errors
    /// What tmux said.
    pub fn list_windows(
        &self,
        session: Option<&SessionName>,
        tags: &[&'static str],
    ) -> Result<Vec<Window>, TmuxError> {
        let list = List::new().command("list-panes").args(["-F", &window_format(tags)]);
        let list = match session {
            Some(session) => list.args(["-s", "-t", &session.target()]),
            None => list.arg("-a"),
        };
        let output = match self.run(list) {
            Err(error) if error.is_no_session() || error.is_no_server() => return Ok(Vec::new()),
            result => result?,
        };
        let mut windows: Vec<Window> =
            output.text().lines().filter_map(|line| parse_window(line, tags)).collect();
        // A window that is linked into two sessions is still one.
        windows.sort_by_key(|window| window.id);
        windows.dedup_by_key(|window| window.id);
        Ok(windows)
    }

    /// Whether the server runs and has the session.
    ///
    /// # Errors
    /// What tmux said.
    pub fn session_exists(&self, session: &SessionName) -> Result<bool, TmuxError> {
        match self.run(List::new().command("has-session").args(["-t", &session.target()])) {
            Err(error) if error.is_no_session() || error.is_no_server() => Ok(false),
            result => result.map(|_| true),
        }
    }

    /// Closes a window of ours; its program gets SIGHUP. A window that is gone is no error, and one
    /// that is not ours (an id of an earlier server) is left alone.
    ///
    /// # Errors
    /// What tmux said.
    pub fn kill_window(&self, window: WindowId) -> Result<(), TmuxError> {
        let target = window.to_string();
        let ours = format!("#{{{PANE_OPTION}}}");
        let list = List::new().command("if-shell").args(["-F", "-t", &target, &ours]);
        match self.run(list.arg(format!("kill-window -t {target}"))) {
            Err(error) if error.is_no_window() || error.is_no_server() => Ok(()),
            result => result.map(|_| ()),
        }
    }

    /// Makes a window the current one of its session.
    ///
    /// # Errors
    /// What tmux said, such as that there is no such window.
    pub fn select_window(&self, window: WindowId) -> Result<(), TmuxError> {
        self.run(List::new().command("select-window").args(["-t", &window.to_string()])).map(|_| ())
    }

    /// Brings the session to the terminal that we run in. For a server that we are
    /// [`inside`](Self::inside) of.
    ///
    /// # Errors
    /// What tmux said, such as that nobody is attached.
    pub fn switch_client(&self, session: &SessionName) -> Result<(), TmuxError> {
        self.run(List::new().command("switch-client").args(["-t", &session.target()])).map(|_| ())
    }

    /// The command that attaches the caller's terminal to the session, to be run in the foreground.
    /// For our own server; inside of the user's, [`switch_client`](Self::switch_client) does it.
    #[must_use]
    pub fn attach(&self, session: &SessionName) -> Command {
        let mut command = process::foreground(self.program.path());
        self.address(&mut command);
        command.args(["attach-session", "-t", &session.target()]);
        command
    }

    /// Runs a list of commands.
    pub(super) fn run(&self, list: List) -> Result<Output, TmuxError> {
        self.run_in(Path::new("/"), None, list)
    }

    /// Runs a list of commands from `folder`, and with a `PATH`: tmux gives both to the windows that
    /// it opens, byte for byte, where `-c` would be expanded and `-e PATH` overruled.
    pub(super) fn run_in(
        &self,
        folder: &Path,
        path: Option<&OsStr>,
        list: List,
    ) -> Result<Output, TmuxError> {
        let summary = list.summary();
        let mut command = process::command(self.program.path());
        self.address(&mut command);
        // `-u`, or else what is not ASCII comes back as `_` under some locales.
        command.arg("-u").args(list.into_arguments()?);
        // A `PWD` that names the same folder by another way would win.
        command.current_dir(folder).env("PWD", folder);
        if let Some(path) = path {
            command.env("PATH", path);
        }
        let output = process::run(command, None, PATIENCE).map_err(|error| name_only(error, &summary))?;
        if output.status.success() {
            return Ok(output);
        }
        Err(TmuxError::Refused { command: summary, message: output.error_text() })
    }

    /// Says which server is meant, whatever the environment says.
    fn address(&self, command: &mut Command) {
        // The server that this may start outlives us.
        command.arg("-S").arg(&self.socket).env_remove(SERVER_MARKER);
        match &self.place {
            Place::Private => {
                command.args(["-f", "/dev/null"]).env_remove("TMUX").env_remove("TMUX_PANE");
            }
            Place::Inside { pane: Some(pane) } => {
                command.env("TMUX_PANE", pane);
            }
            Place::Inside { pane: None } => {
                command.env_remove("TMUX_PANE");
            }
        }
    }
}

/// The socket of the server that `$TMUX` names, whether it lives or not.
#[must_use]
pub fn socket_of(tmux: &OsStr) -> Option<PathBuf> {
    address_of(tmux).map(|(socket, _)| socket)
}

/// Socket and process id in `socket,pid,session`; the path may hold commas.
fn address_of(tmux: &OsStr) -> Option<(PathBuf, &[u8])> {
    let mut fields = tmux.as_bytes().rsplitn(3, |&byte| byte == b',');
    let (_session, pid, socket) = (fields.next()?, fields.next()?, fields.next()?);
    Some((PathBuf::from(OsString::from_vec(socket.to_vec())), pid))
}

/// The same error, without the arguments: they hold the environment of a window.
fn name_only(error: RunError, summary: &str) -> RunError {
    let argv = summary.to_owned();
    match error {
        RunError::Start { source, .. } => RunError::Start { argv, source },
        RunError::Timeout { limit, .. } => RunError::Timeout { argv, limit },
        RunError::Io { source, .. } => RunError::Io { argv, source },
    }
}

/// Makes the folder for us alone, or makes sure that it is.
fn own_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mode = std::fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        return Err(io::Error::other(format!("its mode is {mode:03o}, so others may enter; 700 is needed")));
    }
    Ok(())
}
