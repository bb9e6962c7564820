//! One `opencode serve`: watched, told of, taken over, and ended with everything that it started.
//!
//! Its tools are leaders of sessions of their own, so ending its process group is not enough. A marker
//! in the environment, a secret of this one server, is what they all inherit and are found by.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::exit::{self, Exit, Exited};
use super::health::HealthLimits;
use super::http::Http;
use super::start::{self, Place, Started};
use super::vitals::{self, Vitals};
use crate::agent::child::{self, Log, ServerRecord, sweep};
use crate::model::{Failure, FailureKind};
use crate::sys::identity::{Identity, Liveness};
use crate::sys::process::{self, Signal};

/// The oldest server that we can drive.
pub const OLDEST: (u32, u32, u32) = (1, 18, 0);

/// How long each step of an orderly stop may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Told of a server before it has a process, when it has one, and when it has an address, so that
/// whoever comes after us can end it. Must not block for long.
pub type RecordHook = Arc<dyn Fn(&ServerRecord) + Send + Sync>;

/// How to start a server.
#[derive(Clone)]
pub struct ServerOptions {
    /// The program.
    pub program: PathBuf,
    /// Where it is started, and what its tools get as `WORK_ROOT`.
    pub root: PathBuf,
    /// Where its output goes; only its owner may read it.
    pub log: PathBuf,
    /// A folder that only its owner may read, for the plugin.
    pub private: PathBuf,
    /// How long it may take until it answers.
    pub ready_within: Duration,
    /// Variables to set on top of ours and of those we inherit.
    pub env: Vec<(OsString, OsString)>,
    /// Who keeps the record of it.
    pub on_start: Option<RecordHook>,
    /// How patient we are with it.
    pub health: HealthLimits,
}

impl ServerOptions {
    /// The usual: half a minute to start, nothing added.
    #[must_use]
    pub fn new(program: PathBuf, root: PathBuf, log: PathBuf, private: PathBuf) -> Self {
        let ready_within = Duration::from_secs(30);
        let health = HealthLimits::default();
        Self { program, root, log, private, ready_within, env: Vec::new(), on_start: None, health }
    }
}

/// A running server. Dropped without [`Server::stop`] it is killed, and its tools may be left.
pub struct Server {
    http: Http,
    identity: Identity,
    version: String,
    marker: String,
    log: Log,
    stopping: AtomicBool,
    exited: Exited,
}

impl Server {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// `AgentMissing` when it can't be started or ends at once, `AgentTooOld`, and `ServerUnreachable`
    /// when it does not become ready in time or does not take its own password.
    pub async fn start(options: &ServerOptions) -> Result<Self, Failure> {
        Self::start_unless(options, None, std::future::pending()).await
    }

    /// The same, in the place of an earlier one if that can be had; given up when `stop` is ready before the
    /// server is.
    pub(crate) async fn start_unless(
        options: &ServerOptions,
        place: Option<&Place>,
        stop: impl Future<Output = ()>,
    ) -> Result<Self, Failure> {
        let Started { http, identity, version, marker, log, exited } =
            start::start(options, place, stop).await?;
        Ok(Self::new(http, identity, version, marker, log, exited).watched(options))
    }

    /// Takes over a server that an earlier supervisor left, if it is well. It stays where it is, and so do
    /// the turns that run on it.
    ///
    /// # Errors
    /// `ServerUnreachable` when it is gone, can't be told to be that very server, or does not answer.
    pub async fn take_over(record: &ServerRecord, options: &ServerOptions) -> Result<Self, Failure> {
        let unfit = |why: &str| Failure::new(FailureKind::ServerUnreachable, format!("opencode {why}"));
        let url = record.url.as_deref().ok_or_else(|| unfit("was never ready"))?;
        let identity = child::identity(&record.identity);
        if identity.liveness() != Liveness::Alive {
            return Err(unfit("is gone"));
        }
        let vitals = Vitals::new();
        let http = Http::with_vitals(url, record.password.clone(), vitals.clone())?;
        let version = timeout(options.health.answer, http.health());
        let version = version.await.map_err(|_| unfit("does not answer"))??;
        let (tell, exited) = Exited::channel();
        let (pid, watched, marker) = (identity.pid, identity.clone(), record.marker.clone());
        tokio::spawn(async move {
            exit::of_stranger(watched).await;
            let words = vitals.verdict().unwrap_or("how, only its parent could tell").to_owned();
            process::signal_group(pid, Signal::SIGKILL);
            tell.send_replace(Some(Exit::now(words)));
            sweep(&marker).await;
        });
        let log = Log::of(&options.log);
        let server = Self::new(http, identity, version, record.marker.clone(), log, exited);
        Ok(server.watched(options))
    }

