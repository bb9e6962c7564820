//! opencode in the pool: one server for all threads, or one program a turn where it is too old for that.
//!
//! What it starts it writes down (`servers/PID.json`, 0600: it holds a password), so that whoever
//! comes after a runtime that was killed can end what that one left.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::agent::opencode::{
    Opencode, OpencodeRun, RunOptions, ServerOptions, ServerRecord, StartHook, find_program, stop_leftover,
};
use crate::agent::{Backend as _, OpenRequest, Session};
use crate::engine::owner;
use crate::model::{Failure, FailureKind, Owner};
use crate::runtime::RuntimeSettings;
use crate::sys::{atomic, paths};

/// A server and the runtime that started it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Running {
    owner: Owner,
    server: ServerRecord,
}

/// The server of this runtime. Cheap to ask; starts nothing by itself.
pub(super) struct Servers {
    root: PathBuf,
    private: PathBuf,
    program: Option<PathBuf>,
    opencode: Mutex<Option<Opencode>>,
    /// What is used in its place, when its program is too old to be a server.
    old: Mutex<Option<(Failure, OpencodeRun)>>,
    running: Arc<Mutex<Option<ServerRecord>>>,
    swept: OnceCell<()>,
}

impl Servers {
    pub(super) fn new(settings: &RuntimeSettings) -> Self {
        Self {
            root: settings.root.clone(),
            private: settings.private.clone(),
            program: settings.opencode.clone(),
            opencode: Mutex::default(),
            old: Mutex::default(),
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

    /// A session of opencode: on its server, which starts with the first one, or, when it is too old for
    /// that, by `opencode run`, of which `warn` hears.
    ///
    /// # Errors
    /// `AgentMissing` when the program is not there; else those of the backend.
    pub(super) async fn open(
        &self,
        request: OpenRequest,
        warn: &(dyn Fn(String) + Send + Sync),
    ) -> Result<Box<dyn Session>, Failure> {
        self.sweep().await;
        let program = find_program(self.program.as_deref())?;
        if self.too_old().is_none() {
            match self.opencode(&program).open(request.clone()).await {
                Err(failure) if failure.kind == FailureKind::AgentTooOld => {
                    tracing::warn!(%failure, "falling back to `opencode run`");
                    self.fall_back(program, failure);
                }
                opened => return opened,
            }
        }
        let (failure, run) =
            self.too_old().ok_or_else(|| Failure::new(FailureKind::AgentMissing, "stopped"))?;
        warn(format!(
            "{}, so `opencode run` is used: no UI, no live text, nothing can be allowed or answered, and a \
             session's id is known only with its first words",
            failure.message
        ));
        run.open(request).await
    }

    /// The backend on the shared server, for what only that can do. It starts when it is used.
    ///
    /// # Errors
    /// `AgentMissing` when the program is not there; `AgentTooOld` when it is known to be.
    pub(super) async fn server(&self) -> Result<Opencode, Failure> {
        self.sweep().await;
        match self.too_old() {
            Some((failure, _)) => Err(failure),
            None => Ok(self.opencode(&find_program(self.program.as_deref())?)),
        }
    }

    fn opencode(&self, program: &Path) -> Opencode {
        let mut held = self.opencode.lock().unwrap_or_else(PoisonError::into_inner);
        held.get_or_insert_with(|| Opencode::new(self.options(program.to_owned()))).clone()
    }

    fn too_old(&self) -> Option<(Failure, OpencodeRun)> {
        self.old.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From here on the server is not tried any more; a new supervisor tries it again.
    fn fall_back(&self, program: PathBuf, because: Failure) {
        let (root, servers) = (self.root.clone(), self.servers());
        let on_start: StartHook = Arc::new(move |left| {
            let file = servers.join(format!("{}-{}.json", std::process::id(), &left.marker[..8]));
            if let Err(error) = write_down(&servers, &file, left) {
                tracing::warn!(%error, "a program could not be written down; if we are killed, it stays");
            }
            Box::new(move || drop(std::fs::remove_file(file)))
        });
        let options =
            RunOptions { program, root, env: Vec::new(), because: because.clone(), on_start: Some(on_start) };
        let mut held = self.old.lock().unwrap_or_else(PoisonError::into_inner);
        held.get_or_insert_with(|| (because, OpencodeRun::new(options)));
    }

    fn options(&self, program: PathBuf) -> ServerOptions {
        let log = self.private.join("opencode.log");
        let mut options = ServerOptions::new(program, self.root.clone(), log, self.private.join("opencode"));
        let (servers, running) = (self.servers(), Arc::clone(&self.running));
        options.on_start = Some(Arc::new(move |server: &ServerRecord| {
            *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(server.clone());
            if let Err(error) = write_down(&servers, &own_file(&servers), server) {
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
        self.running().is_some() || self.too_old().is_some()
    }

    /// The agent processes, in words.
    pub(super) fn describe(&self) -> Vec<String> {
        let words = |server: ServerRecord| {
            format!("opencode serve, process {}, {}", server.identity.pid, server.url.unwrap_or_default())
        };
        let runs = self.too_old().map_or(0, |(_, run)| run.live());
        let runs = (runs > 0).then(|| format!("opencode run, {runs} of it"));
        self.running().map(words).into_iter().chain(runs).collect()
    }

    /// Ends them.
    pub(super) async fn shutdown(&self) {
        let held = self.opencode.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(opencode) = held {
            opencode.shutdown().await;
        }
        if let Some((_, run)) = self.too_old() {
            run.shutdown().await;
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

fn write_down(servers: &Path, file: &Path, server: &ServerRecord) -> Result<(), String> {
    paths::private_dir(servers).map_err(|error| error.to_string())?;
    let running = Running { owner: owner::current(), server: server.clone() };
    let bytes = serde_json::to_vec(&running).map_err(|error| error.to_string())?;
    atomic::write_private(file, &bytes).map_err(|error| error.to_string())
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
