//! One `opencode serve`: started, proven to be ours and new enough, watched, and ended with everything
//! that it started.
//!
//! Its tools are leaders of sessions of their own, so ending its process group is not enough. A marker
//! in the environment, a secret of this one server, is what they all inherit and are found by.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::http::{Http, USER};
use super::plugin;
use super::ready;
use crate::agent::child::{self, Log, Password, ServerRecord, sweep};
use crate::model::{Failure, FailureKind, Owner};
use crate::sys::env;
use crate::sys::identity::Identity;
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
}

impl ServerOptions {
    /// The usual: half a minute to start, nothing added.
    #[must_use]
    pub fn new(program: PathBuf, root: PathBuf, log: PathBuf, private: PathBuf) -> Self {
        let ready_within = Duration::from_secs(30);
        Self { program, root, log, private, ready_within, env: Vec::new(), on_start: None }
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
    exit: watch::Receiver<Option<String>>,
}

impl Server {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// `AgentMissing` when it can't be started or ends at once, `AgentTooOld`, and `ServerUnreachable`
    /// when it does not become ready in time or does not take its own password.
    pub async fn start(options: &ServerOptions) -> Result<Self, Failure> {
        Self::start_unless(options, std::future::pending()).await
    }

    /// The same, given up when `stop` is ready before the server is.
    pub(crate) async fn start_unless(
        options: &ServerOptions,
        stop: impl Future<Output = ()>,
    ) -> Result<Self, Failure> {
        let cannot = |error: io::Error| {
            let words = format!("cannot start `{}`: {error}", options.program.display());
            Failure::new(FailureKind::AgentMissing, words)
        };
        let password = Password::random().map_err(cannot)?;
        let marker = child::token().map_err(cannot)?;
        let (log, output) = Log::open(&options.log).map_err(cannot)?;
        let mut command = command(options, &password, &marker).map_err(cannot)?;
        // Written down before there is anything to end: were we killed in between, its marker finds it.
        tell(options, &password, &marker, child::nobody(), None);
        command.stdout(output.try_clone().map_err(cannot)?).stderr(output);
        // The reaper may be dropped with the whole runtime; then nobody else ends the process.
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().map_err(cannot)?;
        let pid = child.id().ok_or_else(|| cannot(io::Error::other("it has no process id")))?;
        // From here on, whatever fails, the process must end: the reaper holds the child.
        let identity = Identity::of(pid);
        let (died, exit) = watch::channel(None);
        let reaped = marker.clone();
        tokio::spawn(async move {
            let words = match child.wait().await {
                Ok(status) => status.to_string(),
                Err(error) => format!("it was lost: {error}"),
            };
            // What it leaves behind is nobody's: its group first, then what ran away from it.
            process::signal_group(pid, Signal::SIGKILL);
            died.send_replace(Some(words));
            sweep(&reaped).await;
        });
        let starting = Starting { pid, log, exit, marker, identity, password };
        let started = tokio::select! {
            started = starting.until_ready(options) => started,
            () = stop => {
                Err(Failure::new(FailureKind::ServerUnreachable, "opencode was stopped while it started"))
            }
        };
        if started.is_err() {
            starting.give_up().await;
        }
        let (http, version) = started?;
        let Starting { log, exit, marker, identity, .. } = starting;
        let gone =
            || Failure::new(FailureKind::AgentCrashed, format!("opencode ended: {}", log.last_lines()));
        let identity = identity.ok_or_else(gone)?;
        let stopping = AtomicBool::new(false);
        Ok(Self { http, identity, version, marker, log, stopping, exit })
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
        self.exit.borrow().is_none()
    }

    /// Whether we are ending it, so that its turns end for that reason.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// How many readers of its events live: one a running turn.
    #[must_use]
    pub fn live_readers(&self) -> usize {
        self.http.readers().count()
    }