    fn new(
        http: Http,
        identity: Identity,
        version: String,
        marker: String,
        log: Log,
        exited: Exited,
    ) -> Self {
        Self { http, identity, version, marker, log, stopping: AtomicBool::new(false), exited }
    }

    /// From here on somebody looks after it.
    fn watched(self, options: &ServerOptions) -> Self {
        let pid = self.identity.pid;
        let kill = move || process::signal_group(pid, Signal::SIGKILL);
        tokio::spawn(vitals::watch(self.http.clone(), self.exited.clone(), options.health, kill));
        self
    }

    /// Its place, for a server that comes after it.
    pub(crate) fn place(&self) -> Option<Place> {
        Place::of(self.http.url(), self.http.password())
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        self.http.url()
    }

    /// Its process.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What a later supervisor needs to end it.
    #[must_use]
    pub fn record(&self) -> ServerRecord {
        ServerRecord {
            identity: child::owner(&self.identity),
            url: Some(self.http.url().to_owned()),
            password: self.http.password().clone(),
            marker: self.marker.clone(),
        }
    }

    /// Whether it answers. Slow while its turns keep the machine busy; that is not death.
    ///
    /// # Errors
    /// `ServerUnreachable`, with the reason.
    pub async fn healthy(&self) -> Result<(), Failure> {
        self.http.health().await.map(|_| ())
    }

    /// Whether its process still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.exited.get().is_none()
    }

    /// Its end, once it has died: when, how long it had lived, whether a turn had begun on it, and why.
    pub(crate) fn death(&self) -> Option<(Instant, Duration, bool, Failure)> {
        let exit = self.exited.get()?;
        let lived = exit.at.saturating_duration_since(self.http.vitals().born());
        Some((exit.at, lived, self.http.vitals().is_of_use(), self.crash(&exit)))
    }

    /// Whether we are ending it, so that its turns end for that reason.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// How many readers of its events live: one a running turn.
    #[must_use]
    pub fn live_readers(&self) -> usize {
        self.http.vitals().readers()
    }

    /// Waits until its process is gone, and tells how it ended.
    pub async fn exited(&self) -> Failure {
        let exit = self.exited.clone().wait().await;
        self.crash(&exit)
    }

    fn crash(&self, exit: &Exit) -> Failure {
        let last = self.log.last_lines();
        let last = if last.is_empty() { String::new() } else { format!("; its last words: {last}") };
        Failure::new(FailureKind::AgentCrashed, format!("opencode ended ({}){last}", exit.words))
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// Aborts its turns, ends it and everything that it started, and waits until all are gone.
    pub async fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        if self.is_running() {
            // It ends the tools of all turns; what it misses, the sweep finds.
            let _ = self.http.dispose(PATIENCE).await;
            end(self.identity.pid, &self.exited).await;
        }
        sweep(&self.marker).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_running() {
            process::signal_group(self.identity.pid, Signal::SIGKILL);
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("url", &self.url())
            .field("pid", &self.identity.pid)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// TERM, wait, KILL, wait. Whoever watches its end tells it.
pub(super) async fn end(pid: u32, exited: &Exited) {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        if exited.get().is_some() {
            return;
        }
        process::signal_group(pid, signal);
        if timeout(PATIENCE, exited.clone().wait()).await.is_ok() {
            return;
        }
    }
}

/// The full path of the program: the one given, or `opencode` on `PATH`.
///
/// # Errors
/// `AgentMissing`.
pub fn find_program(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let name = given.unwrap_or(Path::new("opencode"));
    process::find(name).map_err(|error| Failure::new(FailureKind::AgentMissing, error.to_string()))
}
