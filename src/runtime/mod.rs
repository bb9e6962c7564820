//! Turns and the agent processes they need; asynchronous.
//!
//! Owns the running of a turn from prompt to recorded end, and the pool of warm agents. Knows no
//! socket and no terminal. One invariant: every record that is begun here gets its end from here.

mod adopt;
mod answers;
mod asks;
mod board;
mod check;
mod journal;
mod notify;
mod pool;
mod records;
mod tries;
mod turn;
mod watch;
mod worktrees;

pub use answers::{Answer, Answers, Given, NotAnswered};
pub use pool::{Left, Which, end_left};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;

use crate::config::{Place, PoolSettings};
use crate::engine::{Orphan, Workspace};
use crate::ipc::{TurnMessage, TurnSpec, UiCommand};
use crate::model::{AgentProcess, CancelCause, ClosedAgent, Failure, KnownSession, SessionId, ThreadId};
use crate::sys::clock::Clock;

/// How long an exit is held up by ends that can't be written.
const LAST_TRY: Duration = Duration::from_secs(3);

/// What the runtime needs to know.
#[derive(Debug, Clone)]
pub struct RuntimeSettings {
    /// The main checkout.
    pub root: PathBuf,
    /// The private folder, `.git/work`.
    pub private: PathBuf,
    /// The opencode program, when it is not the one on `PATH`.
    pub opencode: Option<PathBuf>,
    /// A turn without any event for so long is cancelled; tools that run don't count.
    pub stall_timeout: Duration,
    /// A turn of more than this is cancelled.
    pub turn_timeout: Option<Duration>,
    /// How long a turn may wait for a provider's limit to reset.
    pub wait_for_limit: Duration,
    /// The tmux program, when it is not the one on `PATH`.
    pub tmux: Option<PathBuf>,
    /// Which agents are kept warm between their turns.
    pub pool: PoolSettings,
    /// The clock.
    pub clock: Clock,
}

/// The runtime: one in a supervisor, or one in a command.
pub struct Runtime {
    settings: RuntimeSettings,
    pool: pool::Pool,
    notifier: notify::Notifier,
    unwritten: records::Unwritten,
    adoptions: adopt::Adoptions,
}

impl Runtime {
    /// A runtime without agents; they are started when they are needed. Must be called within tokio.
    #[must_use]
    pub fn new(settings: RuntimeSettings) -> Self {
        let (pool, notifier) = (pool::Pool::new(&settings), notify::Notifier::new(&settings));
        let (unwritten, adoptions) = (records::Unwritten::new(), adopt::Adoptions::new());
        Self { settings, pool, notifier, unwritten, adoptions }
    }

    /// Writes the ends of all attempts whose owner died, and stops the server that one left behind.
    ///
    /// Both go on in the background; the pool waits for the second.
    pub fn recover(self: &Arc<Self>, workspace: &Workspace) {
        let (workspace, clock) = (workspace.clone(), self.settings.clock);
        let runtime = Arc::clone(self);
        tokio::spawn(async move { runtime.pool.sweep().await });
        tokio::task::spawn_blocking(move || {
            // What their agents left is kept before it is said that they ended.
            for error in crate::engine::changes::keep_lost(&workspace) {
                tracing::warn!(%error, "what a turn left in its worktree could not be kept");
            }
            for (stream, error) in crate::engine::recover_all(&workspace, clock.now()) {
                tracing::warn!(%stream, %error, "the ends of dead attempts could not be written");
            }
        });
    }

