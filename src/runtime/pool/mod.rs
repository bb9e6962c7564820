//! The agent processes of this runtime: started when needed, told of, let go, ended together.

mod activity;
mod ledger;
mod opencode;
mod policy;
mod remote;
mod seen;
mod warm;

pub(super) use activity::Lease;
pub use ledger::{Left, end_left};
pub use seen::Which;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use activity::InUse;
use ledger::Ledger;
use opencode::Servers;
use remote::Remotes;
use seen::Seen;
use warm::WarmAgents;

use super::RuntimeSettings;
use crate::agent::opencode::Opencode;
use crate::agent::{OpenRequest, Session};
use crate::config::{Agent, Place};
use crate::model::{
    AgentProcess, BackendKind, ClosedAgent, Failure, FailureKind, Owner, SessionId, StreamId, ThreadId,
};
use crate::sys::clock::Clock;

/// The pool. Cheap to ask; starts nothing by itself.
pub(super) struct Pool {
    ledger: Arc<Ledger>,
    servers: Servers,
    /// Who uses opencode's server, or what runs in its place.
    shared: InUse,
    remotes: Remotes,
    warm: WarmAgents,
    root: PathBuf,
    clock: Clock,
}

/// A session of an agent, whose process is in use as long as the lease lives.
pub(super) struct Opened {
    /// The session.
    pub(super) session: Box<dyn Session>,
    /// Keeps its process.
    pub(super) lease: Lease,
}

impl Pool {
    pub(super) fn new(settings: &RuntimeSettings) -> Self {
        let ledger = Arc::new(Ledger::new(&settings.private));
        Self {
            servers: Servers::new(settings, Arc::clone(&ledger)),
            shared: InUse::new(Arc::default()),
            remotes: Remotes::new(settings.opencode.clone()),
            root: settings.root.clone(),
            warm: WarmAgents::new(settings, Arc::clone(&ledger)),
            clock: settings.clock,
            ledger,
        }
    }

    /// Ends what runtimes that are dead have left.
    pub(super) async fn sweep(&self) {
        self.ledger.sweep().await;
    }

    /// Takes over the server that a dead supervisor left, if it is well; gives who had it.
    pub(super) async fn take_over(&self) -> Option<Owner> {
        self.servers.take_over().await
    }

    /// Cancels whatever an opencode session does, if its server lives; what fails is logged.
    pub(super) async fn abandon(&self, place: &Place, session: &SessionId, directory: &Path) {
        let Place::Server(address) = place else {
            return self.servers.abandon(session, directory).await;
        };
        let cancelled = async {
            let directory = self.over_there(place, directory)?;
            self.remotes.server(address)?.abandon(session, &directory).await
        };
        if let Err(failure) = cancelled.await {
            tracing::warn!(%failure, %session, "a turn on a server elsewhere could not be cancelled");
        }
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
    ) -> Result<Opened, Failure> {
        let request =
            OpenRequest { directory: self.over_there(&agent.place, &request.directory)?, ..request };
        let (session, lease) = match (agent.backend, &agent.place) {
            (BackendKind::Opencode | BackendKind::OpencodeRun, Place::Server(address)) => {
                self.remotes.open(address, request).await?
            }
            (BackendKind::Opencode | BackendKind::OpencodeRun, _) => {
                let lease = self.shared.lease();
                (self.servers.open(request, warn).await?, lease)
            }
            (BackendKind::Acp, _) => self.warm.open(agent, request).await?,
        };
        lease.waits(false);
        Ok(Opened { session, lease })
    }

    /// The backend on the opencode server of this place, for what only that can do.
    ///
    /// # Errors
    /// `AgentMissing` when the program is not there; `AgentTooOld` when it is known to be;
    /// `ServerUnreachable` when somebody else's server can't be one.
    pub(super) async fn server(&self, place: &Place) -> Result<Opencode, Failure> {
        match place {
            Place::Server(address) => self.remotes.server(address),
            Place::Here | Place::Launched(_) => self.servers.server().await,
        }
    }

    /// Where a folder is at the agent's place.
    ///
    /// # Errors
    /// `Task` when nobody knows.
    pub(super) fn over_there(&self, place: &Place, folder: &Path) -> Result<PathBuf, Failure> {
        place.over_there(&self.root, folder).ok_or_else(|| {
            let words = format!(
                "the agent's `directory` says where the repository is over there, and `{}` is not below the \
                 repository",
                folder.display()
            );
            Failure::new(FailureKind::Task, words)
        })
    }

    /// What has to be started before a session can be opened, in words; `None` when nothing has.
    pub(super) fn to_start(&self, agent: &Agent, stream: &StreamId, thread: ThreadId) -> Option<String> {
        let (warm, what) = match (agent.backend, &agent.place) {
            (BackendKind::Opencode | BackendKind::OpencodeRun, Place::Server(_)) => return None,
            (BackendKind::Opencode | BackendKind::OpencodeRun, _) => {
                (self.servers.is_warm(), "opencode serve".to_owned())
            }
            (BackendKind::Acp, _) => (self.warm.is_warm(agent, stream, thread), agent.command_line()),
        };
        (!warm).then(|| format!("`{what}`"))
    }

    /// The agent processes as they stand.
    pub(super) async fn agents(&self) -> Vec<AgentProcess> {
        let server = self.servers.running().map(|server| Seen {
            what: "opencode serve".to_owned(),
            backend: BackendKind::Opencode,
            kept_for: None,
            used: self.shared.now(),
            ending: false,
            pid: Some(server.identity.pid),
            marker: Some(server.marker),
            url: server.url,
        });
        let program = || Seen {
            what: "opencode run".to_owned(),
            backend: BackendKind::OpencodeRun,
            kept_for: None,
            used: self.shared.now(),
            ending: false,
            pid: None,
            marker: None,
            url: None,
        };
        let programs = (0..self.servers.programs()).map(|_| program());
        let all = server.into_iter().chain(programs).chain(self.remotes.seen()).chain(self.warm.seen());
        seen::measured(all.collect(), self.clock).await
    }

    /// Ends the warm agents that are meant and that nobody uses, and tells of each; those in use end as soon
    /// as they are free. What all threads share stays.
    pub(super) async fn close(&self, which: &Which) -> Vec<ClosedAgent> {
        self.warm.close(which).await
    }

    /// Ends them.
    pub(super) async fn shutdown(&self) {
        tokio::join!(self.warm.shutdown(), self.servers.shutdown());
    }
}
