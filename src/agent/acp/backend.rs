//! The backend: keeps one warm child, and opens sessions in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::child::Child;
use super::connection::NoAnswer;
use super::session::{AcpSession, Opened};
use super::wire::{self, METHOD_NOT_FOUND, SessionAnswer};
use crate::agent::child::StartHook;
use crate::agent::{Backend, BoxFuture, OpenRequest, Session};
use crate::config::Launcher;
use crate::model::{Failure, FailureKind, Owner, SessionId};

/// How to start the agent of one thread.
#[derive(Clone)]
pub struct AcpOptions {
    /// Program and arguments.
    pub command: Vec<String>,
    /// What starts them, if not we; they then run where it says.
    pub launcher: Option<Launcher>,
    /// The agent's own variables, on top of ours and of those we inherit.
    pub env: BTreeMap<String, String>,
    /// The repository, as a path where the program runs: what its tools get as `WORK_ROOT`.
    pub root: PathBuf,
    /// Where its standard error is appended, and what it says on standard output that is no message. Only
    /// its owner may read it.
    pub log: PathBuf,
    /// Told of the child before it starts; what that returns is called when the child and all that it
    /// started are gone.
    pub on_start: Option<StartHook>,
}

impl AcpOptions {
    /// What is started, for messages: the words as they stand in `agents.yaml`.
    #[must_use]
    pub fn what(&self) -> String {
        let launcher = self.launcher.iter().flat_map(|launcher| &launcher.command);
        launcher.chain(&self.command).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// How long an agent may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To answer what is no prompt: to be ready, to open a session, to set a model.
    pub answer: Duration,
    /// To end a cancelled turn; then the child is ended by force.
    pub cancel: Duration,
    /// Between two words of ours that a tool still runs of which the agent tells nothing, so that nobody
    /// takes it for a stall.
    pub pulse: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(60),
            cancel: Duration::from_secs(10),
            pulse: Duration::from_secs(10),
        }
    }
}

/// An agent that speaks ACP: at most one living child, for one thread. Cheap to clone; when the last clone
/// and the last session are dropped, the child is ended.
#[derive(Clone)]
pub struct Acp {
    shared: Arc<Shared>,
}

struct Shared {
    options: AcpOptions,
    limits: Limits,
    /// Whoever opens a session waits here for the one before, so that two do not start two children. Holds
    /// no data; nothing that must not wait ever takes it.
    opening: tokio::sync::Mutex<()>,
    child: Mutex<Option<Arc<Child>>>,
}

impl Acp {
    /// A backend that starts its child when a session is opened.
    #[must_use]
    pub fn new(options: AcpOptions) -> Self {
        Self::with_limits(options, Limits::default())
    }

    /// The same, with other limits.
    #[must_use]
    pub fn with_limits(options: AcpOptions, limits: Limits) -> Self {
        let (opening, child) = Default::default();
        Self { shared: Arc::new(Shared { options, limits, opening, child }) }
    }

    /// The living child.
    #[must_use]
    pub fn process(&self) -> Option<Owner> {
        self.shared.living().and_then(|child| child.identity())
    }

    /// Whether a turn runs in it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.shared.living().is_some_and(|child| child.connection.is_busy())
    }
}

