//! The backend: keeps one warm child, and opens sessions in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::agent::child::StartHook;
use crate::agent::{Backend, BoxFuture, OpenRequest, Session};
use crate::model::{Failure, FailureKind, Owner};

/// How to start the agent of one thread.
#[derive(Clone)]
pub struct AcpOptions {
    /// Program and arguments, with whatever launches them in front.
    pub command: Vec<String>,
    /// The agent's own variables, on top of ours and of those we inherit.
    pub env: BTreeMap<String, String>,
    /// The repository: what its tools get as `WORK_ROOT`.
    pub root: PathBuf,
    /// Where its standard error is appended; only its owner may read it.
    pub log: PathBuf,
    /// Told of the child before it starts; what that returns is called when the child and all that it
    /// started are gone.
    pub on_start: Option<StartHook>,
}

/// How long an agent may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To answer what is no prompt: to be ready, to open a session, to set a model.
    pub answer: Duration,
    /// To end a cancelled turn; then the child is ended by force.
    pub cancel: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { answer: Duration::from_secs(60), cancel: Duration::from_secs(10) }
    }
}

/// An agent that speaks ACP: at most one living child, for one thread. Cheap to clone.
#[derive(Clone)]
pub struct Acp {
    shared: Arc<AcpOptions>,
}

impl Acp {
    /// A backend that starts its child when a session is opened.
    #[must_use]
    pub fn new(options: AcpOptions) -> Self {
        Self { shared: Arc::new(options) }
    }

    /// The living child.
    #[must_use]
    pub fn process(&self) -> Option<Owner> {
        None
    }

    /// Whether a turn runs in it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        false
    }
}

impl Backend for Acp {
    fn open(&self, _request: OpenRequest) -> BoxFuture<'_, Result<Box<dyn Session>, Failure>> {
        let program = self.shared.command.first().cloned().unwrap_or_default();
        let failure = Failure::new(FailureKind::AgentMissing, format!("`{program}` can't be driven yet"));
        Box::pin(std::future::ready(Err(failure)))
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
