//! Keeps one server for everyone: starts it when it is first needed, and again, in the same place, when it
//! has died; not for ever, when it dies again and again. Nothing is started without being asked for.
//!
//! A task of its own owns the server, so that a hundred callers start one, and nobody waits with a
//! lock in hand.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::health::{Deaths, Start};
use super::server::{Server, ServerOptions};
use super::start::Place;
use crate::model::{Failure, FailureKind};

/// Where the answer to a request for the server goes.
type Reply = oneshot::Sender<Result<Arc<Server>, Failure>>;

enum Request {
    Acquire(Reply),
    TakeOver(Arc<Server>),
    Stop(oneshot::Sender<()>),
}

/// The way to the server. When the last one is dropped, the server is stopped.
#[derive(Clone)]
pub(crate) struct Keeper {
    requests: mpsc::UnboundedSender<Request>,
}

impl Keeper {
    /// Must be called inside the asynchronous runtime. Starts nothing yet.
    pub(crate) fn new(options: ServerOptions) -> Self {
        let (requests, inbox) = mpsc::unbounded_channel();
        let deaths = Deaths::default();
        let keep = Keep { options, inbox, server: None, place: None, deaths, stopped: None };
        tokio::spawn(keep.run());
        Self { requests }
    }

    /// The running server; it is started when there is none.
    pub(crate) async fn acquire(&self) -> Result<Arc<Server>, Failure> {
        let (reply, answer) = oneshot::channel();
        let gone = || Failure::new(FailureKind::ServerUnreachable, "opencode was stopped");
        self.requests.send(Request::Acquire(reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Keeps a server that runs already, and is no child of ours. In the place of one of our own it is not
    /// needed, and is stopped.
    pub(crate) fn take_over(&self, server: Arc<Server>) {
        // A keeper that was stopped drops it, and a server that is dropped ends.
        let _ = self.requests.send(Request::TakeOver(server));
    }

    /// Stops the server for good, and returns when it is gone.
    pub(crate) async fn stop(&self) {
        let (reply, done) = oneshot::channel();
        if self.requests.send(Request::Stop(reply)).is_ok() {
            // An error means that it was stopped before.
            let _ = done.await;
        }
    }
}

/// Takes requests while a server starts, until one asks to stop it.
async fn until_stop(
    inbox: &mut mpsc::UnboundedReceiver<Request>,
    waiting: &mut Vec<Reply>,
    stopped: &mut Option<oneshot::Sender<()>>,
) {
    while let Some(request) = inbox.recv().await {
        match request {
            Request::Acquire(reply) => waiting.push(reply),
            // Dropped, it ends: the one that starts is enough.
            Request::TakeOver(_) => {}
            Request::Stop(reply) => {
                *stopped = Some(reply);
                return;
            }
        }
    }
    // Nobody is left who could use the server.
}

/// The state of the keeper's task.
struct Keep {
    options: ServerOptions,
    inbox: mpsc::UnboundedReceiver<Request>,
    server: Option<Arc<Server>>,
    /// Where the last server was, for whoever is still attached to it.
    place: Option<Place>,
    deaths: Deaths,
    stopped: Option<oneshot::Sender<()>>,
}

impl Keep {
    async fn run(mut self) {
        while let Some(request) = self.inbox.recv().await {
            match request {
                Request::Stop(reply) => self.stopped = Some(reply),
                Request::TakeOver(server) => self.take_over(server).await,
                Request::Acquire(reply) => self.acquire(reply).await,
            }
            if self.stopped.is_some() {
                break;
            }
        }
        self.inbox.close();
        if let Some(server) = self.server {
            server.stop().await;
        }
        if let Some(reply) = self.stopped {
            let _ = reply.send(());
        }
    }

    async fn take_over(&mut self, server: Arc<Server>) {
        match &self.server {
            // One is enough, and the one that we started knows what we want.
            Some(ours) if ours.is_running() => server.stop().await,
            _ => self.server = Some(server),
        }
    }

    async fn acquire(&mut self, reply: Reply) {
        let mut waiting = vec![reply];
        let answer = match self.server.as_ref().filter(|server| server.is_running()) {
            Some(server) => Ok(Arc::clone(server)),
            None => self.start(&mut waiting).await,
        };
        for reply in waiting {
            // Whoever asked may have given up; the server is kept for the next one.
            let _ = reply.send(answer.clone());
        }
    }

    /// Starts a server when it is time for that. Whoever asks meanwhile waits as well.
    async fn start(&mut self, waiting: &mut Vec<Reply>) -> Result<Arc<Server>, Failure> {
        let health = self.options.health;
        if let Some(server) = self.server.take() {
            self.place = server.place();
            if let Some((at, lived, of_use, why)) = server.death() {
                tracing::warn!(%why, ?lived, of_use, "a server died");
                self.deaths.died(at, lived, of_use, why, &health);
            }
        }
        match self.deaths.start(Instant::now(), &health) {
            Start::Now => {}
            Start::GivenUp(failure) => return Err(failure),
            Start::At(at) => {
                let pause = timeout_at(at, until_stop(&mut self.inbox, waiting, &mut self.stopped));
                if pause.await.is_ok() {
                    return Err(Failure::new(FailureKind::ServerUnreachable, "opencode was stopped"));
                }
            }
        }
        let interrupted = until_stop(&mut self.inbox, waiting, &mut self.stopped);
        let started = Server::start_unless(&self.options, self.place.as_ref(), interrupted).await;
        match &started {
            Err(failure) if self.stopped.is_none() && failure.kind != FailureKind::AgentTooOld => {
                self.deaths.died(Instant::now(), Duration::ZERO, false, failure.clone(), &health);
            }
            _ => {}
        }
        let server = Arc::new(started?);
        self.server = Some(Arc::clone(&server));
        Ok(server)
    }
}