    /// Waits until its process is gone, and tells how it ended.
    pub async fn exited(&self) -> Failure {
        let words = exited(self.exit.clone()).await;
        let last = self.log.last_lines();
        let last = if last.is_empty() { String::new() } else { format!("; its last words: {last}") };
        Failure::new(FailureKind::AgentCrashed, format!("opencode ended ({words}){last}"))
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
            end(self.identity.pid, &self.exit).await;
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

/// A server that has a process but has not answered yet.
struct Starting {
    pid: u32,
    log: Log,
    exit: watch::Receiver<Option<String>>,
    marker: String,
    identity: Option<Identity>,
    password: Password,
}

impl Starting {
    async fn until_ready(&self, options: &ServerOptions) -> Result<(Http, String), Failure> {
        let deadline = Instant::now() + options.ready_within;
        self.tell(options, None);
        let url = self.address(options, deadline).await?;
        self.tell(options, Some(&url));
        let http = Http::new(&url, self.password.clone())?;
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        let version = timeout(left, http.health()).await.map_err(|_| self.not_ready(options))??;
        if is_older(&version) {
            let version = if version.is_empty() { "of unknown version" } else { &version };
            let (major, minor, patch) = OLDEST;
            let words = format!(
                "opencode is {version}; {major}.{minor}.{patch} is the oldest whose server we can drive"
            );
            return Err(Failure::new(FailureKind::AgentTooOld, words));
        }
        Ok((http, version))
    }

    /// Waits for the line that tells the address.
    async fn address(&self, options: &ServerOptions, deadline: Instant) -> Result<String, Failure> {
        loop {
            let gone = self.exit.borrow().clone();
            if let Some(url) = ready::address(&self.log.beginning(64 * 1024)) {
                return Ok(url);
            }
            if let Some(status) = gone {
                let last = self.log.last_lines();
                let said =
                    if last.is_empty() { "it said nothing".to_owned() } else { format!("it said: {last}") };
                let program = options.program.display();
                let words = format!("`{program} serve` ended before it was ready ({status}); {said}");
                return Err(Failure::new(FailureKind::AgentMissing, words));
            }
            if Instant::now() >= deadline {
                return Err(self.not_ready(options));
            }
            sleep(Duration::from_millis(25)).await;
        }
    }

    fn not_ready(&self, options: &ServerOptions) -> Failure {
        let last = self.log.last_lines();
        let said = if last.is_empty() { "it said nothing".to_owned() } else { format!("it said: {last}") };
        let program = options.program.display();
        let limit = options.ready_within.as_secs();
        let words = format!("`{program} serve` was not ready within {limit} s; {said}");
        Failure::new(FailureKind::ServerUnreachable, words)
    }

    fn tell(&self, options: &ServerOptions, url: Option<&str>) {
        if let Some(identity) = &self.identity {
            tell(options, &self.password, &self.marker, child::owner(identity), url);
        }
    }

    async fn give_up(&self) {
        end(self.pid, &self.exit).await;
        sweep(&self.marker).await;
    }
}

/// Tells whoever keeps the record.
fn tell(options: &ServerOptions, password: &Password, marker: &str, identity: Owner, url: Option<&str>) {
    if let Some(hook) = &options.on_start {
        let (url, password, marker) = (url.map(str::to_owned), password.clone(), marker.to_owned());
        hook(&ServerRecord { identity, url, password, marker });
    }
}

/// TERM, wait, KILL, wait. The reaper reaps.
async fn end(pid: u32, exit: &watch::Receiver<Option<String>>) {
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        if exit.borrow().is_some() {
            return;
        }
        process::signal_group(pid, signal);
        if timeout(PATIENCE, exited(exit.clone())).await.is_ok() {
            return;
        }
    }
}

async fn exited(mut exit: watch::Receiver<Option<String>>) -> String {
    let words = exit.wait_for(Option::is_some).await.ok().and_then(|words| words.clone());
    words.unwrap_or_else(|| "its reaper is gone".to_owned())
}

fn command(options: &ServerOptions, password: &Password, marker: &str) -> io::Result<Command> {
    let users = env::raw("OPENCODE_CONFIG_CONTENT");
    let config = plugin::install(&options.private, users.as_deref().and_then(|text| text.to_str()))?;
    let mut command = process::command(&options.program);
    command
        .args(["serve", "--hostname", "127.0.0.1", "--port", "0"])
        .current_dir(&options.root)
        .env("PWD", &options.root)
        .env("OPENCODE_SERVER_USERNAME", USER)
        .env("OPENCODE_DISABLE_AUTOUPDATE", "1")
        .env("WORK_ROOT", &options.root)
        .env_remove("WORK_STREAM")
        .env_remove("WORK_THREAD");
    if env::raw("npm_config_offline").is_none() {
        // Keeps it from installing 63 MB into every `.opencode`; the plugin takes it back for the tools.
        command.env("npm_config_offline", "true").env("WORK_NPM_ONLINE", "1");
    }
    if let Some(config) = config {
        command.env("OPENCODE_CONFIG_CONTENT", config);
    }
    if let Some(own) = process::own_directory() {
        command.env("PATH", process::path_with(&own));
    }
    command.envs(options.env.iter().map(|(name, value)| (name, value)));
    command.env("OPENCODE_SERVER_PASSWORD", password.expose()).env(env::SERVER_MARKER, marker);
    Ok(command)
}

/// Versions compare by their numbers; one that tells none is no release of ours to judge, unless empty.
pub(super) fn is_older(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<u32> = core.split('.').filter_map(|part| part.parse().ok()).collect();
    match numbers.as_slice() {
        [major, minor, patch] => (*major, *minor, *patch) < OLDEST,
        _ => version.is_empty(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        for (version, older) in [
            ("1.18.0", false),
            ("1.18.33", false),
            ("1.100.0", false),
            ("2.0.0-beta.1", false),
            ("1.17.99", true),
            ("0.15.3", true),
            ("", true),
            ("local", false),
        ] {
            assert_eq!(is_older(version), older, "{version}");
        }
    }
}
