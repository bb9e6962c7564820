//! What is written down of the agent processes that run (`servers/…json`, 0600: it may hold a password),
//! so that whoever comes after a runtime that was killed can end what that one left. The one server that all
//! threads of a supervisor share the next supervisor may take over instead; nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::agent::child::{ServerRecord, StartHook, identity, stop_leftover};
use crate::engine::owner;
use crate::model::Owner;
use crate::sys::identity::Identity;
use crate::sys::{atomic, paths, process};

/// The end of the name of a record that somebody takes over; its beginning is their process id.
const TAKEN: &str = "taken";

/// How long a process may take to die that has let go of its lock.
const DYING: Duration = Duration::from_secs(3);

/// A process and the runtime that started it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Running {
    owner: Owner,
    server: ServerRecord,
    /// It is the server that a supervisor's threads share: the turns on it may outlive that supervisor.
    #[serde(default)]
    serves: bool,
}

/// A server that another supervisor left, or is about to leave.
#[derive(Debug)]
pub(super) struct LeftServer {
    file: PathBuf,
    running: Running,
}

/// A server whose record is ours alone, so that nobody ends it.
#[derive(Debug)]
pub(super) struct TakenServer {
    file: PathBuf,
    owner: Owner,
    /// What is known of it.
    pub(super) server: ServerRecord,
}

/// The folder of these files.
#[derive(Debug)]
pub(super) struct Ledger {
    folder: PathBuf,
    swept: OnceCell<()>,
    /// We are a supervisor's.
    serves: AtomicBool,
}

impl Ledger {
    /// That of a private folder, `.git/work`.
    pub(super) fn new(private: &Path) -> Self {
        Self { folder: private.join("servers"), swept: OnceCell::new(), serves: AtomicBool::new(false) }
    }

    /// From here on the next supervisor may take over the server that this runtime shares.
    pub(super) fn serve(&self) {
        self.serves.store(true, Ordering::Relaxed);
    }

    /// The servers that other supervisors shared, and that were ready.
    pub(super) fn servers_left(&self) -> Vec<LeftServer> {
        let all = read_all(&self.folder).into_iter();
        all.filter(|(_, running)| {
            running.serves && running.server.url.is_some() && running.owner != owner::current()
        })
        .map(|(file, running)| LeftServer { file, running })
        .collect()
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
        self.write(&self.server_file(), server, self.serves.load(Ordering::Relaxed));
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
            ledger.write(&file, left, false);
            Box::new(move || drop(std::fs::remove_file(file)))
        })
    }

    fn server_file(&self) -> PathBuf {
        self.folder.join(format!("{}.json", std::process::id()))
    }

    fn write(&self, file: &Path, server: &ServerRecord, serves: bool) {
        if let Err(error) = self.try_write(file, server, serves) {
            tracing::warn!(%error, "an agent's process could not be written down; if we are killed, it stays");
        }
    }

    fn try_write(&self, file: &Path, server: &ServerRecord, serves: bool) -> Result<(), String> {
        paths::private_dir(&self.folder).map_err(|error| error.to_string())?;
        let running = Running { owner: owner::current(), server: server.clone(), serves };
        let bytes = serde_json::to_vec(&running).map_err(|error| error.to_string())?;
        atomic::write_private(file, &bytes).map_err(|error| error.to_string())
    }
}

impl LeftServer {
    /// Waits for the death of its supervisor, and makes the record ours. `None`: somebody was faster.
    pub(super) async fn claim(self) -> Option<TakenServer> {
        let Running { owner, server, .. } = self.running;
        let dying = identity(&owner);
        let ended = tokio::task::spawn_blocking(move || process::wait_for_end(&dying));
        // One that lives on keeps its turns: they are taken over only from the dead.
        let _ = timeout(DYING, ended).await;
        let file = self.file.with_file_name(format!("{}.{TAKEN}", std::process::id()));
        std::fs::rename(&self.file, &file).ok()?;
        Some(TakenServer { file, owner, server })
    }
}

impl TakenServer {
    /// Its old record is needed no more; gives whose it was.
    pub(super) fn forget(self) -> Owner {
        // If it can't be removed, the next one finds what it says: no harm.
        let _ = std::fs::remove_file(self.file);
        self.owner
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

/// The records of dead runtimes.
fn leftovers(folder: &Path) -> Vec<(PathBuf, Running)> {
    let mut all = read_all(folder);
    all.retain(|(file, running)| !owner::is_alive(&running.owner) && !is_being_taken(file));
    all
}

/// All records. A file that makes no sense is none of ours.
fn read_all(folder: &Path) -> Vec<(PathBuf, Running)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let running = |path: PathBuf| {
        let running = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
        Some((path, running))
    };
    entries.flatten().filter_map(|entry| running(entry.path())).collect()
}

fn is_being_taken(file: &Path) -> bool {
    let is_taken = file.extension().is_some_and(|end| end == TAKEN);
    let by = file.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
    is_taken && by.and_then(Identity::of).is_some()
}
