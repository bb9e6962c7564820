//! An opencode that is too old for its server: one `opencode run --format json` a turn.
//!
//! The last resort: no UI, no words before a part of an answer is whole, nothing that can be allowed or
//! answered, and the id of a new session comes with its first words. One invariant: what a program started
//! does not outlive its turn.

mod lines;
mod program;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use self::program::{Running, start};
use crate::agent::child::StartHook;
use crate::agent::{Backend, BoxFuture, OpenRequest, PermissionReply, PromptRequest, Session, UiCommand};
use crate::model::{AgentEvent, BackendKind, CancelCause, Failure, FailureKind, ModelRef, SessionId, Usage};

/// How to run it.
#[derive(Clone)]
pub struct RunOptions {
    /// The program.
    pub program: PathBuf,
    /// What its tools get as `WORK_ROOT`.
    pub root: PathBuf,
    /// Variables to set on top of ours and of those we inherit.
    pub env: Vec<(OsString, OsString)>,
    /// Why its server can't be used; told when this does not work either.
    pub because: Failure,
    /// Who keeps the record of each program.
    pub on_start: Option<StartHook>,
}

/// What all sessions share.
struct Shared {
    options: RunOptions,
    /// Set once, when all is to end.
    stop: watch::Sender<Option<CancelCause>>,
    /// How many programs run.
    live: watch::Sender<usize>,
}

/// opencode, as one program a turn.
#[derive(Clone)]
pub struct OpencodeRun {
    shared: Arc<Shared>,
}

impl OpencodeRun {
    /// A backend that starts nothing before it is prompted.
    #[must_use]
    pub fn new(options: RunOptions) -> Self {
        let (stop, live) = (watch::Sender::new(None), watch::Sender::new(0));
        Self { shared: Arc::new(Shared { options, stop, live }) }
    }

    /// How many programs run now.
    #[must_use]
    pub fn live(&self) -> usize {
        *self.shared.live.borrow()
    }
}

impl Backend for OpencodeRun {
    fn open(&self, request: OpenRequest) -> BoxFuture<'_, Result<Box<dyn Session>, Failure>> {
        let session = RunSession {
            shared: Arc::clone(&self.shared),
            id: request.resume.clone(),
            request,
            running: None,
            usage: Usage::default(),
        };
        Box::pin(std::future::ready(Ok(Box::new(session) as Box<dyn Session>)))
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.shared.stop.send_replace(Some(CancelCause::Shutdown));
            // Each ends within a deadline of its own.
            let _ = self.shared.live.subscribe().wait_for(|live| *live == 0).await;
        })
    }
}

/// One conversation; between two prompts nothing of it runs.
struct RunSession {
    shared: Arc<Shared>,
    request: OpenRequest,
    id: Option<SessionId>,
    running: Option<Running>,
    /// What was used since it was opened here.
    usage: Usage,
}

impl RunSession {
    fn saw(&mut self, event: &AgentEvent) {
        match event {
            AgentEvent::Opened { session } => self.id = Some(session.clone()),
            AgentEvent::Usage(total) => self.usage = *total,
            AgentEvent::TurnEnded(_) => self.running = None,
            _ => {}
        }
    }
}

impl Session for RunSession {
    fn id(&self) -> Option<&SessionId> {
        self.id.as_ref()
    }

    fn backend(&self) -> BackendKind {
        BackendKind::OpencodeRun
    }

    fn prepare<'a>(&'a mut self, _model: &'a ModelRef) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn prompt(&mut self, request: PromptRequest) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let started = start(&self.shared, &self.request, self.id.as_ref(), request, self.usage)?;
            self.running = Some(started);
            Ok(())
        })
    }

    fn next_event(&mut self) -> BoxFuture<'_, AgentEvent> {
        Box::pin(async move {
            let event = match &mut self.running {
                Some(running) => running.next().await,
                None => std::future::pending().await,
            };
            self.saw(&event);
            event
        })
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Some(running) = &mut self.running {
                running.cancel().await;
            }
        })
    }

    fn answer(&mut self, _request: String, _reply: PermissionReply) -> BoxFuture<'_, Result<(), Failure>> {
        let words = "`opencode run` takes no answers: it refuses by itself what it would have to ask";
        Box::pin(std::future::ready(Err(Failure::new(FailureKind::AgentTooOld, words))))
    }

    fn usage(&mut self) -> BoxFuture<'_, Result<Usage, Failure>> {
        Box::pin(std::future::ready(Ok(self.usage)))
    }

    fn ui(&self) -> Option<UiCommand> {
        None
    }
}
