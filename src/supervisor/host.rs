//! The loop: takes events from sockets, turns, timers and signals, asks `dispatch`, and acts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::dispatch::{Action, ConnId, Dispatch, Event};
use crate::ipc::{MAX_LINE, ServerMessage, TurnMessage, TurnSpec, decode, encode};
use crate::model::{CancelCause, Failure, FailureKind, TurnOutcome};
use crate::runtime::Runtime;
use crate::sys::clock::Clock;

/// What a host needs to know.
#[derive(Debug, Clone)]
pub struct HostSettings {
    /// Exit after so long without a connection and a turn.
    pub idle: Duration,
    /// The clock.
    pub clock: Clock,
}

/// Who connects.
pub(super) enum Source {
    /// Anyone of our user, through the socket.
    Listener(UnixListener),
    /// One command, in the same process; the host ends with it.
    One(UnixStream),
}

struct Host {
    runtime: Arc<Runtime>,
    clock: Clock,
    started_at: DateTime<Utc>,
    dispatch: Dispatch,
    events: mpsc::UnboundedSender<Event>,
    writers: HashMap<ConnId, mpsc::UnboundedSender<ServerMessage>>,
    cancels: HashMap<ConnId, watch::Sender<Option<CancelCause>>>,
    /// Tasks that write to connections; waited for at the end, so that last words arrive.
    tasks: JoinSet<()>,
    idle: Duration,
    idle_until: Option<Instant>,
}

/// Serves until there is nothing left to do, and ends the agents.
pub(super) async fn serve(runtime: Arc<Runtime>, source: Source, settings: HostSettings) {
    let (events, mut incoming) = mpsc::unbounded_channel();
    let mut host = Host {
        runtime: Arc::clone(&runtime),
        clock: settings.clock,
        started_at: settings.clock.now(),
        dispatch: Dispatch::new(),
        events,
        writers: HashMap::new(),
        cancels: HashMap::new(),
        tasks: JoinSet::new(),
        idle: settings.idle,
        idle_until: Some(Instant::now() + settings.idle),
    };
    let (listener, alone) = match source {
        Source::Listener(listener) => (Some(listener), None),
        Source::One(stream) => (None, Some(stream)),
    };
    let mut next_conn: ConnId = 0;
    if let Some(stream) = alone {
        next_conn += 1;
        host.connect(next_conn, stream);
    }
    // Within a command, the command hears the signals, and cancels or hangs up.
    let mut signals = listener.as_ref().map(|_| super::daemon::Signals::new());
    loop {
        let idle_until = host.idle_until;
        let event = tokio::select! {
            Some(event) = incoming.recv() => event,
            stream = accept(listener.as_ref()) => {
                next_conn += 1;
                host.connect(next_conn, stream);
                continue;
            }
            () = sleep_until(idle_until) => Event::IdleTimeUp,
            () = terminated(signals.as_mut()) => Event::Terminate,
        };
        let last_hangup = listener.is_none() && matches!(event, Event::Disconnected(_));
        let mut done = host.step(event);
        if last_hangup {
            done |= host.step(Event::Terminate);
        }
        if done {
            break;
        }
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
        if let Event::TurnOver(conn) = event {
            self.cancels.remove(&conn);
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
            Action::Close(conn) => drop(self.writers.remove(&conn)),
            Action::Start(conn, spec) => self.start(conn, *spec),
            Action::Cancel(conn, cause) => {
                if let Some(cancel) = self.cancels.get(&conn) {
                    // The first cause stands; a turn that is over hears nothing.
                    cancel.send_if_modified(|current| current.replace(current.unwrap_or(cause)).is_none());
                }
            }
            Action::Idle(counts) => self.idle_until = counts.then(|| Instant::now() + self.idle),
            Action::TellStatus(conn) => {
                let agents = self.runtime.agents();
                let status = self.dispatch.status(std::process::id(), self.started_at, agents);
                self.send(conn, ServerMessage::Status(status));
            }
            Action::Exit => return true,
        }
        false
    }

    fn send(&self, conn: ConnId, message: ServerMessage) {
        if let Some(writer) = self.writers.get(&conn) {
            // A connection that is gone says so by an event of its own.
            let _ = writer.send(message);
        }
    }

    fn start(&mut self, conn: ConnId, spec: TurnSpec) {
        tracing::info!(stream = %spec.stream, thread = %spec.thread, agent = %spec.agent.name, "turn begins");
        let (cancel, cancelled) = watch::channel(None);
        self.cancels.insert(conn, cancel);
        let events = self.events.clone();
        let news = {
            let events = events.clone();
            move |message: TurnMessage| {
                // The loop outlives every turn.
                let _ = events.send(Event::Turn(conn, message));
            }
        };
        let turn = tokio::spawn(Arc::clone(&self.runtime).run_turn(spec, news.clone(), cancelled));
        tokio::spawn(async move {
            if let Err(error) = turn.await {
                tracing::error!(%error, "a turn panicked");
                let failure =
                    Failure::new(FailureKind::Task, format!("a bug in work ended the turn: {error}"));
                let outcome = TurnOutcome::Failed { failure };
                news(TurnMessage::Ended { outcome, attempt: None, unrecorded: None });
            }
            // The loop outlives every turn.
            let _ = events.send(Event::TurnOver(conn));
        });
    }

    fn connect(&mut self, conn: ConnId, stream: UnixStream) {
        let ours = stream.peer_cred().is_ok_and(|peer| peer.uid() == crate::sys::process::user());
        if !ours {
            tracing::warn!("a connection of another user was refused");
            return;
        }
        let (mut reading, mut writing) = stream.into_split();
        let (writer, mut outgoing) = mpsc::unbounded_channel::<ServerMessage>();
        self.writers.insert(conn, writer);
        self.tasks.spawn(async move {
            while let Some(message) = outgoing.recv().await {
                let Ok(line) = encode(&message) else { continue };
                if writing.write_all(&line).await.is_err() {
                    return;
                }
            }
        });
        let events = self.events.clone();
        // The loop outlives every reader; when it is gone, so is the process.
        let _ = events.send(Event::Connected(conn));
        tokio::spawn(async move {
            let mut buffer = Vec::new();
            while let Some(line) = read_line(&mut reading, &mut buffer).await {
                let _ = events.send(Event::Said(conn, decode(&line).ok()));
            }
            let _ = events.send(Event::Disconnected(conn));
        });
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

async fn accept(listener: Option<&UnixListener>) -> UnixStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                // Out of descriptors, most likely; the next one may fit.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn terminated(signals: Option<&mut super::daemon::Signals>) {
    match signals {
        Some(signals) => signals.terminate().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
