//! Keeps one server for everyone: starts it when it is first needed, and again when it has died.
//!
//! A task of its own owns the server, so that a hundred callers start one, and nobody waits with a
//! lock in hand.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::server::{Server, ServerOptions};
use crate::model::{Failure, FailureKind};

/// Where the answer to a request for the server goes.
type Reply = oneshot::Sender<Result<Arc<Server>, Failure>>;

enum Request {
    Acquire(Reply),
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
        tokio::spawn(keep(options, inbox));
        Self { requests }
    }

    /// The running server; it is started when there is none.
    pub(crate) async fn acquire(&self) -> Result<Arc<Server>, Failure> {
        let (reply, answer) = oneshot::channel();
        let gone = || Failure::new(FailureKind::ServerUnreachable, "opencode was stopped");
        self.requests.send(Request::Acquire(reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
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
            Request::Stop(reply) => {
                *stopped = Some(reply);
                return;
            }
        }
    }
    // Nobody is left who could use the server.
}

async fn keep(options: ServerOptions, mut inbox: mpsc::UnboundedReceiver<Request>) {
    let mut server: Option<Arc<Server>> = None;
    let mut stopped = None;
    while let Some(request) = inbox.recv().await {
        match request {
            Request::Stop(reply) => {
                stopped = Some(reply);
                break;
            }
            Request::Acquire(reply) => {
                let mut waiting = vec![reply];
                let answer = match server.as_ref().filter(|server| server.is_running()) {
                    Some(server) => Ok(Arc::clone(server)),
                    None => {
                        let interrupted = until_stop(&mut inbox, &mut waiting, &mut stopped);
                        Server::start_unless(&options, interrupted).await.map(Arc::new)
                    }
                };
                server = answer.as_ref().ok().map(Arc::clone);
                for reply in waiting {
                    // Whoever asked may have given up; the server is kept for the next one.
                    let _ = reply.send(answer.clone());
                }
                if stopped.is_some() {
                    break;
                }
            }
        }
    }
    inbox.close();
    if let Some(server) = server {
        server.stop().await;
    }
    if let Some(reply) = stopped {
        let _ = reply.send(());
    }
}
