//! The records of a turn: begun before the prompt, ended exactly once, whatever the disk says.

use std::path::PathBuf;
use std::time::Duration;

use crate::engine::{Begun, SessionError, SessionStart, begin_session, end_session, fail_unopened};
use crate::ipc::TurnSpec;
use crate::model::{BackendKind, Failure, ModelRef, SessionId, ThreadId, TurnNumber, TurnOutcome, Usage};
use crate::store::Store;
use crate::store::journal::Writer;

use super::RuntimeSettings;

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
async fn blocking<T: Send + 'static>(
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

    /// Writes the end. When that fails the reason is returned, and it is tried again in the
    /// background until it can be written or this process ends.
    pub(super) async fn end(&self, outcome: TurnOutcome, usage: Option<Usage>) -> Option<String> {
        let write = {
            let (dir, settings) = (self.stream_dir.clone(), self.settings.clone());
            let (thread, attempt) = (self.thread, self.attempt);
            move || {
                let store = Store::open(dir, settings.clock).with_copies(&settings.private);
                end_session(&store, thread, attempt, &outcome, usage, settings.clock.now())
            }
        };
        let error = blocking(write.clone()).await.err()?;
        tracing::error!(%error, thread = %self.thread, "the end of an attempt could not be written; trying again");
        tokio::spawn(async move {
            let mut pause = Duration::from_secs(1);
            loop {
                tokio::time::sleep(pause).await;
                match blocking(write.clone()).await {
                    Err(error) if error.may_pass() => pause = (pause * 2).min(Duration::from_secs(30)),
                    Err(error) => return tracing::error!(%error, "the end of an attempt was given up"),
                    Ok(()) => return tracing::info!("the end of an attempt is written after all"),
                }
            }
        });
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
