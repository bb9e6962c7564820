//! Where the supervisor is found: a socket, and the record that names it; for as long as it lives.
//!
//! Somebody may sweep them away while it holds the lock: then nobody reaches it, and nobody else can serve.
//! It is told of that by the system, and makes them anew.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::engine::owner;
use crate::ipc::{Endpoint, SupervisorRecord, VERSION};
use crate::sys::{atomic, paths, watch};

/// How often we look where the system does not tell; and when we try again what has failed.
const LOOK: Duration = Duration::from_secs(10);

/// The listening supervisor.
pub(super) struct Found {
    listener: UnixListener,
    place: Place,
    /// Told when the files may be gone.
    removed: Arc<Notify>,
    /// When to look, where nobody tells.
    look: Option<Instant>,
}

impl Found {
    /// What `place` has announced.
    pub(super) fn new(listener: UnixListener, place: Place) -> Self {
        let mut found = Self { listener, place, removed: Arc::default(), look: None };
        found.watch();
        found
    }

    fn watch(&mut self) {
        let removed = Arc::clone(&self.removed);
        let files = [&*self.place.socket, &*self.place.record];
        let watched = watch::when_removed(&files, move || removed.notify_one());
        // What was taken away just before we watched is seen at the next look.
        self.look = (!watched || !self.place.is_there()).then(|| Instant::now() + LOOK);
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> UnixStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => return stream,
                Err(error) => {
                    // Out of descriptors, most likely; the next one may fit.
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Waits until the socket or the record may have been taken away.
    pub(super) async fn swept(&self) {
        match self.look {
            Some(at) => sleep_until(at).await,
            None => self.removed.notified().await,
        }
    }

    /// Listens anew when somebody has taken our socket or record away: we hold the lock, so nobody else can.
    pub(super) fn stay(&mut self) {
        if !self.place.is_there() {
            match self.place.announce().and_then(UnixListener::from_std) {
                Ok(fresh) => {
                    tracing::warn!("the socket or the record was gone; both are made anew");
                    self.listener = fresh;
                }
                Err(error) => {
                    tracing::warn!(%error, "the socket is gone, and can't be made anew");
                    self.look = Some(Instant::now() + LOOK);
                    return;
                }
            }
        }
        self.watch();
    }

    /// Whoever comes from here on finds nobody, at once.
    pub(super) fn leave(self) {
        drop(self.listener);
        self.place.leave();
    }
}

/// The files. Written only by whoever holds the lock.
pub(super) struct Place {
    pub(super) socket: PathBuf,
    record: PathBuf,
}

impl Place {
    /// Those of `endpoint`.
    pub(super) fn new(endpoint: &Endpoint) -> Self {
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
    fn is_there(&self) -> bool {
        self.socket.exists() && self.record.exists()
    }

    /// Takes both away. We still hold the lock, so they are ours.
    fn leave(&self) {
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