    /// The same for a supervisor, which first takes over the server that a dead one left, and the turns that
    /// go on there. Those whose command does not come for them in time are ended.
    ///
    /// In the background; a turn that is to begin waits for it.
    pub fn inherit(self: &Arc<Self>, workspace: &Workspace) {
        self.adoptions.unknown();
        let (runtime, workspace) = (Arc::clone(self), workspace.clone());
        tokio::spawn(async move {
            let (adopted, mut orphans) = match runtime.pool.take_over().await {
                Some(dead) => {
                    let workspace = workspace.clone();
                    let adopt = move || crate::engine::adopt(&workspace, &dead);
                    tokio::task::spawn_blocking(adopt).await.unwrap_or_else(|error| {
                        tracing::error!(%error, "no turn could be adopted");
                        Default::default()
                    })
                }
                None => Default::default(),
            };
            let at = workspace.clone();
            // What can't be found out is in the log, and written off all the same.
            let strays = tokio::task::spawn_blocking(move || crate::engine::strays(&at)).await;
            orphans.extend(strays.inspect_err(|error| tracing::error!(%error)).unwrap_or_default());
            // Only now, or it would write the ends of those that are ours.
            runtime.recover(&workspace);
            // Before any turn begins: it may be one of the same session.
            runtime.stop_all(orphans).await;
            let any = !adopted.is_empty();
            runtime.adoptions.are(adopted);
            if any {
                tokio::time::sleep(adopt::GRACE).await;
                runtime.give_up_the_rest().await;
            }
        });
    }

    /// Stops turns that go on at the agent and that nobody follows.
    async fn stop_all(self: &Arc<Self>, orphans: Vec<Orphan>) {
        let mut stopping = JoinSet::new();
        for Orphan { session, directory, place } in orphans {
            tracing::info!(%session, "nobody follows a turn; it is stopped");
            let runtime = Arc::clone(self);
            stopping.spawn(async move { runtime.pool.abandon(&place, &session, &directory).await });
        }
        while stopping.join_next().await.is_some() {}
    }

    async fn give_up_the_rest(&self) {
        for adopted in self.adoptions.take_all() {
            adopt::give_up(self, adopted).await;
        }
    }

    /// Runs one turn to its recorded end, and tells `news` about it; the last of it is `Ended`.
    pub async fn run_turn(
        self: Arc<Self>,
        spec: TurnSpec,
        news: impl Fn(TurnMessage) + Send + Sync + 'static,
        cancelled: Receiver<Option<CancelCause>>,
        mut answers: Given,
    ) {
        turn::run(&self, spec, &news, cancelled, &mut answers).await;
    }

    /// How to open the agent's own UI on a session at this place; our own server is started for that.
    ///
    /// # Errors
    /// `SessionUnknown`, or what the server failed with.
    pub async fn ui(
        &self,
        session: SessionId,
        directory: PathBuf,
        place: Place,
    ) -> Result<UiCommand, Failure> {
        let directory = self.pool.over_there(&place, &directory)?;
        let ui = self.pool.server(&place).await?.ui(&session, &directory).await?;
        Ok(UiCommand { argv: ui.argv, env: ui.env, directory: ui.directory })
    }

    /// The sessions that opencode knows in a directory, whoever made them; its server is started for that.
    ///
    /// # Errors
    /// What the server failed with.
    pub async fn sessions(&self, directory: PathBuf) -> Result<Vec<KnownSession>, Failure> {
        self.pool.server(&Place::Here).await?.sessions(&directory).await
    }

    /// Ends the attempt of a turn that panicked; gives why that could not be written, if so.
    pub async fn end_panicked(
        &self,
        stream_dir: PathBuf,
        thread: ThreadId,
        failure: Failure,
    ) -> Option<String> {
        records::end_panicked(&self.settings, stream_dir, thread, failure, &self.unwritten).await
    }

    /// Whether everything that is known is on disk. If not, the process must not go for want of work.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.unwritten.count() == 0 && self.adoptions.is_empty()
    }

    /// The agent processes, measured as they stand.
    pub async fn agents(&self) -> Vec<AgentProcess> {
        self.pool.agents().await
    }

    /// Ends the warm agents that are meant and that nobody uses, and tells of each. Those in use end as soon
    /// as they are free; what all threads share stays.
    pub async fn close(&self, which: &Which) -> Vec<ClosedAgent> {
        self.pool.close(which).await
    }

    /// Ends the agent processes, and tries once more to write what could not be written.
    pub async fn shutdown(&self) {
        self.give_up_the_rest().await;
        self.pool.shutdown().await;
        self.unwritten.settle(LAST_TRY).await;
        self.notifier.close().await;
    }
}
