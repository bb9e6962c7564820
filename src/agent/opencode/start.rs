//! A server from nothing to its first answer: its command line, its record, and what it says if it fails.
//!
//! One invariant: whatever fails, no process is left.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::pin::pin;
use std::process::Command;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::exit::{Exit, Exited};
use super::http::{Http, USER};
use super::plugin;
use super::ready;
use super::server::{OLDEST, ServerOptions, end};
use super::vitals::Vitals;
use crate::agent::child::{self, Log, Password, ServerRecord, sweep};
use crate::model::{Failure, FailureKind, Owner};
use crate::sys::env;
use crate::sys::identity::Identity;
use crate::sys::process::{self, Signal};

/// What a server that takes another one's place has of it, so that whoever is attached to that one finds
/// this one: its port and its password.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    port: u16,
    password: Password,
}

impl Place {
    /// That of the server at this address; none if the address has no port.
    pub(crate) fn of(url: &str, password: &Password) -> Option<Self> {
        let port = url.rsplit(':').next()?.parse().ok()?;
        Some(Self { port, password: password.clone() })
    }

    /// A new one. The port is one that is free now: told to choose, every opencode takes 4096 if it can, which
    /// is then the first to be lost to another one while this one starts again. The password is new as well,
    /// since whoever is attached to the old place may tell the old one to a stranger.
    fn new() -> io::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        Ok(Self { port, password: Password::random()? })
    }
}

/// A server that has answered.
pub(super) struct Started {
    pub(super) http: Http,
    pub(super) identity: Identity,
    pub(super) version: String,
    pub(super) marker: String,
    pub(super) log: Log,
    pub(super) exited: Exited,
}

/// Starts a server in that place, or in another one if somebody else is there, and waits until it answers.
///
/// # Errors
/// `AgentMissing` when it can't be started or ends at once, `AgentTooOld`, and `ServerUnreachable` when it does
/// not become ready in time, does not take its own password, or `stop` was ready before.
pub(super) async fn start(
    options: &ServerOptions,
    place: Option<&Place>,
    stop: impl Future<Output = ()>,
) -> Result<Started, Failure> {
    let mut stop = pin!(stop);
    if let Some(place) = place {
        let port = place.port;
        // Seconds pass until it binds its port, and others may be faster: free now is not free then.
        match is_free(port) {
            false => tracing::warn!(port, "opencode's old port is taken, so it takes another"),
            true => match start_at(options, place, stop.as_mut()).await {
                Err(failure) if failure.kind == FailureKind::AgentMissing => {
                    tracing::warn!(port, %failure, "opencode can't start at its old port, so it takes another");
                }
                started => return started,
            },
        }
    }
    let new = || Place::new().map_err(|error| cannot(options, &error));
    let place = new()?;
    match start_at(options, &place, stop.as_mut()).await {
        Err(failure) if failure.kind == FailureKind::AgentMissing && !is_free(place.port) => {
            tracing::warn!(port = place.port, %failure, "somebody else has the port that was to be opencode's");
            start_at(options, &new()?, stop.as_mut()).await
        }
        started => started,
    }
}

fn cannot(options: &ServerOptions, error: &io::Error) -> Failure {
    let words = format!("cannot start `{}`: {error}", options.program.display());
    Failure::new(FailureKind::AgentMissing, words)
}

async fn start_at(
    options: &ServerOptions,
    place: &Place,
    stop: impl Future<Output = ()>,
) -> Result<Started, Failure> {
    let cannot = |error: io::Error| cannot(options, &error);
    let marker = child::token().map_err(cannot)?;
    let (log, output) = Log::open(&options.log).map_err(cannot)?;
    let mut command = command(options, place, &marker).map_err(cannot)?;
    // Written down before there is anything to end: were we killed in between, its marker finds it.
    tell(options, &place.password, &marker, child::nobody(), None);
    command.stdout(output.try_clone().map_err(cannot)?).stderr(output);
    // The reaper may be dropped with the whole runtime; then nobody else ends the process.
    let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().map_err(cannot)?;
    let pid = child.id().ok_or_else(|| cannot(io::Error::other("it has no process id")))?;
    // From here on, whatever fails, the process must end: the reaper holds the child.
    let identity = Identity::of(pid);
    let (tell, exited) = Exited::channel();
    let vitals = Vitals::new();
    let judged = vitals.clone();
    let reaped = marker.clone();
    tokio::spawn(async move {
        let words = match (child.wait().await, judged.verdict()) {
            (_, Some(verdict)) => verdict.to_owned(),
            (Ok(status), None) => status.to_string(),
            (Err(error), None) => format!("it was lost: {error}"),
        };
        // What it leaves behind is nobody's: its group first, then what ran away from it.
        process::signal_group(pid, Signal::SIGKILL);
        tell.send_replace(Some(Exit::now(words)));
        sweep(&reaped).await;
    });
    let starting = Starting { pid, log, exited, marker, identity, password: place.password.clone(), vitals };
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
    let Starting { log, exited, marker, identity, .. } = starting;
    let gone = || Failure::new(FailureKind::AgentCrashed, format!("opencode ended: {}", log.last_lines()));
    let identity = identity.ok_or_else(gone)?;
    Ok(Started { http, identity, version, marker, log, exited })
}

/// A server that has a process but has not answered yet.
struct Starting {
    pid: u32,
    log: Log,
    exited: Exited,
    marker: String,
    identity: Option<Identity>,
    password: Password,
    vitals: Vitals,
}

impl Starting {
    async fn until_ready(&self, options: &ServerOptions) -> Result<(Http, String), Failure> {
        let deadline = Instant::now() + options.ready_within;
        self.tell(options, None);
        let url = self.address(options, deadline).await?;
        self.tell(options, Some(&url));
        let http = Http::with_vitals(&url, self.password.clone(), self.vitals.clone())?;
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
            let gone = self.exited.get();
            if let Some(url) = ready::address(&self.log.beginning(64 * 1024)) {
                return Ok(url);
            }
            if let Some(Exit { words: status, .. }) = gone {
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
        end(self.pid, &self.exited).await;
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

/// Whether a server could listen on this port of the loopback.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn command(options: &ServerOptions, place: &Place, marker: &str) -> io::Result<Command> {
    let users = env::raw("OPENCODE_CONFIG_CONTENT");
    let config = plugin::install(&options.private, users.as_deref().and_then(|text| text.to_str()))?;
    let mut command = process::command(&options.program);
    command
        .args(["serve", "--hostname", "127.0.0.1", "--port", &place.port.to_string()])
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
    command.env("OPENCODE_SERVER_PASSWORD", place.password.expose()).env(env::SERVER_MARKER, marker);
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
