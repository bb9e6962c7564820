//! The life of the supervisor process: alone, detached, found by its record, gone without a trace.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::found::{Found, Place};
use super::host::{HostSettings, Source, serve};
use crate::engine::Workspace;
use crate::ipc::{Endpoint, VERSION};
use crate::runtime::{Runtime, RuntimeSettings};
use crate::sys::lock::{self, LockError};
use crate::sys::{paths, process};

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
            let found = Found::new(UnixListener::from_std(listener)?, place);
            let runtime = Arc::new(Runtime::new(runtime));
            runtime.inherit(workspace);
            if let Some(queue) = settings.queue.clone() {
                tokio::task::spawn_blocking(move || {
                    if let Err(error) = queue.recover() {
                        tracing::warn!(%error, "the ends of dead jobs could not be written");
                    }
                });
            }
            serve(runtime, Source::Socket(found), settings).await;
            Ok::<_, io::Error>(())
        })
        .map_err(setup("serve"))?;
    tokio.shutdown_timeout(Duration::from_secs(1));
    tracing::info!("gone");
    Ok(())
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