impl Shared {
    fn living(&self) -> Option<Arc<Child>> {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).clone();
        child.filter(|child| child.is_up())
    }

    fn replace(&self, child: Option<Arc<Child>>) -> Option<Arc<Child>> {
        std::mem::replace(&mut *self.child.lock().unwrap_or_else(PoisonError::into_inner), child)
    }

    /// A child that is ready for this session.
    async fn ready(&self, request: &OpenRequest) -> Result<Arc<Child>, Failure> {
        match self.living() {
            Some(child) if child.works_for(request) => return Ok(child),
            _ => {
                // One that ends may still have the session, and its log.
                if let Some(old) = self.replace(None) {
                    old.stop().await;
                }
            }
        }
        let child = Child::start(&self.options, request)?;
        // From here on `shutdown` finds it.
        self.replace(Some(Arc::clone(&child)));
        match child.initialize(self.limits.answer).await {
            Ok(()) => Ok(child),
            Err(failure) => {
                child.kill();
                child.over().await;
                Err(failure)
            }
        }
    }

    async fn open(&self, request: OpenRequest) -> Result<AcpSession, Failure> {
        let _turn = self.opening.lock().await;
        let child = self.ready(&request).await?;
        let (id, opened) = match &request.resume {
            None => self.create(&child, &request).await?,
            Some(id) => {
                let known = child.sessions().get(id).cloned();
                let opened = match known {
                    Some(opened) => opened,
                    None => {
                        let opened = Arc::new(Mutex::new(self.take_up(&child, id, &request).await?));
                        child.sessions().insert(id.clone(), Arc::clone(&opened));
                        opened
                    }
                };
                (id.clone(), opened)
            }
        };
        Ok(AcpSession::new(child, id, opened, self.limits))
    }

    async fn create(
        &self,
        child: &Child,
        request: &OpenRequest,
    ) -> Result<(SessionId, Arc<Mutex<Opened>>), Failure> {
        let params = json!({ "cwd": request.directory, "mcpServers": [] });
        let answer = child.connection.request("session/new", &params, self.limits.answer).await;
        let answer: SessionAnswer = wire::read(answer.map_err(|error| error.failure("session/new"))?);
        if answer.session_id.is_empty() {
            let words = "the agent opened a session without an id";
            return Err(Failure::new(FailureKind::Provider, words));
        }
        let id = SessionId(answer.session_id.clone());
        let opened = Arc::new(Mutex::new(Opened::new(&answer)));
        child.sessions().insert(id.clone(), Arc::clone(&opened));
        Ok((id, opened))
    }

    /// Opens a session of an earlier child: without its past being told again, where the agent can do that.
    async fn take_up(&self, child: &Child, id: &SessionId, request: &OpenRequest) -> Result<Opened, Failure> {
        let can = child.capabilities();
        let params = json!({ "sessionId": id.0, "cwd": request.directory, "mcpServers": [] });
        let ask = |method: &'static str| {
            let params = &params;
            async move {
                let answer = child.connection.request(method, params, self.limits.answer).await;
                answer.map_err(|error| Refusal::of(error, method))
            }
        };
        let unknown = |why: String| Failure::new(FailureKind::SessionUnknown, why);
        let mut refused = None;
        if can.session_capabilities.resume.is_some() {
            match ask("session/resume").await {
                Ok(answer) => return Ok(opened(answer)),
                Err(Refusal::Of(failure)) => refused = Some(failure),
                Err(Refusal::Down(failure)) => return Err(failure),
            }
        }
        if can.load_session {
            let before = child.connection.replayed(id);
            match ask("session/load").await {
                // Some "load" what they have never heard of; then they have nothing to tell of it.
                Ok(_) if child.connection.replayed(id) == before => {
                    return Err(unknown(format!("the agent has nothing of session `{id}`")));
                }
                Ok(answer) => return Ok(opened(answer)),
                Err(Refusal::Of(failure)) => refused = Some(failure),
                Err(Refusal::Down(failure)) => return Err(failure),
            }
        }
        Err(match refused {
            // Whoever must log in first must do so for any session.
            Some(failure) if failure.kind == FailureKind::Auth => failure,
            Some(failure) => unknown(format!("the agent cannot take up session `{id}`: {}", failure.message)),
            None => unknown(format!(
                "this agent cannot take up a session again: it offers neither `session/resume` nor \
                 `session/load`, and `{id}` was open in a process that is gone"
            )),
        })
    }
}

fn opened(answer: Value) -> Opened {
    Opened::resumed(&wire::read(answer))
}

/// Why a session was not taken up.
enum Refusal {
    /// The agent does not have it, or can't do that; another way may do.
    Of(Failure),
    /// The agent does not answer any more.
    Down(Failure),
}

impl Refusal {
    fn of(error: NoAnswer, method: &str) -> Self {
        match error {
            NoAnswer::Refused(error) if error.code == METHOD_NOT_FOUND => {
                let words = format!("it offers `{method}`, but does not know it");
                Self::Of(Failure::new(FailureKind::SessionUnknown, words))
            }
            NoAnswer::Refused(_) => Self::Of(error.failure(method)),
            NoAnswer::Late | NoAnswer::Gone(_) => Self::Down(error.failure(method)),
        }
    }
}

impl Backend for Acp {
    fn open(&self, request: OpenRequest) -> BoxFuture<'_, Result<Box<dyn Session>, Failure>> {
        Box::pin(async move {
            let session = self.shared.open(request).await?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    /// Closes the child's input, asks, forces, and ends whatever it started. A session that is opened later
    /// starts another one.
    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Some(child) = self.shared.replace(None) {
                child.stop().await;
            }
        })
    }
}
