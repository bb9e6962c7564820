//! The child: started, made ready, watched, and ended with everything that it started.
//!
//! One task has the process. It ends it when it is told to, when nobody holds it any more, and when one of
//! its streams closes; then it tells everyone, after the last word that the child has said.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::backend::AcpOptions;
use super::connection::{Connection, Gone};
use super::launch;
use super::lines::{self, LONGEST_LINE, Line};
use super::session::Opened;
use super::wire::{self, Capabilities, Initialized, VERSION};
use crate::agent::OpenRequest;
use crate::agent::child::{self, Log, Password, ServerRecord, sweep};
use crate::config::Launcher;
use crate::model::{Failure, FailureKind, Owner, SessionId, StreamId, ThreadId};
use crate::sys::env;
use crate::sys::identity::Identity;
use crate::sys::process::{self, Signal};

/// How long each step of its end may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a child that has closed its output may take to end by itself.
const LAST_BREATH: Duration = Duration::from_secs(1);

/// How to end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Its input is closed first.
    Ask,
    /// It did not do as it was told.
    Force,
}

/// A child that speaks the protocol.
pub(crate) struct Child {
    /// The conversation with it.
    pub(crate) connection: Arc<Connection>,
    identity: Option<Owner>,
    works_for: WorksFor,
    stop: watch::Sender<Option<Stop>>,
    over: watch::Receiver<bool>,
    capabilities: Mutex<Capabilities>,
    sessions: Mutex<HashMap<SessionId, Arc<Mutex<Opened>>>>,
}

/// What its environment says; a session for another purpose needs another child.
#[derive(Debug, Clone, PartialEq, Eq)]
struct WorksFor {
    stream: StreamId,
    thread: ThreadId,
    environment: BTreeMap<String, String>,
}

impl WorksFor {
    fn of(request: &OpenRequest) -> Self {
        let OpenRequest { stream, thread, environment, .. } = request.clone();
        Self { stream, thread, environment }
    }
}

impl Child {
    /// Starts it.
    ///
    /// # Errors
    /// `AgentMissing`.
    pub(crate) fn start(options: &AcpOptions, request: &OpenRequest) -> Result<Arc<Self>, Failure> {
        let name = options.what();
        let cannot = |error: io::Error| {
            Failure::new(FailureKind::AgentMissing, format!("cannot start `{name}`: {error}"))
        };
        let marker = child::token().map_err(cannot)?;
        let password = Password::random().map_err(cannot)?;
        let (log, file) = Log::open(&options.log).map_err(cannot)?;
        let (mut command, first) = command(options, request, &password, &marker).map_err(cannot)?;
        command.stderr(file.try_clone().map_err(cannot)?);
        // Written down before there is anything to end: were we killed in between, its marker finds it.
        let record = ServerRecord { identity: child::nobody(), url: None, password, marker: marker.clone() };
        let gone = options.on_start.as_ref().map(|hook| hook(&record));
        let spawned = tokio::process::Command::from(command).kill_on_drop(true).spawn();
        let streams = spawned.and_then(|mut process| {
            let missing = || io::Error::other("it has no standard streams");
            let stdin = process.stdin.take().ok_or_else(missing)?;
            let stdout = process.stdout.take().ok_or_else(missing)?;
            Ok((process, stdin, stdout))
        });
        let (process, stdin, stdout) = match streams {
            Ok(streams) => streams,
            Err(error) => {
                gone.into_iter().for_each(|gone| gone());
                return Err(cannot(error));
            }
        };
        let pid = process.id();
        let identity = pid.and_then(Identity::of).map(|identity| child::owner(&identity));
        let (connection, lines) = Connection::new();
        let connection = Arc::new(connection);
        tokio::spawn(write(stdin, first, lines));
        let reading = tokio::spawn(read(stdout, Arc::clone(&connection), file));
        let (stop, stopped) = watch::channel(None);
        let (done, over) = watch::channel(false);
        let ssh = options.launcher.as_ref().is_some_and(Launcher::is_ssh);
        let keeper = Keeper { process, pid, reading, stopped, marker, log, name, ssh };
        let told = Arc::clone(&connection);
        tokio::spawn(async move {
            keeper.keep(told).await;
            gone.into_iter().for_each(|gone| gone());
            done.send_replace(true);
        });
        let works_for = WorksFor::of(request);
        let (capabilities, sessions) = Default::default();
        Ok(Arc::new(Self { connection, identity, works_for, stop, over, capabilities, sessions }))
    }

