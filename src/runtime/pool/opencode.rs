//! opencode in the pool: one server for all threads, or one program a turn where it is too old for that.
//!
//! One invariant: what it starts is on the ledger before it runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::ledger::Ledger;
use crate::agent::child::{ServerRecord, stop_leftover};
use crate::agent::opencode::{Opencode, OpencodeRun, RunOptions, ServerOptions, find_program};
use crate::agent::{Backend as _, OpenRequest, Session};
use crate::engine::owner;
use crate::model::{Failure, FailureKind, Owner, SessionId};
use crate::runtime::RuntimeSettings;

/// The server of this runtime. Cheap to ask; starts nothing by itself.
pub(super) struct Servers {
    root: PathBuf,
    private: PathBuf,
    program: Option<PathBuf>,
    opencode: Mutex<Option<Opencode>>,
    /// What is used in its place, when its program is too old to be a server.
    old: Mutex<Option<(Failure, OpencodeRun)>>,
    running: Arc<Mutex<Option<ServerRecord>>>,
    ledger: Arc<Ledger>,
}

impl Servers {
    pub(super) fn new(settings: &RuntimeSettings, ledger: Arc<Ledger>) -> Self {
        Self {
            root: settings.root.clone(),
            private: settings.private.clone(),
            program: settings.opencode.clone(),
            opencode: Mutex::default(),
            old: Mutex::default(),
            running: Arc::default(),
            ledger,
        }
    }

    /// Takes over the server that a dead supervisor left, with all that runs on it, and gives who had it. From
    /// here on ours is one that the next supervisor may take over.
    ///
    /// Only for a supervisor: it holds the repository's lock, so whoever else was one is dead, or dies.
    pub(super) async fn take_over(&self) -> Option<Owner> {
        self.ledger.serve();
        let program = find_program(self.program.as_deref()).ok()?;
        for left in self.ledger.servers_left() {
            let Some(taken) = left.claim().await else { continue };
            let options = self.options(program.clone());
            let kept = match self.opencode(&program).take_over(&taken.server, &options).await {
                Ok(()) => {
                    tracing::info!(pid = taken.server.identity.pid, "taking over a server that was left");
                    if let Some(write_down) = &options.on_start {
                        write_down(&taken.server);
                    }
                    true
                }
                Err(failure) => {
                    tracing::info!(%failure, "a server that was left can't be taken over");
                    stop_leftover(&taken.server).await;
                    false
                }
            };
            let owner = taken.forget();
            if kept {
                return Some(owner);
            }
        }
        None
    }

    /// Cancels whatever a session does, if the server lives.
    pub(super) async fn abandon(&self, session: &SessionId, directory: &Path) {
        let opencode = self.opencode.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (Some(opencode), Some(_)) = (opencode, self.running()) else { return };
        if let Err(failure) = opencode.abandon(session, directory).await {
            tracing::warn!(%failure, %session, "a session that nobody follows could not be cancelled");
        }
    }

    /// A session of opencode: on its server, which starts with the first one, or, when it is too old for
    /// that, by `opencode run`, of which `warn` hears.
    ///
    /// # Errors
    /// `AgentMissing` when the program is not there; else those of the backend.
    pub(super) async fn open(
        &self,
        request: OpenRequest,
        warn: &(dyn Fn(String) + Send + Sync),
    ) -> Result<Box<dyn Session>, Failure> {
        self.ledger.sweep().await;
        let program = find_program(self.program.as_deref())?;
        if self.too_old().is_none() {
            match self.opencode(&program).open(request.clone()).await {
                Err(failure) if failure.kind == FailureKind::AgentTooOld => {
                    tracing::warn!(%failure, "falling back to `opencode run`");
                    self.fall_back(program, failure);
                }
                opened => return opened,
            }
        }
        let (failure, run) =
            self.too_old().ok_or_else(|| Failure::new(FailureKind::AgentMissing, "stopped"))?;
        warn(format!(
            "{}, so `opencode run` is used: no UI, no live text, nothing can be allowed or answered, and a \
             session's id is known only with its first words",
            failure.message
        ));
        run.open(request).await
    }

    /// The backend on the shared server, for what only that can do. It starts when it is used.
    ///
    /// # Errors
    /// `AgentMissing` when the program is not there; `AgentTooOld` when it is known to be.
    pub(super) async fn server(&self) -> Result<Opencode, Failure> {
        self.ledger.sweep().await;
        match self.too_old() {
            Some((failure, _)) => Err(failure),
            None => Ok(self.opencode(&find_program(self.program.as_deref())?)),
        }
    }

    fn opencode(&self, program: &Path) -> Opencode {
        let mut held = self.opencode.lock().unwrap_or_else(PoisonError::into_inner);
        held.get_or_insert_with(|| Opencode::new(self.options(program.to_owned()))).clone()
    }

    fn too_old(&self) -> Option<(Failure, OpencodeRun)> {
        self.old.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From here on the server is not tried any more; a new supervisor tries it again.
    fn fall_back(&self, program: PathBuf, because: Failure) {
        let (root, on_start) = (self.root.clone(), Some(self.ledger.hook()));
        let options = RunOptions { program, root, env: Vec::new(), because: because.clone(), on_start };
        let mut held = self.old.lock().unwrap_or_else(PoisonError::into_inner);
        held.get_or_insert_with(|| (because, OpencodeRun::new(options)));
    }

    fn options(&self, program: PathBuf) -> ServerOptions {
        let log = self.private.join("opencode.log");
        let mut options = ServerOptions::new(program, self.root.clone(), log, self.private.join("opencode"));
        let (ledger, running) = (Arc::clone(&self.ledger), Arc::clone(&self.running));
        options.on_start = Some(Arc::new(move |server: &ServerRecord| {
            *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(server.clone());
            ledger.write_server(server);
        }));
        options
    }

    /// The live server, if there is one.
    pub(super) fn running(&self) -> Option<ServerRecord> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        running.filter(|server| server.url.is_some() && owner::is_alive(&server.identity))
    }

    /// Whether a session can be opened without waiting for a start.
    pub(super) fn is_warm(&self) -> bool {
        self.running().is_some() || self.too_old().is_some()
    }

    /// How many programs run in the place of a server that is too old.
    pub(super) fn programs(&self) -> usize {
        self.too_old().map_or(0, |(_, run)| run.live())
    }

    /// Ends them.
    pub(super) async fn shutdown(&self) {
        let held = self.opencode.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(opencode) = held {
            opencode.shutdown().await;
        }
        if let Some((_, run)) = self.too_old() {
            run.shutdown().await;
        }
        self.ledger.forget_server();
    }
}
