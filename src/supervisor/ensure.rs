//! How a command gets a supervisor: the one that serves, a new one, or one within itself.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::daemon::READY;
use super::host::{HostSettings, Source, serve};
use crate::engine::Workspace;
use crate::ipc::{Client, ClientError, Endpoint};
use crate::runtime::{Runtime, RuntimeSettings};
use crate::sys::env::SERVER_MARKER;
use crate::sys::process::Signal;
use crate::sys::{lock, paths, process};

/// Why there is no supervisor to talk to.
#[derive(Debug, thiserror::Error)]
pub enum EnsureError {
    /// Its files can't be made.
    #[error("cannot prepare `{path}`")]
    Files {
        /// The folder.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others are starting one for longer than that can take.
    #[error("another command has been starting the supervisor for too long")]
    StartLocked(#[source] lock::LockError),
    /// The process could not be started, or did not get ready.
    #[error("the supervisor did not start: {why}")]
    NotReady {
        /// Its own last words, or ours.
        why: String,
    },
    /// It is there, and can't be talked to.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// How long a start may take on a busy machine; or one whose files were swept away, to notice that.
const START: Duration = Duration::from_secs(25);

/// How often a start may fail with nobody in its way. The one that was there may have gone just then.
const TRIES: u32 = 3;

/// Connects to the supervisor that serves the repository, or starts one. `program` is this program's
/// absolute path, `root` the repository's.
///
/// Commands that come at the same time wait for the one that starts it. One of another version is
/// asked to finish, and is replaced.
///
/// # Errors
/// [`EnsureError`].
pub fn connect_or_start(endpoint: &Endpoint, program: &Path, root: &Path) -> Result<Client, EnsureError> {
    if let Ok(client) = Client::connect(&endpoint.serving_socket()) {
        return Ok(client);
    }
    paths::private_dir(&endpoint.private)
        .map_err(|source| EnsureError::Files { path: endpoint.private.display().to_string(), source })?;
    let _starting = lock::acquire(&endpoint.start_lock(), START).map_err(EnsureError::StartLocked)?;
    let deadline = Instant::now() + START;
    let mut failures = 0;
    loop {
        let socket = endpoint.serving_socket();
        match Client::connect(&socket) {
            Ok(client) => return Ok(client),
            Err(ClientError::OtherVersion { message }) => make_room(&socket, &message)?,
            Err(ClientError::Unreachable { .. } | ClientError::NoAnswer(_)) => {}
            Err(error @ ClientError::Refused { .. }) => return Err(error.into()),
        }
        let started = start(endpoint, program, root);
        match (Client::connect(&endpoint.serving_socket()), started) {
            (Ok(client), _) => return Ok(client),
            (Err(_), Err(why)) if Instant::now() >= deadline => return Err(EnsureError::NotReady { why }),
            (Err(error), Ok(())) if Instant::now() >= deadline => return Err(error.into()),
            (Err(_), started) => {
                // The old one is on its way out and still holds its lock, or was just swept away and comes back.
                let free = wait_until_free(endpoint, Duration::from_secs(1));
                // With nobody in the way, what failed will fail again.
                if let (true, Err(why)) = (free, started) {
                    failures += 1;
                    if failures == TRIES {
                        return Err(EnsureError::NotReady { why });
                    }
                }
            }
        }
    }
}

/// Asks a supervisor of another version to go.
fn make_room(socket: &Path, versions: &str) -> Result<(), ClientError> {
    match Client::retire(socket) {
        Err(ClientError::Refused { message, .. }) => {
            let message = format!("{versions}; it can't make room, since {message}");
            Err(ClientError::OtherVersion { message })
        }
        // It is gone, or about to: its lock tells.
        Ok(()) | Err(ClientError::Unreachable { .. } | ClientError::NoAnswer(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Waits until no supervisor holds the repository's lock; false when one does so for too long.
#[must_use]
pub fn wait_until_free(endpoint: &Endpoint, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        match lock::probe(&endpoint.lock()) {
            Ok(lock::Probe::Held(_)) if Instant::now() < deadline => {
                std::thread::park_timeout(Duration::from_millis(10));
            }
            Ok(lock::Probe::Held(_)) => return false,
            // What can't be told is found out by the next start.
            Ok(lock::Probe::Free) | Err(_) => return true,
        }
    }
}

/// Whether there is no supervisor: a connection to one that has just died is accepted, and closed with
/// its other files, lock included.
#[must_use]
pub fn is_gone(endpoint: &Endpoint, error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } => true,
        ClientError::NoAnswer(_) => wait_until_free(endpoint, Duration::from_secs(1)),
        ClientError::OtherVersion { .. } | ClientError::Refused { .. } => false,
    }
}

/// Starts a supervisor and waits until it is ready.
fn start(endpoint: &Endpoint, program: &Path, root: &Path) -> Result<(), String> {
    let log = super::log::open(&endpoint.log()).map_err(|error| format!("cannot open its log: {error}"))?;
    // No process group of its own: it makes itself the leader of a session, which a group's leader can't.
    let mut command = process::foreground(program);
    command.args(["supervisor", "run", "--detached", "--repo"]).arg(root);
    // It serves every stream and thread, and outlives whoever starts it; the last one would make it the
    // property of the agent that happened to do so.
    for name in ["WORK_LAUNCH", "WORK_THREAD", "WORK_STREAM", "TMUX", "TMUX_PANE", SERVER_MARKER] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).current_dir("/");
    let mut child =
        command.spawn().map_err(|error| format!("cannot start `{}`: {error}", program.display()))?;
    let pid = child.id();
    let stdout = child.stdout.take();
    let (said, ready) = mpsc::channel();
    // Reaped by whoever reaps orphans; as long as we live, by this thread.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // It closes its standard output when it is ready, or by exiting.
        let read = stdout.map(|stdout| stdout.take(64).read_to_end(&mut bytes));
        if read.is_some_and(|read| read.is_ok()) && bytes == READY {
            let _ = said.send(Ok(()));
        }
        let status = child.wait();
        // Whoever heard that it is ready listens no more.
        let _ = said.send(Err(status.map_or_else(|error| error.to_string(), |status| status.to_string())));
    });
    match ready.recv_timeout(START) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(status)) => Err(format!("{status}; see `{}`", endpoint.log().display())),
        Err(_) => {
            // Our own child, which was not reaped: its pid is still its own.
            process::signal_process(pid, Signal::SIGKILL);
            Err(format!("it was not ready within {} s; see `{}`", START.as_secs(), endpoint.log().display()))
        }
    }
}

/// The same runtime within this process: its client ends it by hanging up.
///
/// The second value waits until the agents are gone.
///
/// # Errors
/// [`EnsureError`].
pub fn in_process(
    workspace: &Workspace,
    runtime: RuntimeSettings,
    settings: HostSettings,
) -> Result<(Client, impl FnOnce() + use<>), EnsureError> {
    let not_ready = |error: io::Error| EnsureError::NotReady { why: error.to_string() };
    let (ours, theirs) = UnixStream::pair().map_err(not_ready)?;
    theirs.set_nonblocking(true).map_err(not_ready)?;
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(not_ready)?;
    let workspace = workspace.clone();
    let thread = std::thread::spawn(move || {
        tokio.block_on(async move {
            let runtime = Arc::new(Runtime::new(runtime));
            runtime.recover(&workspace);
            match tokio::net::UnixStream::from_std(theirs) {
                Ok(stream) => serve(runtime, Source::One(stream), settings).await,
                Err(error) => tracing::error!(%error, "the connection within the process failed"),
            }
        });
    });
    let client = Client::greet(ours)?;
    let join = move || {
        // A panic in there was a failed turn, and has been told.
        let _ = thread.join();
    };
    Ok((client, join))
}
