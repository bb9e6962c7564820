//! What is written down of the agent processes that run (`servers/…json`, 0600: it may hold a password),
//! so that whoever comes after a runtime that was killed can end what that one left.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::agent::child::{ServerRecord, StartHook, stop_leftover};
use crate::engine::owner;
use crate::model::Owner;
use crate::sys::{atomic, paths};

/// A process and the runtime that started it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Running {
    owner: Owner,
    server: ServerRecord,
}

/// The folder of these files.
#[derive(Debug)]
pub(super) struct Ledger {
    folder: PathBuf,
    swept: OnceCell<()>,
}

impl Ledger {
    /// That of a private folder, `.git/work`.
    pub(super) fn new(private: &Path) -> Self {
        Self { folder: private.join("servers"), swept: OnceCell::new() }
    }

    /// Ends the processes whose runtime is dead. Whoever comes while that is done for the first time
    /// waits; what other runtimes leave later is ended beside the work.
    pub(super) async fn sweep(&self) {
        let mut first = false;
        self.swept
            .get_or_init(|| {
                first = true;
                sweep(leftovers(&self.folder))
            })
            .await;
        if !first {
            tokio::spawn(sweep(leftovers(&self.folder)));
        }
    }

    /// Writes down the one server that this runtime shares among all threads, whenever more is known of it.
    pub(super) fn write_server(&self, server: &ServerRecord) {
        self.write(&self.server_file(), server);
    }

    /// The shared server is gone, or never started.
    pub(super) fn forget_server(&self) {
        // The file of a server that never started is not there.
        let _ = std::fs::remove_file(self.server_file());
    }

    /// Writes down a process of which this runtime may have many, as long as it is there.
    pub(super) fn hook(self: &Arc<Self>) -> StartHook {
        let ledger = Arc::clone(self);
        Arc::new(move |left| {
            let file = ledger.folder.join(format!("{}-{}.json", std::process::id(), &left.marker[..8]));
            ledger.write(&file, left);
            Box::new(move || drop(std::fs::remove_file(file)))
        })
    }

    fn server_file(&self) -> PathBuf {
        self.folder.join(format!("{}.json", std::process::id()))
    }

    fn write(&self, file: &Path, server: &ServerRecord) {
        if let Err(error) = self.try_write(file, server) {
            tracing::warn!(%error, "an agent's process could not be written down; if we are killed, it stays");
        }
    }

    fn try_write(&self, file: &Path, server: &ServerRecord) -> Result<(), String> {
        paths::private_dir(&self.folder).map_err(|error| error.to_string())?;
        let running = Running { owner: owner::current(), server: server.clone() };
        let bytes = serde_json::to_vec(&running).map_err(|error| error.to_string())?;
        atomic::write_private(file, &bytes).map_err(|error| error.to_string())
    }
}

/// What is to end of that which dead runtimes have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The agents that were kept for threads; nobody can talk to them any more.
    Agents,
    /// Shared servers as well, with whatever still runs on them.
    All,
}

/// Ends what dead runtimes have left, below a private folder, and tells how many of their agents and servers
/// that were.
pub async fn end_left(private: &Path, what: Left) -> usize {
    let mut left = leftovers(&private.join("servers"));
    // An agent of a thread has its marker in the name of its record; a server is its runtime's only one.
    let is_agent = |file: &Path| file.file_stem().is_some_and(|stem| stem.to_string_lossy().contains('-'));
    left.retain(|(file, _)| what == Left::All || is_agent(file));
    let count = left.len();
    sweep(left).await;
    count
}

async fn sweep(left: Vec<(PathBuf, Running)>) {
    for (file, left) in left {
        tracing::info!(pid = left.server.identity.pid, "ending an agent's process that was left behind");
        stop_leftover(&left.server).await;
        // If it can't be removed, the next one finds a dead process: no harm.
        let _ = std::fs::remove_file(file);
    }
}

/// The records of dead runtimes. A file that makes no sense is none of ours.
fn leftovers(folder: &Path) -> Vec<(PathBuf, Running)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let running: Running = serde_json::from_slice(&std::fs::read(entry.path()).ok()?).ok()?;
            (!owner::is_alive(&running.owner)).then(|| (entry.path(), running))
        })
        .collect()
}
