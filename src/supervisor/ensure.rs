//! How a command gets a supervisor: the one that serves, a new one, or one within itself.

use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::daemon::READY;
use super::host::{HostSettings, Source, serve};
use crate::engine::Workspace;
use crate::ipc::{Client, ClientError, Endpoint};
use crate::runtime::{Runtime, RuntimeSettings};
use crate::sys::env::SERVER_MARKER;
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

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(15);

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
    loop {
        let socket = endpoint.serving_socket();
        match Client::connect(&socket) {
            Ok(client) => return Ok(client),
            Err(ClientError::OtherVersion { .. }) => Client::retire(&socket)?,
            Err(ClientError::Unreachable { .. } | ClientError::NoAnswer(_)) => {}
            Err(error @ ClientError::Refused { .. }) => return Err(error.into()),
        }
        let started = start(endpoint, program, root);
        match (Client::connect(&endpoint.serving_socket()), started) {
            (Ok(client), _) => return Ok(client),
            (Err(_), Err(why)) if Instant::now() >= deadline => return Err(EnsureError::NotReady { why }),
            (Err(error), Ok(())) if Instant::now() >= deadline => return Err(error.into()),
            // The old one is on its way out and still holds its lock.
            (Err(_), _) => wait_for_lock(endpoint, deadline),
        }
    }
}

/// Waits until nobody holds the supervisor's own lock.
fn wait_for_lock(endpoint: &Endpoint, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    // Taken only to know that it is free; who holds it next is decided by the next start.
    drop(lock::acquire(&endpoint.lock(), left));
}

/// Starts a supervisor and waits until it is ready.
fn start(endpoint: &Endpoint, program: &Path, root: &Path) -> Result<(), String> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(endpoint.log())
        .map_err(|error| format!("cannot open its log: {error}"))?;
    // No process group of its own: it makes itself the leader of a session, which a group's leader can't.
    let mut command = process::foreground(program);
    command.args(["supervisor", "run", "--detached", "--repo"]).arg(root);
    // It serves every stream and thread, and outlives whoever starts it.
    for name in ["WORK_LAUNCH", "WORK_THREAD", "WORK_STREAM", "TMUX", "TMUX_PANE", SERVER_MARKER] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).current_dir("/");
    let mut child =
        command.spawn().map_err(|error| format!("cannot start `{}`: {error}", program.display()))?;
    let mut said = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // It closes its standard output when it is ready, or by exiting.
        stdout
            .take(64)
            .read_to_end(&mut said)
            .map_err(|error| format!("lost it while it started: {error}"))?;
    }
    // Reaped by whoever reaps orphans; as long as we live, by this thread.
    let waiter = std::thread::spawn(move || child.wait());
    if said == READY {
        return Ok(());
    }
    let status = waiter.join().ok().and_then(Result::ok);
    let status = status.map_or_else(|| "it vanished".to_owned(), |status| status.to_string());
    Err(format!("{status}; see `{}`", endpoint.log().display()))
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
