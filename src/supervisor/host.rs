//! The loop: takes events from sockets, turns, timers and signals, asks `dispatch`, and acts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::daemon::Signals;
use super::dispatch::{Action, Answering, ConnId, Dispatch, Event, TurnOf};
use super::found::Found;
use super::jobs;
use crate::engine::jobs::{JobError, Queue};
use crate::ipc::{MAX_LINE, ServerMessage, TurnMessage, TurnSpec, decode, encode};
use crate::model::{AgentProcess, CancelCause, Failure, FailureKind, TurnOutcome};
use crate::runtime::{Answer, Answers, Runtime};
use crate::sys::clock::Clock;

/// What a host needs to know.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// Exit after so long without a connection and a turn.
    pub idle: Duration,
    /// The clock.
    pub clock: Clock,
    /// The queue of jobs, whose turns it runs; none within a command.
    pub queue: Option<Queue>,
}

/// How much may wait for a client that does not read. Beyond that it misses events, which the journal
/// has anyway; with twice as much of anything else it is no client of ours.
const BACKLOG: usize = 8 * 1024 * 1024;

/// When to try again what could not be written.
const RETRY: Duration = Duration::from_secs(10);

/// When to look again whether what is still unwritten has been written, so that we may end.
const SETTLING: Duration = Duration::from_secs(10);

/// Who connects.
pub(super) enum Source {
    /// Anyone of our user, through the socket.
    Socket(Found),
    /// One command, in the same process; the host ends with it.
    One(UnixStream),
}

/// The way to one client.
struct Writer {
    lines: mpsc::UnboundedSender<Vec<u8>>,
    /// Bytes that wait for it.
    waiting: Arc<AtomicUsize>,
    /// Events that were left out and not yet told of.
    missed: u64,
    /// Reads what it says.
    reader: AbortHandle,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

struct Host {
    runtime: Arc<Runtime>,
    clock: Clock,
    started_at: DateTime<Utc>,
    dispatch: Dispatch,
    events: mpsc::UnboundedSender<Event>,
    /// How the agents stand, for whoever asked.
    measured: mpsc::UnboundedSender<(ConnId, Vec<AgentProcess>)>,
    writers: HashMap<ConnId, Writer>,
    cancels: HashMap<TurnOf, watch::Sender<Option<CancelCause>>>,
    answers: HashMap<TurnOf, Answers>,
    queue: Option<Queue>,
    /// Tasks that write to connections; waited for at the end, so that last words arrive.
    tasks: JoinSet<()>,
    idle: Duration,
    idle_until: Option<Instant>,
}

/// Serves until there is nothing left to do, and ends the agents.
pub(super) async fn serve(runtime: Arc<Runtime>, source: Source, settings: HostSettings) {
    let (events, mut incoming) = mpsc::unbounded_channel();
    let (measured, mut to_tell) = mpsc::unbounded_channel();
    let mut host = Host {
        runtime: Arc::clone(&runtime),
        clock: settings.clock,
        started_at: settings.clock.now(),
        dispatch: Dispatch::new(),
        events,
        measured,
        writers: HashMap::new(),
        cancels: HashMap::new(),
        answers: HashMap::new(),
        queue: settings.queue,
        tasks: JoinSet::new(),
        idle: settings.idle,
        idle_until: Some(Instant::now() + settings.idle),
    };
    let mut next_conn: ConnId = 0;
    // Within a command, its signals are the command's business.
    let (mut found, mut signals) = match source {
        Source::Socket(found) => (Some(found), Signals::new()),
        Source::One(stream) => {
            next_conn += 1;
            host.connect(next_conn, stream);
            (None, Signals::none())
        }
    };
    let alone = found.is_none();
    let mut retry_at = None;
    loop {
        let idle_until = host.idle_until;
        retry_at = host.dispatch.has_failed().then(|| retry_at.unwrap_or_else(|| Instant::now() + RETRY));
        let event = tokio::select! {
            Some(event) = incoming.recv() => event,
            Some((conn, agents)) = to_tell.recv() => {
                host.tell_status(conn, agents);
                continue;
            }
            stream = accept(found.as_ref()) => {
                next_conn += 1;
                host.connect(next_conn, stream);
                continue;
            }
            () = swept(found.as_ref()) => {
                if let Some(found) = &mut found {
                    found.stay();
                }
                continue;
            }
            () = sleep_until(retry_at) => {
                retry_at = None;
                Event::Retry
            }
            () = sleep_until(idle_until) => {
                if !runtime.is_settled() {
                    host.idle_until = Some(Instant::now() + SETTLING);
                    continue;
                }
                Event::IdleTimeUp
            }
            () = signals.terminate() => Event::Terminate,
        };
        let last_hangup = alone && matches!(event, Event::Disconnected(_));
        let mut done = host.step(event);
        if last_hangup {
            done |= host.step(Event::Terminate);
        }
        if done {
            break;
        }
    }
    // Whoever comes from here on finds nobody, at once, and waits for our lock instead.
    if let Some(found) = found {
        found.leave();
    }
    runtime.shutdown().await;
    host.writers.clear();
    let all_written = async { while host.tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_secs(1), all_written).await.is_err() {
        tracing::warn!("a client did not read its last messages");
    }
}

impl Host {
    /// Handles one event; true when it is time to go.
    fn step(&mut self, event: Event) -> bool {
        if let Event::Disconnected(conn) = event {
            self.writers.remove(&conn);
        }
        if let Event::TurnOver(turn) = event {
            self.cancels.remove(&turn);
            self.answers.remove(&turn);
        }
        let actions = self.dispatch.handle(event, self.clock.now());
        let mut done = false;
        for action in actions {
            done |= self.act(action);
        }
        done
    }

    fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Send(conn, message) => self.send(conn, message),
            Action::Close(conn) => {
                self.writers.remove(&conn);
                // The loop is here.
                let _ = self.events.send(Event::Disconnected(conn));
            }
            Action::Start(turn, spec) => self.start(turn, *spec),
            Action::Claim(claim) => self.on_queue(move |queue| jobs::claim(queue, &claim), Event::Claimed),
            Action::PutBack(ids) => self.on_queue(move |queue| queue.put_back(&ids), Event::PutBack),
            Action::Cancel(turn, cause) => {
                if let Some(cancel) = self.cancels.get(&turn) {
                    // The first cause stands; a turn that is over hears nothing.
                    cancel.send_if_modified(|current| current.replace(current.unwrap_or(cause)).is_none());
                }
            }
            Action::Answer(answering) => self.answer(*answering),
            Action::OpenUi(conn, session, directory, place) => {
                let (runtime, events) = (Arc::clone(&self.runtime), self.events.clone());
                tokio::spawn(async move {
                    // The loop outlives every question; when it is gone, so is the process.
                    let _ = events.send(Event::Ui(conn, runtime.ui(session, directory, place).await));
                });
            }
            Action::ListSessions(conn, directory) => {
                let (runtime, events) = (Arc::clone(&self.runtime), self.events.clone());
                tokio::spawn(async move {
                    // The same.
                    let _ = events.send(Event::Sessions(conn, runtime.sessions(directory).await));
                });
            }
            Action::Idle(counts) => self.idle_until = counts.then(|| Instant::now() + self.idle),
            Action::TellStatus(conn) => self.measure(conn),
            Action::CloseAgents(conn, which, cancelled) => {
                let (runtime, events) = (Arc::clone(&self.runtime), self.events.clone());
                tokio::spawn(async move {
                    // The loop outlives every question; when it is gone, so is the process.
                    let _ = events.send(Event::Closed(conn, runtime.close(&which).await, cancelled));
                });
            }
            Action::Exit => return true,
        }
        false
    }

    /// Finds out how the agents stand, which takes a moment, for somebody who asks.
    fn measure(&self, conn: ConnId) {
        let (runtime, measured) = (Arc::clone(&self.runtime), self.measured.clone());
        tokio::spawn(async move {
            // The loop outlives every question; when it is gone, so is the process.
            let _ = measured.send((conn, runtime.agents().await));
        });
    }

    fn tell_status(&mut self, conn: ConnId, agents: Vec<AgentProcess>) {
        let status = self.dispatch.status(std::process::id(), self.started_at, agents);
        self.send(conn, ServerMessage::Status(status));
    }

    fn send(&mut self, conn: ConnId, message: ServerMessage) {
        let Some(writer) = self.writers.get_mut(&conn) else { return };
        let waiting = writer.waiting.load(Ordering::Relaxed);
        if waiting > BACKLOG && matches!(message, ServerMessage::Turn(TurnMessage::Event { .. })) {
            writer.missed += 1;
            return;
        }
        if waiting > 2 * BACKLOG {
            tracing::warn!("a client that does not read was left");
            self.act(Action::Close(conn));
            return;
        }
        let missed = std::mem::take(&mut writer.missed);
        let missed = (missed > 0).then_some(ServerMessage::Turn(TurnMessage::Missed { events: missed }));
        for message in missed.into_iter().chain([message]) {
            match encode(&message) {
                Ok(line) => {
                    writer.waiting.fetch_add(line.len(), Ordering::Relaxed);
                    // A connection that is gone says so by an event of its own.
                    let _ = writer.lines.send(line);
                }
                Err(error) => tracing::error!(%error, "a message could not be told in JSON"),
            }
        }
    }

    /// Works on the queue off the loop, and tells what became of it.
    fn on_queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Queue) -> Result<T, JobError> + Send + 'static,
        event: impl FnOnce(Result<T, String>) -> Event + Send + 'static,
    ) {
        let (queue, events) = (self.queue.clone(), self.events.clone());
        tokio::spawn(async move {
            let done = match queue {
                Some(queue) => jobs::blocking(move || work(&queue)).await,
                None => Err("jobs need the supervisor".to_owned()),
            };
            // The loop outlives every claim; when it is gone, so is the process.
            let _ = events.send(event(done));
        });
    }

    fn start(&mut self, of: TurnOf, spec: TurnSpec) {
        tracing::info!(stream = %spec.stream, thread = %spec.thread, agent = %spec.agent.name, %of, "turn begins");
        let (cancel, cancelled) = watch::channel(None);
        self.cancels.insert(of, cancel);
        let (answers, given) = Answers::channel();
        self.answers.insert(of, answers);
        let events = self.events.clone();
        let tell = {
            let events = events.clone();
            move |message: TurnMessage| {
                // The loop outlives every turn.
                let _ = events.send(Event::Turn(of, message));
            }
        };
        // What happens with a job is written down before anybody hears of it.
        let (relayed, relay): (Option<mpsc::UnboundedSender<TurnMessage>>, _) = match (of, self.queue.clone())
        {
            (TurnOf::Job(job), Some(queue)) => {
                let (sender, news) = mpsc::unbounded_channel();
                let relay = jobs::relay(queue, job, news, cancelled.clone(), tell.clone());
                (Some(sender), Some(tokio::spawn(relay)))
            }
            _ => (None, None),
        };
        let news = move |message: TurnMessage| match &relayed {
            // The relay outlives the turn, which holds the other end.
            Some(relay) => drop(relay.send(message)),
            None => tell(message),
        };
        let (stream_dir, thread, runtime) = (spec.stream_dir.clone(), spec.thread, Arc::clone(&self.runtime));
        let turn = tokio::spawn(Arc::clone(&self.runtime).run_turn(spec, news.clone(), cancelled, given));
        tokio::spawn(async move {
            if let Err(error) = turn.await {
                tracing::error!(%error, "a turn panicked");
                let failure =
                    Failure::new(FailureKind::Task, format!("a bug in work ended the turn: {error}"));
                let unrecorded = runtime.end_panicked(stream_dir, thread, failure.clone()).await;
                let outcome = TurnOutcome::Failed { failure };
                news(TurnMessage::Ended { outcome, attempt: None, unrecorded });
            }
            drop(news);
            if let Some(relay) = relay
                && let Err(error) = relay.await
            {
                tracing::error!(%error, "the end of a job was lost");
            }
            // The loop outlives every turn.
            let _ = events.send(Event::TurnOver(of));
        });
    }

    fn answer(&self, answering: Answering) {
        let Answering { from, turn, request, reply } = answering;
        let outcome = Answer::give(self.answers.get(&turn), request, reply);
        let events = self.events.clone();
        tokio::spawn(async move {
            // The loop outlives every answer; when it is gone, so is the process.
            let _ = events.send(Event::Answered(from, outcome.await));
        });
    }

    fn connect(&mut self, conn: ConnId, stream: UnixStream) {
        let ours = stream.peer_cred().is_ok_and(|peer| peer.uid() == crate::sys::process::user());
        if !ours {
            tracing::warn!("a connection of another user was refused");
            return;
        }
        let (mut reading, mut writing) = stream.into_split();
        let (lines, mut outgoing) = mpsc::unbounded_channel::<Vec<u8>>();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        self.tasks.spawn(async move {
            while let Some(line) = outgoing.recv().await {
                if writing.write_all(&line).await.is_err() {
                    return;
                }
                left.fetch_sub(line.len(), Ordering::Relaxed);
            }
        });
        let events = self.events.clone();
        // The loop outlives every reader; when it is gone, so is the process.
        let _ = events.send(Event::Connected(conn));
        let reader = tokio::spawn(async move {
            let mut buffer = Vec::new();
            while let Some(line) = read_line(&mut reading, &mut buffer).await {
                let _ = events.send(Event::Said(conn, decode(&line).ok()));
                // A client that floods us must not keep the others waiting.
                tokio::task::yield_now().await;
            }
            let _ = events.send(Event::Disconnected(conn));
        });
        self.writers.insert(conn, Writer { lines, waiting, missed: 0, reader: reader.abort_handle() });
        while self.tasks.try_join_next().is_some() {}
    }
}

/// The next line; `None` at the end, on an error, and for a line beyond the limit.
async fn read_line(from: &mut (impl tokio::io::AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let mut searched = 0;
    loop {
        if let Some(at) = buffer[searched..].iter().position(|&byte| byte == b'\n') {
            let rest = buffer.split_off(searched + at + 1);
            return Some(std::mem::replace(buffer, rest));
        }
        searched = buffer.len();
        if searched > MAX_LINE || from.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

async fn accept(found: Option<&Found>) -> UnixStream {
    match found {
        Some(found) => found.accept().await,
        None => std::future::pending().await,
    }
}

async fn swept(found: Option<&Found>) {
    match found {
        Some(found) => found.swept().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
