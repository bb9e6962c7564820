//! One program and its turn: started, heard to its end, and ended with all that it started.

use std::io;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Child;
use tokio::sync::{mpsc, watch};
use tokio::time::{interval, timeout};

use super::Shared;
use super::lines::{Ended, Lines};
use crate::agent::child::{self, Password, ServerRecord, sweep};
use crate::agent::{OpenRequest, PromptRequest};
use crate::model::{AgentEvent, Busyness, CancelCause, Failure, FailureKind, SessionId, Usage};
use crate::sys::clock::Clock;
use crate::sys::env;
use crate::sys::process::{self, Signal};

/// How long each step of its end may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often we look whether a tool runs: of one that does, nothing is told before its end.
const PULSE: Duration = Duration::from_secs(10);

/// How much of its last words is kept, in bytes.
const WORDS: usize = 1024;

/// A turn that runs. Dropped, it is ended.
pub(super) struct Running {
    events: mpsc::UnboundedReceiver<AgentEvent>,
    stop: watch::Sender<Option<CancelCause>>,
    over: watch::Receiver<bool>,
}

impl Running {
    /// The next event; for ever none after the last one.
    pub(super) async fn next(&mut self) -> AgentEvent {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// Ends it, and returns when it is gone.
    pub(super) async fn cancel(&mut self) {
        self.stop.send_replace(Some(CancelCause::Person));
        // An error means that it is gone.
        let _ = self.over.wait_for(|over| *over).await;
    }
}

/// Starts the turn.
///
/// # Errors
/// `AgentMissing` when the program can't be started.
pub(super) fn start(
    shared: &Arc<Shared>,
    open: &OpenRequest,
    session: Option<&SessionId>,
    prompt: PromptRequest,
    used: Usage,
) -> Result<Running, Failure> {
    let options = &shared.options;
    let cannot = |error: io::Error| {
        let words = format!("cannot start `{} run`: {error}", options.program.display());
        Failure::new(FailureKind::AgentMissing, words)
    };
    let marker = child::token().map_err(cannot)?;
    let command = command(shared, open, session, &prompt, &marker);
    // Written down before there is anything to end: were we killed in between, its marker finds it.
    let (identity, password) = (child::nobody(), Password::random().map_err(cannot)?);
    let left = ServerRecord { identity, url: None, password, marker: marker.clone() };
    let gone = options.on_start.as_ref().map(|hook| hook(&left));
    let child = match tokio::process::Command::from(command).kill_on_drop(true).spawn() {
        Ok(child) => child,
        Err(error) => {
            gone.into_iter().for_each(|gone| gone());
            return Err(cannot(error));
        }
    };
    let (events, incoming) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(None);
    let (done, over) = watch::channel(false);
    let turn = Turn {
        lines: Lines::new(session.cloned(), used),
        events,
        marker,
        stopped,
        all_stopped: shared.stop.subscribe(),
        because: options.because.clone(),
    };
    shared.live.send_modify(|live| *live += 1);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        turn.run(child, prompt.text).await;
        gone.into_iter().for_each(|gone| gone());
        done.send_replace(true);
        shared.live.send_modify(|live| *live -= 1);
    });
    Ok(Running { events: incoming, stop, over })
}