    /// Makes it ready to open sessions.
    ///
    /// # Errors
    /// `AgentMissing` when it ends instead, `AgentTooOld` when it speaks another version of the protocol,
    /// and what it answers with.
    pub(crate) async fn initialize(&self, limit: Duration) -> Result<(), Failure> {
        let params = json!({
            "protocolVersion": VERSION,
            "clientCapabilities": { "fs": { "readTextFile": false, "writeTextFile": false }, "terminal": false },
            "clientInfo": { "name": "work", "version": env!("CARGO_PKG_VERSION") },
        });
        let answer = self.connection.request("initialize", &params, limit).await;
        let told: Initialized = wire::read(answer.map_err(|error| match error.failure("initialize") {
            failure if failure.kind == FailureKind::AgentCrashed => {
                Failure::new(FailureKind::AgentMissing, failure.message)
            }
            failure => failure,
        })?);
        if told.protocol_version != VERSION {
            let words = format!(
                "the agent speaks version {} of the Agent Client Protocol; `work` speaks version {VERSION}",
                told.protocol_version
            );
            return Err(Failure::new(FailureKind::AgentTooOld, words));
        }
        *self.capabilities.lock().unwrap_or_else(PoisonError::into_inner) = told.agent_capabilities;
        Ok(())
    }

