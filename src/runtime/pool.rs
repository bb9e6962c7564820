//! The agent processes of this runtime: started when needed, told of, ended together.
//!
//! What it starts it writes down (`servers/PID.json`, 0600: it holds a password), so that whoever
//! comes after a runtime that was killed can end what that one left.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::RuntimeSettings;
use crate::agent::Backend as _;
use crate::agent::opencode::{Opencode, ServerOptions, ServerRecord, find_program, stop_leftover};
use crate::engine::owner;
use crate::model::{Failure, Owner};
use crate::sys::{atomic, paths};

/// A server and the runtime that started it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Running {
    owner: Owner,
    server: ServerRecord,
}

/// The pool. Cheap to ask; starts nothing by itself.
pub(super) struct Pool {
    root: PathBuf,
    private: PathBuf,
    program: Option<PathBuf>,
    opencode: Mutex<Option<Opencode>>,
    running: Arc<Mutex<Option<ServerRecord>>>,
    swept: OnceCell<()>,
}

impl Pool {
    pub(super) fn new(settings: &RuntimeSettings) -> Self {
        Self {
            root: settings.root.clone(),
            private: settings.private.clone(),
            program: settings.opencode.clone(),
            opencode: Mutex::default(),
            running: Arc::default(),
            swept: OnceCell::new(),
        }
    }

    fn servers(&self) -> PathBuf {
        self.private.join("servers")
    }

    /// Ends the servers whose runtime is dead. Whoever comes while that is done for the first time
    /// waits; what other runtimes leave later is ended beside the work.
    pub(super) async fn sweep(&self) {
        let mut first = false;
        self.swept
            .get_or_init(|| {
                first = true;
                sweep(leftovers(&self.servers()))
            })
            .await;
        if !first {
            tokio::spawn(sweep(leftovers(&self.servers())));
        }
    }

    /// The opencode backend. Its server starts with the first session.
    ///
    /// # Errors
    /// `AgentMissing` when the program is not there.
    pub(super) async fn opencode(&self) -> Result<Opencode, Failure> {
        self.sweep().await;
        let program = find_program(self.program.as_deref())?;
        let mut held = self.opencode.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(held.get_or_insert_with(|| Opencode::new(self.options(program))).clone())
    }

    fn options(&self, program: PathBuf) -> ServerOptions {
        let log = self.private.join("opencode.log");
        let mut options = ServerOptions::new(program, self.root.clone(), log, self.private.join("opencode"));
        let (servers, running) = (self.servers(), Arc::clone(&self.running));
        options.on_start = Some(Arc::new(move |server: &ServerRecord| {
            *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(server.clone());
            if let Err(error) = write_down(&servers, server) {
                tracing::warn!(%error, "a server could not be written down; if we are killed, it stays");
            }
        }));
        options
    }

    /// The live server, if there is one.
    fn running(&self) -> Option<ServerRecord> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        running.filter(|server| server.url.is_some() && owner::is_alive(&server.identity))
    }

    /// Whether a session can be opened without waiting for a start.
    pub(super) fn is_warm(&self) -> bool {
        self.running().is_some()
    }

    /// The agent processes, in words.
    pub(super) fn describe(&self) -> Vec<String> {
        let words = |server: ServerRecord| {
            format!("opencode serve, process {}, {}", server.identity.pid, server.url.unwrap_or_default())
        };
        self.running().map(words).into_iter().collect()
    }

    /// Ends them.
    pub(super) async fn shutdown(&self) {
        let held = self.opencode.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(opencode) = held {
            opencode.shutdown().await;
        }
        // The file of a server that never started is not there.
        let _ = std::fs::remove_file(own_file(&self.servers()));
    }
}

async fn sweep(left: Vec<(PathBuf, Running)>) {
    for (file, left) in left {
        tracing::info!(pid = left.server.identity.pid, "ending a server that was left behind");
        stop_leftover(&left.server).await;
        // If it can't be removed, the next one finds a dead server: no harm.
        let _ = std::fs::remove_file(file);
    }
}

fn own_file(servers: &Path) -> PathBuf {
    servers.join(format!("{}.json", std::process::id()))
}

fn write_down(servers: &Path, server: &ServerRecord) -> Result<(), String> {
    paths::private_dir(servers).map_err(|error| error.to_string())?;
    let running = Running { owner: owner::current(), server: server.clone() };
    let bytes = serde_json::to_vec(&running).map_err(|error| error.to_string())?;
    atomic::write_private(&own_file(servers), &bytes).map_err(|error| error.to_string())
}

/// The records of dead runtimes. A file that makes no sense is none of ours.
fn leftovers(servers: &Path) -> Vec<(PathBuf, Running)> {
    let Ok(entries) = std::fs::read_dir(servers) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let running: Running = serde_json::from_slice(&std::fs::read(entry.path()).ok()?).ok()?;
            (!owner::is_alive(&running.owner)).then(|| (entry.path(), running))
        })
        .collect()
}