fn command(
    shared: &Shared,
    open: &OpenRequest,
    session: Option<&SessionId>,
    prompt: &PromptRequest,
    marker: &str,
) -> Command {
    let options = &shared.options;
    let mut command = process::command(&options.program);
    command.args(["run", "--format", "json", "--model", &prompt.model.name()]);
    if let Some(variant) = &prompt.model.variant {
        command.args(["--variant", variant]);
    }
    if let Some(persona) = &prompt.persona {
        command.args(["--agent", persona]);
    }
    if let Some(session) = session {
        command.args(["--session", &session.0]);
    }
    // It goes where `PWD` says, and its tools have its environment: it is of one session alone.
    command
        .current_dir(&open.directory)
        .env("PWD", &open.directory)
        .env("OPENCODE_DISABLE_AUTOUPDATE", "1")
        .env("WORK_ROOT", &options.root)
        .env("WORK_STREAM", open.stream.as_str())
        .env("WORK_THREAD", open.thread.to_string())
        .envs(&open.environment);
    if let Some(own) = process::own_directory() {
        command.env("PATH", process::path_with(&own));
    }
    command.envs(options.env.iter().map(|(name, value)| (name, value)));
    command.env(env::SERVER_MARKER, marker);
    // The prompt by standard input: as an argument it is quoted, and may be too long.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a turn needs to come to its end.
struct Turn {
    lines: Lines,
    events: mpsc::UnboundedSender<AgentEvent>,
    marker: String,
    stopped: watch::Receiver<Option<CancelCause>>,
    all_stopped: watch::Receiver<Option<CancelCause>>,
    because: Failure,
}

impl Turn {
    async fn run(mut self, mut child: Child, prompt: String) {
        if let Some(mut stdin) = child.stdin.take() {
            // Closed at its end, since it reads to the end. One that does not read says why by its own end.
            tokio::spawn(async move { stdin.write_all(prompt.as_bytes()).await });
        }
        let words = child.stderr.take().map(|pipe| tokio::spawn(last_words(pipe)));
        self.tell(AgentEvent::Status(Busyness::Busy));
        let pid = child.id();
        let cancelled = self.hear(&mut child, pid).await;
        let status = match timeout(PATIENCE, end(&mut child, pid, cancelled.is_some())).await {
            Ok(Ok(status)) => Some(status),
            _ => None,
        };
        // Its tools lead sessions of their own: its group first, then what ran away from it.
        pid.into_iter().for_each(|pid| process::signal_group(pid, Signal::SIGKILL));
        sweep(&self.marker).await;
        let words = match words {
            Some(words) => timeout(PATIENCE, words).await.ok().and_then(Result::ok).unwrap_or_default(),
            None => String::new(),
        };
        let ended = Ended {
            success: status.is_some_and(|status| status.success()),
            status: status.map_or_else(|| "it was ended by force".to_owned(), |status| status.to_string()),
            words,
            cancelled,
        };
        let outcome = self.lines.outcome(&ended, &self.because, Clock::System.now());
        self.tell(AgentEvent::Status(Busyness::Idle));
        self.tell(AgentEvent::TurnEnded(outcome));
    }

    /// Passes on what it says, until it has said all or is to be ended.
    async fn hear(&mut self, child: &mut Child, pid: Option<u32>) -> Option<CancelCause> {
        let mut stdout = BufReader::new(child.stdout.take()?);
        let mut line = Vec::new();
        let mut pulse = interval(PULSE);
        loop {
            let (stopped, all_stopped) = (&mut self.stopped, &mut self.all_stopped);
            tokio::select! {
                // What it has said before it is ended counts.
                biased;
                // Safe to be dropped: what was read stays in `line`.
                read = stdout.read_until(b'\n', &mut line) => {
                    if !matches!(read, Ok(1..)) {
                        return None;
                    }
                    for event in self.lines.line(&std::mem::take(&mut line)) {
                        self.tell(event);
                    }
                }
                cause = stop(stopped) => return Some(cause),
                cause = stop(all_stopped) => return Some(cause),
                _ = pulse.tick() => {
                    if let Some(pid) = pid.filter(|_| self.lines.is_within_a_step())
                        && tool_runs(pid, &self.marker).await
                    {
                        self.tell(AgentEvent::Status(Busyness::Busy));
                    }
                }
            }
        }
    }

    fn tell(&self, event: AgentEvent) {
        // Whoever listened is gone, and has ended us.
        let _ = self.events.send(event);
    }
}

/// Waits until it is told to stop, which dropping the session does as well.
async fn stop(stopped: &mut watch::Receiver<Option<CancelCause>>) -> CancelCause {
    let cause = stopped.wait_for(Option::is_some).await.ok().and_then(|cause| *cause);
    cause.unwrap_or(CancelCause::ClientGone)
}

/// Waits for its end; asks for it first when we want it.
async fn end(child: &mut Child, pid: Option<u32>, ours: bool) -> io::Result<std::process::ExitStatus> {
    if ours {
        pid.into_iter().for_each(|pid| process::signal_group(pid, Signal::SIGTERM));
    }
    child.wait().await
}

/// Whether something that it started leads a group of its own, as its tools do.
async fn tool_runs(pid: u32, marker: &str) -> bool {
    let marker = marker.to_owned();
    let look = move || {
        process::marked(env::SERVER_MARKER, &marker).into_iter().any(|one| !process::is_of_group(one, pid))
    };
    tokio::task::spawn_blocking(look).await.unwrap_or(false)
}

/// The end of what is written, as one line.
async fn last_words(mut pipe: impl AsyncRead + Unpin) -> String {
    let (mut kept, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = pipe.read(&mut piece).await {
        kept.extend_from_slice(&piece[..read]);
        kept.drain(..kept.len().saturating_sub(WORDS));
    }
    let text = String::from_utf8_lossy(&kept);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join(" | ")
}
