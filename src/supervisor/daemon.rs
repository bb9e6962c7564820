//! The life of the supervisor process: alone, detached, found by its record, gone without a trace.

use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::host::{HostSettings, Source, serve};
use crate::engine::{Workspace, owner};
use crate::ipc::{Endpoint, SupervisorRecord, VERSION};
use crate::runtime::{Runtime, RuntimeSettings};
use crate::sys::lock::{self, LockError};
use crate::sys::{atomic, paths, process};

/// Why a supervisor could not serve.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is one already.
    #[error("another supervisor serves this repository")]
    AlreadyServing,
    /// Something that it needs could not be made.
    #[error("cannot {what}")]
    Setup {
        /// What was being done.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

fn setup<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> RunError {
    let what = what.into();
    move |error| RunError::Setup { what, source: error.into() }
}

/// How long the lock may be held by somebody who only looks at it.
const PROBED: Duration = Duration::from_millis(500);

/// What the starter waits for on our standard output.
pub(super) const READY: &[u8] = b"ready\n";

/// Serves the repository until idle, stopped or told to end.
///
/// With `detached` the process leaves its terminal and session and closes every inherited descriptor,
/// and reports `READY` on its standard output before it lets go of that.
///
/// # Errors
/// [`RunError`].
pub fn run(
    workspace: &Workspace,
    endpoint: &Endpoint,
    runtime: RuntimeSettings,
    settings: HostSettings,
    detached: bool,
) -> Result<(), RunError> {
    if detached {
        process::detach().map_err(setup("leave the terminal"))?;
    }
    paths::private_dir(&endpoint.private).map_err(setup("make the private folder"))?;
    // Somebody who only looks at the lock is in its way for a moment.
    let _alone = lock::acquire(&endpoint.lock(), PROBED).map_err(|error| match error {
        LockError::Held { .. } => RunError::AlreadyServing,
        error => RunError::Setup { what: "take the lock".into(), source: io::Error::other(error) },
    })?;
    super::log::start(&endpoint.log(), detached).map_err(setup("open the log"))?;
    let place = Place::new(endpoint);
    let listener = place.announce().map_err(setup(format!("listen on `{}`", place.socket.display())))?;
    if detached {
        io::stdout().write_all(READY).and_then(|()| io::stdout().flush()).map_err(setup("report"))?;
        process::let_go_of_stdout().map_err(setup("let go of standard output"))?;
    }
    endpoint.sweep();
    tracing::info!(version = VERSION, socket = %place.socket.display(), "serving");
    // Only now, since nothing may be forked off after the runtime has threads.
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(setup("build the runtime"))?;
    tokio
        .block_on(async {
            let listener = UnixListener::from_std(listener)?;
            let runtime = Arc::new(Runtime::new(runtime));
            runtime.inherit(workspace);
            if let Some(queue) = settings.queue.clone() {
                tokio::task::spawn_blocking(move || {
                    if let Err(error) = queue.recover() {
                        tracing::warn!(%error, "the ends of dead jobs could not be written");
                    }
                });
            }
            serve(runtime, Source::Listener(listener, place), settings).await;
            Ok::<_, io::Error>(())
        })
        .map_err(setup("serve"))?;
    tokio.shutdown_timeout(Duration::from_secs(1));
    tracing::info!("gone");
    Ok(())
}

/// Where we are found: a socket, and the record that names it. Written only by whoever holds the lock.
pub(super) struct Place {
    socket: PathBuf,
    record: PathBuf,
}

impl Place {
    fn new(endpoint: &Endpoint) -> Self {
        Self { socket: endpoint.socket(), record: endpoint.record() }
    }

    /// Listens, and writes down where.
    pub(super) fn announce(&self) -> io::Result<std::os::unix::net::UnixListener> {
        if let Some(folder) = self.socket.parent() {
            paths::private_dir(folder)?;
        }
        let listener = listen(&self.socket)?;
        let (owner, version) = (owner::current(), VERSION.to_owned());
        let record = SupervisorRecord { owner, version, socket: self.socket.clone() };
        let bytes = serde_json::to_vec_pretty(&record)?;
        atomic::write_private(&self.record, &bytes).map_err(io::Error::other)?;
        Ok(listener)
    }

    /// Whether both can be found.
    pub(super) fn is_there(&self) -> bool {
        self.socket.exists() && self.record.exists()
    }

    /// Takes both away. We still hold the lock, so they are ours.
    pub(super) fn leave(&self) {
        // What is gone already is what we want.
        let _ = std::fs::remove_file(&self.socket);
        let _ = std::fs::remove_file(&self.record);
    }
}

/// A listening socket of mode 0600. It gets its name only when it listens, so that whoever finds
/// the name finds somebody behind it.
fn listen(socket: &PathBuf) -> io::Result<std::os::unix::net::UnixListener> {
    let fresh = socket.with_extension("new");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(&fresh)?;
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    std::fs::rename(&fresh, socket)?;
    Ok(listener)
}

/// The signals that ask us to end.
pub(super) struct Signals {
    wanted: Vec<Signal>,
}

impl Signals {
    /// Listens to none.
    pub(super) fn none() -> Self {
        Self { wanted: Vec::new() }
    }

    pub(super) fn new() -> Self {
        let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
        // A signal that can't be watched keeps its default, which ends us as well.
        Self { wanted: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    /// Waits for one of them.
    pub(super) async fn terminate(&mut self) {
        if self.wanted.is_empty() {
            return std::future::pending().await;
        }
        let any = self.wanted.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(any).await;
    }
}
