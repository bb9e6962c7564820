//! The records of a turn: begun before the prompt, ended exactly once, whatever the disk says.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;

use crate::engine::{
    Begun, SessionError, SessionStart, begin_session, end_own, end_session, fail_unopened, show_asks,
};
use crate::ipc::TurnSpec;
use crate::model::{
    Ask, BackendKind, Failure, ModelRef, SessionId, ThreadId, TurnNumber, TurnOutcome, Usage,
};
use crate::store::Store;
use crate::store::journal::Writer;

use super::RuntimeSettings;

/// Ends that could not be written yet. Whoever is about to exit waits for them.
#[derive(Debug, Clone)]
pub(super) struct Unwritten {
    count: watch::Sender<usize>,
    /// The process is about to exit: there is no time for long pauses.
    hurry: watch::Sender<bool>,
}

impl Unwritten {
    pub(super) fn new() -> Self {
        Self { count: watch::Sender::new(0), hurry: watch::Sender::new(false) }
    }

    pub(super) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Tries hard for at most `limit` to get them written.
    pub(super) async fn settle(&self, limit: Duration) {
        self.hurry.send_replace(true);
        let mut count = self.count.subscribe();
        let settled = count.wait_for(|count| *count == 0);
        if tokio::time::timeout(limit, settled).await.is_err() {
            tracing::error!(count = self.count(), "ends of attempts are lost: they could not be written");
        }
    }

    /// Tries again and again until the end is written, or never can be.
    fn keep_trying(&self, write: impl Fn() -> Result<(), SessionError> + Clone + Send + 'static) {
        self.count.send_modify(|count| *count += 1);
        let (count, mut hurry) = (self.count.clone(), self.hurry.subscribe());
        tokio::spawn(async move {
            let mut pause = Duration::from_secs(1);
            loop {
                if *hurry.borrow_and_update() {
                    pause = Duration::from_millis(200);
                }
                // A pause, or less of it when there is a sudden hurry.
                let _ = tokio::time::timeout(pause, hurry.changed()).await;
                match blocking(write.clone()).await {
                    Err(error) if error.may_pass() => pause = (pause * 2).min(Duration::from_secs(30)),
                    Err(error) => break tracing::error!(%error, "the end of an attempt was given up"),
                    Ok(()) => break tracing::info!("the end of an attempt is written after all"),
                }
            }
            count.send_modify(|count| *count -= 1);
        });
    }
}

/// The open record of an attempt.
pub(super) struct Record {
    stream_dir: PathBuf,
    settings: RuntimeSettings,
    thread: ThreadId,
    pub(super) attempt: u32,
    pub(super) turn: TurnNumber,
    journal: Option<Writer>,
}

/// What is begun: the facts of a record that don't change.
fn start_of(spec: &TurnSpec, model: &ModelRef, resumed: Option<u32>) -> SessionStart {
    SessionStart {
        thread: spec.thread,
        agent: spec.agent.name.clone(),
        model: model.clone(),
        backend: BackendKind::Opencode,
        mode: spec.mode,
        directory: spec.directory.clone(),
        resumed_from: resumed,
    }
}

/// A blocking piece of work, off the loop.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SessionError> + Send + 'static,
) -> Result<T, SessionError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panic) => Err(SessionError::Bug(panic.to_string())),
    }
}

impl Record {
    /// Writes the beginning of an attempt, and makes its journal.
    pub(super) async fn begin(
        settings: &RuntimeSettings,
        spec: &TurnSpec,
        model: &ModelRef,
        session: SessionId,
        resumed: Option<u32>,
    ) -> Result<Self, SessionError> {
        let start = start_of(spec, model, resumed);
        let (stream_dir, private) = (spec.stream_dir.clone(), settings.private.clone());
        let (stream, prompt, clock) = (spec.stream.clone(), spec.prompt.clone(), settings.clock);
        let begun = blocking(move || {
            let store = Store::open(stream_dir, clock).with_copies(&private);
            begin_session(&store, &private, &stream, start, session, &prompt, clock.now())
        })
        .await?;
        let Begun { attempt, turn, journal } = begun;
        let journal = journal.inspect_err(|error| tracing::warn!(%error, "a turn has no journal")).ok();
        Ok(Self {
            stream_dir: spec.stream_dir.clone(),
            settings: settings.clone(),
            thread: spec.thread,
            attempt,
            turn,
            journal,
        })
    }

    /// The journal, to be written by somebody else from here on. A turn goes on without one.
    pub(super) fn take_journal(&mut self) -> Option<Writer> {
        self.journal.take()
    }

    /// How to write what the agent of this attempt asks.
    pub(super) fn write_asks(&self) -> impl Fn(Vec<Ask>) -> Result<(), SessionError> + Clone + Send + use<> {
        let (dir, settings) = (self.stream_dir.clone(), self.settings.clone());
        let (thread, attempt) = (self.thread, self.attempt);
        move |asks| {
            let store = Store::open(&dir, settings.clock).with_copies(&settings.private);
            show_asks(&store, thread, attempt, asks)
        }
    }

    /// Writes the end. When that fails the reason is returned, and it is tried again in the
    /// background until it can be written or this process ends.
    pub(super) async fn end(
        &self,
        outcome: TurnOutcome,
        usage: Option<Usage>,
        unwritten: &Unwritten,
    ) -> Option<String> {
        let write = {
            let (dir, settings) = (self.stream_dir.clone(), self.settings.clone());
            let (thread, attempt) = (self.thread, self.attempt);
            // However late it is written, it ended now.
            let now = settings.clock.now();
            move || {
                let store = Store::open(&dir, settings.clock).with_copies(&settings.private);
                end_session(&store, thread, attempt, &outcome, usage, now)
            }
        };
        let error = blocking(write.clone()).await.err()?;
        tracing::error!(%error, thread = %self.thread, "the end of an attempt could not be written; trying again");
        if error.may_pass() {
            unwritten.keep_trying(write);
        }
        Some(error.chain())
    }
}

/// Writes an attempt that never got a session: begun and failed in one.
pub(super) async fn unopened(
    settings: &RuntimeSettings,
    spec: &TurnSpec,
    model: &ModelRef,
    failure: Failure,
) -> Result<u32, SessionError> {
    let start = start_of(spec, model, spec.resume.as_ref().map(|(_, attempt)| *attempt));
    let (dir, private, clock) = (spec.stream_dir.clone(), settings.private.clone(), settings.clock);
    blocking(move || {
        let store = Store::open(dir, clock).with_copies(&private);
        fail_unopened(&store, start, failure, clock.now())
    })
    .await
}

/// Ends the attempt of a thread whose turn panicked in this process: nobody else ever would.
pub(super) async fn end_panicked(
    settings: &RuntimeSettings,
    stream_dir: PathBuf,
    thread: ThreadId,
    failure: Failure,
    unwritten: &Unwritten,
) -> Option<String> {
    let (private, clock) = (settings.private.clone(), settings.clock);
    let now = clock.now();
    let write = move || {
        let store = Store::open(&stream_dir, clock).with_copies(&private);
        end_own(&store, thread, &TurnOutcome::Failed { failure: failure.clone() }, now)
    };
    let error = blocking(write.clone()).await.err()?;
    tracing::error!(%error, %thread, "the end of a turn that panicked could not be written");
    if error.may_pass() {
        unwritten.keep_trying(write);
    }
    Some(error.chain())
}
