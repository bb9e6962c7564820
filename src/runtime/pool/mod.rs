//! The agent processes of this runtime: started when needed, told of, ended together.

mod opencode;

use std::path::Path;

use opencode::Servers;

use super::RuntimeSettings;
use crate::agent::opencode::Opencode;
use crate::agent::{OpenRequest, Session};
use crate::config::Agent;
use crate::model::{BackendKind, Failure, FailureKind, Owner, SessionId};

/// The pool. Cheap to ask; starts nothing by itself.
pub(super) struct Pool {
    servers: Servers,
}

impl Pool {
    pub(super) fn new(settings: &RuntimeSettings) -> Self {
        Self { servers: Servers::new(settings) }
    }

    /// Ends what runtimes that are dead have left.
    pub(super) async fn sweep(&self) {
        self.servers.sweep().await;
    }

    /// Takes over the server that a dead supervisor left, if it is well; gives who had it.
    pub(super) async fn take_over(&self) -> Option<Owner> {
        self.servers.take_over().await
    }

    /// Cancels whatever an opencode session does, if its server lives.
    pub(super) async fn abandon(&self, session: &SessionId, directory: &Path) {
        self.servers.abandon(session, directory).await;
    }

    /// A session of an agent, whose process starts when there is none. `warn` hears what is not as it should
    /// be.
    ///
    /// # Errors
    /// `AgentMissing` when the program is not there; else those of the backend.
    pub(super) async fn open(
        &self,
        agent: &Agent,
        request: OpenRequest,
        warn: &(dyn Fn(String) + Send + Sync),
    ) -> Result<Box<dyn Session>, Failure> {
        match agent.backend {
            BackendKind::Opencode | BackendKind::OpencodeRun => self.servers.open(request, warn).await,
            // Refused before a turn is made of it (`engine::conversation`).
            BackendKind::Acp => Err(Failure::new(FailureKind::AgentMissing, "ACP agents can't be run yet")),
        }
    }

    /// The backend on the shared opencode server, for what only that can do.
    ///
    /// # Errors
    /// `AgentMissing` when the program is not there; `AgentTooOld` when it is known to be.
    pub(super) async fn server(&self) -> Result<Opencode, Failure> {
        self.servers.server().await
    }

    /// What has to be started before a session can be opened, in words; `None` when nothing has.
    pub(super) fn to_start(&self, agent: &Agent) -> Option<String> {
        match agent.backend {
            BackendKind::Opencode | BackendKind::OpencodeRun => {
                (!self.servers.is_warm()).then(|| "`opencode serve`".to_owned())
            }
            BackendKind::Acp => None,
        }
    }

    /// The agent processes, in words.
    pub(super) fn describe(&self) -> Vec<String> {
        self.servers.describe()
    }

    /// Ends them.
    pub(super) async fn shutdown(&self) {
        self.servers.shutdown().await;
    }
}
