//! opencode in the pool: one server for all threads, or one program a turn where it is too old for that.
//!
//! What it starts it writes down (`servers/PID.json`, 0600: it holds a password), so that whoever
//! comes after a runtime that was killed can end what that one left.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::agent::opencode::{
    Opencode, OpencodeRun, RunOptions, ServerOptions, ServerRecord, StartHook, find_program, stop_leftover,
};
use crate::agent::{Backend as _, OpenRequest, Session};
use crate::engine::owner;
use crate::model::{Failure, FailureKind, Owner, SessionId};
use crate::runtime::RuntimeSettings;
use crate::sys::identity::Identity;
use crate::sys::{atomic, paths, process};

/// A server and the runtime that started it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Running {
    owner: Owner,
    server: ServerRecord,
    /// Its runtime is a supervisor's: the turns on it may outlive that one.
    #[serde(default)]
    serves: bool,
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
    /// We are a supervisor's.
    serves: Arc<AtomicBool>,
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
            serves: Arc::default(),
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

    /// Takes over the server that a dead supervisor left, with all that runs on it, and gives who had it. From
    /// here on ours is one that the next supervisor may take over.
    ///
    /// Only for a supervisor: it holds the repository's lock, so whoever else was one is dead, or dies.
    pub(super) async fn take_over(&self) -> Option<Owner> {
        self.serves.store(true, Ordering::Relaxed);
        let program = find_program(self.program.as_deref()).ok()?;
        for (file, left) in read_all(&self.servers()) {
            if !left.serves || left.server.url.is_none() || left.owner == owner::current() {
                continue;
            }
            wait_for_death(&left.owner).await;
            let Some(taken) = claim(&file) else { continue };
            let options = self.options(program.clone());
            let kept = match self.opencode(&program).take_over(&left.server, &options).await {
                Ok(()) => {
                    tracing::info!(pid = left.server.identity.pid, "taking over a server that was left");
                    if let Some(write_down) = &options.on_start {
                        write_down(&left.server);
                    }
                    true
                }
                Err(failure) => {
                    tracing::info!(%failure, "a server that was left can't be taken over");
                    stop_leftover(&left.server).await;
                    false
                }
            };
            // If it can't be removed, the next one finds what it says: no harm.
            let _ = std::fs::remove_file(taken);
            if kept {
                return Some(left.owner);
            }
        }
        None
    }

    /// Cancels whatever a session does, if the server lives.
    pub(super) async fn abandon(&self, session: &SessionId, directory: &Path) {
        let opencode = self.opencode.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Some(opencode), Some(_)) = (opencode, self.running()) else { return };
        if let Err(failure) = opencode.abandon(session, directory).await {
            tracing::warn!(%failure, %session, "a session that nobody follows could not be cancelled");
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
            if let Err(error) = write_down(&servers, &file, left, false) {
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
        let serves = Arc::clone(&self.serves);
        options.on_start = Some(Arc::new(move |server: &ServerRecord| {
            *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(server.clone());
            let serves = serves.load(Ordering::Relaxed);
            if let Err(error) = write_down(&servers, &own_file(&servers), server, serves) {
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

fn write_down(servers: &Path, file: &Path, server: &ServerRecord, serves: bool) -> Result<(), String> {
    paths::private_dir(servers).map_err(|error| error.to_string())?;
    let running = Running { owner: owner::current(), server: server.clone(), serves };
    let bytes = serde_json::to_vec(&running).map_err(|error| error.to_string())?;
    atomic::write_private(file, &bytes).map_err(|error| error.to_string())
}

/// The records of dead runtimes.
fn leftovers(servers: &Path) -> Vec<(PathBuf, Running)> {
    let mut all = read_all(servers);
    all.retain(|(file, running)| !owner::is_alive(&running.owner) && !is_being_taken(file));
    all
}

/// All records. A file that makes no sense is none of ours.
fn read_all(servers: &Path) -> Vec<(PathBuf, Running)> {
    let Ok(entries) = std::fs::read_dir(servers) else { return Vec::new() };
    let running = |path: PathBuf| {
        let running = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        Some((path, running))
    };
    entries.flatten().filter_map(|entry| running(entry.path())).collect()
}

/// Makes a record ours alone, so that nobody ends the server that we take over. `None`: somebody was faster.
fn claim(file: &Path) -> Option<PathBuf> {
    let taken = file.with_file_name(format!("{}.{TAKEN}", std::process::id()));
    std::fs::rename(file, &taken).ok().map(|()| taken)
}

/// The end of the name of a record that somebody takes over; its beginning is their process id.
const TAKEN: &str = "taken";

fn is_being_taken(file: &Path) -> bool {
    let is_taken = file.extension().is_some_and(|end| end == TAKEN);
    let by = file.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
    is_taken && by.and_then(Identity::of).is_some()
}

/// How long a process may take to die that has let go of its lock.
const DYING: Duration = Duration::from_secs(3);

async fn wait_for_death(owner: &Owner) {
    let Owner { pid, started_at, boot_id, host } = owner.clone();
    let identity = Identity { pid, started_at, boot_id, host };
    let ended = tokio::task::spawn_blocking(move || process::wait_for_end(&identity));
    // One that lives on keeps its turns: they are taken over only from the dead.
    let _ = timeout(DYING, ended).await;
}