    /// What it can do; nothing before it is ready.
    pub(crate) fn capabilities(&self) -> Capabilities {
        self.capabilities.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The sessions that are open in it.
    pub(crate) fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Mutex<Opened>>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its process.
    pub(crate) fn identity(&self) -> Option<Owner> {
        self.identity.clone()
    }

    /// Whether it lives and nobody has told it to end.
    pub(crate) fn is_up(&self) -> bool {
        !self.connection.is_over() && self.stop.borrow().is_none()
    }

    /// Whether its environment is the one that this session needs.
    pub(crate) fn works_for(&self, request: &OpenRequest) -> bool {
        self.works_for == WorksFor::of(request)
    }

    /// Ends it in order, and returns when all of it is gone.
    pub(crate) async fn stop(&self) {
        self.stop.send_if_modified(|stop| stop.is_none() && stop.replace(Stop::Ask).is_none());
        self.over().await;
    }

    /// Ends it by force.
    pub(crate) fn kill(&self) {
        self.stop.send_replace(Some(Stop::Force));
    }

    /// Returns when all of it is gone.
    pub(crate) async fn over(&self) {
        // An error means that the runtime ends, and the child with it.
        let _ = self.over.clone().wait_for(|over| *over).await;
    }
}

/// The command that starts the child, and what is written to it before anything else.
fn command(
    options: &AcpOptions,
    request: &OpenRequest,
    password: &Password,
    marker: &str,
) -> io::Result<(std::process::Command, Vec<u8>)> {
    let missing = || io::Error::other("its command is empty");
    let launched = options.launcher.as_ref();
    let argv = match launched {
        Some(launcher) => launch::argv(launcher, &request.directory, &options.command),
        None => options.command.clone(),
    };
    let (program, args) = argv.split_first().ok_or_else(missing)?;
    let mut command = process::command(program);
    command.args(args);
    if let Some(own) = process::own_directory() {
        command.env("PATH", process::path_with(&own));
    }
    let variables = variables(options, request, password, marker);
    let first = match launched {
        Some(_) => {
            // The launcher's own environment is the user's, where they logged in.
            launch::preamble(variables.iter().map(|(name, value)| (name.as_str(), value.as_os_str())))
        }
        None => {
            command.current_dir(&request.directory).env("PWD", &request.directory);
            command.envs(variables);
            Vec::new()
        }
    };
    command.env(env::SERVER_MARKER, marker);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    Ok((command, first))
}

/// The variables of the program itself; what comes later wins.
fn variables(
    options: &AcpOptions,
    request: &OpenRequest,
    password: &Password,
    marker: &str,
) -> BTreeMap<String, OsString> {
    let thread = request.thread.to_string();
    let ours: [(&str, &OsStr); 8] = [
        ("OPENCODE_DISABLE_AUTOUPDATE", "1".as_ref()),
        // `opencode acp` opens a port, and one without a password is everybody's.
        ("OPENCODE_SERVER_PASSWORD", password.expose().as_ref()),
        // They start themselves a second time, and that one would outlive the first.
        ("QWEN_CODE_NO_RELAUNCH", "true".as_ref()),
        ("GEMINI_CLI_NO_RELAUNCH", "true".as_ref()),
        ("WORK_ROOT", options.root.as_os_str()),
        ("WORK_STREAM", request.stream.as_str().as_ref()),
        ("WORK_THREAD", thread.as_ref()),
        (env::SERVER_MARKER, marker.as_ref()),
    ];
    let theirs = request.environment.iter().chain(&options.env);
    let theirs = theirs.map(|(name, value)| (name.as_str(), OsStr::new(value)));
    let all = ours.into_iter().chain(theirs);
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Writes what comes first, and lines until there are no more; then the pipe is closed.
async fn write(mut stdin: ChildStdin, first: Vec<u8>, mut lines: mpsc::UnboundedReceiver<Vec<u8>>) {
    if stdin.write_all(&first).await.is_err() {
        return;
    }
    while let Some(line) = lines.recv().await {
        if stdin.write_all(&line).await.is_err() {
            // It does not read any more; its end tells why.
            return;
        }
    }
}

/// Reads messages to the end of the stream. What is no message goes into the log, where its reason may be
/// found.
async fn read(stdout: ChildStdout, connection: Arc<Connection>, mut log: File) {
    let mut stdout = BufReader::with_capacity(64 * 1024, stdout);
    while let Ok(Some(line)) = lines::next(&mut stdout, LONGEST_LINE).await {
        match line {
            Line::Whole(line) => match wire::decode(&line) {
                Some(message) => connection.take(message),
                None if line.trim_ascii().is_empty() => {}
                None => {
                    tracing::debug!(bytes = line.len(), "an agent says what is no message; it is in its log");
                    let shown = String::from_utf8_lossy(&line[..line.len().min(1000)]).into_owned();
                    // A log that can't be written costs the log only.
                    let _ = writeln!(log, "{shown}");
                }
            },
            Line::TooLong(beginning, length) => {
                let _ = writeln!(log, "work: a message of {length} bytes was left out");
                // Without an update a turn goes on. Without the answer to its prompt it never ends.
                if !String::from_utf8_lossy(&beginning).contains("\"method\"") {
                    return;
                }
            }
        }
    }
}

/// What is needed to end a child.
struct Keeper {
    process: tokio::process::Child,
    pid: Option<u32>,
    reading: tokio::task::JoinHandle<()>,
    stopped: watch::Receiver<Option<Stop>>,
    marker: String,
    log: Log,
    name: String,
    /// Whether it is `ssh`, whose code 255 says that there is no connection.
    ssh: bool,
}

impl Keeper {
    async fn keep(mut self, connection: Arc<Connection>) {
        let mut stopped = self.stopped.clone();
        let exited = tokio::select! {
            status = self.process.wait() => Some(status.ok()),
            // It can't be heard any more.
            _ = &mut self.reading => None,
            // An error means that nobody holds it any more.
            _ = stopped.wait_for(Option::is_some) => Some(None),
        };
        let exited = match exited {
            Some(exited) => exited,
            // How it ended it tells best itself: `ssh` that we end has the code of a connection that was lost.
            None => timeout(LAST_BREATH, self.process.wait()).await.ok().and_then(Result::ok),
        };
        let ours = *self.stopped.borrow();
        let status = match exited {
            Some(status) => Some(status),
            None => self.end(&connection, ours).await,
        };
        // What it started may lead groups of its own: its group first, then what ran away from it.
        self.pid.into_iter().for_each(|pid| process::signal_group(pid, Signal::SIGKILL));
        sweep(&self.marker).await;
        // What it has said before its end counts.
        if !self.reading.is_finished() {
            let _ = timeout(PATIENCE, &mut self.reading).await;
            self.reading.abort();
        }
        let lost = self.ssh && status.is_some_and(|status| status.code() == Some(255));
        let kind = if lost { FailureKind::ServerUnreachable } else { FailureKind::AgentCrashed };
        let how = status.map_or_else(|| "it was ended by force".to_owned(), |status| status.to_string());
        let last = self.log.last_lines();
        let last = if last.is_empty() { String::new() } else { format!("; its last words: {last}") };
        let failure = Failure::new(kind, format!("`{}` ended ({how}){last}", self.name));
        connection.fail(Gone { failure, stopped: ours == Some(Stop::Ask) });
    }

    /// Closes its input, asks, forces.
    async fn end(&mut self, connection: &Connection, ours: Option<Stop>) -> Option<ExitStatus> {
        connection.close();
        if ours == Some(Stop::Ask)
            && let Ok(status) = timeout(PATIENCE, self.process.wait()).await
        {
            return status.ok();
        }
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            self.pid.into_iter().for_each(|pid| process::signal_group(pid, signal));
            if let Ok(status) = timeout(PATIENCE, self.process.wait()).await {
                return status.ok();
            }
        }
        None
    }
}
