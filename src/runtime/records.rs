//! The records of a turn: begun before the prompt, ended exactly once, whatever the disk says.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::engine::budget::TurnSpending;
use crate::engine::{
    Begun, Facts, SessionError, SessionStart, TurnEnd, Written, begin_or_keep, end_own, fail_unopened,
    show_asks, write_facts,
};
use crate::ipc::TurnSpec;
use crate::model::{
    Ask, BackendKind, Failure, Mode, ModelRef, OutsidePaths, SessionId, ThreadId, TurnOutcome, Usage,
};
use crate::store::Store;
use crate::store::journal::{JournalLine, Writer};

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
    pub(super) fn keep_trying(&self, write: impl Fn() -> Result<(), SessionError> + Clone + Send + 'static) {
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

/// What became of the end of an attempt.
pub(super) struct Ended {
    /// The number of the attempt.
    pub(super) attempt: u32,
    /// Why its end is not on record yet.
    pub(super) unrecorded: Option<String>,
    /// What had been used before and after; nobody knows while its end is not on record.
    pub(super) spending: Option<TurnSpending>,
    /// Whether this process checks now what it left.
    pub(super) checks: bool,
}

/// The open record of an attempt.
pub(super) struct Record {
    store: Store,
    settings: RuntimeSettings,
    /// What it says, or will say as soon as it can be written.
    pub(super) facts: Facts,
    /// Why its beginning could not be written yet.
    pub(super) kept: Option<String>,
    journal: Option<Writer>,
    /// Brings it up to the facts while the turn runs.
    writer: Option<JoinHandle<()>>,
}

/// What is begun: the facts of a record that don't change.
fn start_of(
    spec: &TurnSpec,
    model: &ModelRef,
    backend: BackendKind,
    used_before: Option<Usage>,
) -> SessionStart {
    // What has no UI is seen as text, whatever was asked for.
    let mode = match (backend, spec.mode) {
        (BackendKind::OpencodeRun | BackendKind::Acp, Mode::Tui) => Mode::Plain,
        (_, mode) => mode,
    };
    SessionStart {
        thread: spec.thread,
        agent: spec.agent.name.clone(),
        model: model.clone(),
        backend,
        mode,
        directory: spec.directory.clone(),
        resumed_from: spec.resume.as_ref().map(|(_, attempt)| *attempt),
        client: spec.client.clone(),
        used_before,
        check: spec.check.is_some(),
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

/// Brings a record up to what is known, again and again until that is done, or never can be.
async fn keep_writing(store: Store, private: PathBuf, facts: Facts) {
    let mut pause = Duration::from_secs(1);
    loop {
        let (at, private, what) = (store.clone(), private.clone(), facts.clone());
        match blocking(move || write_facts(&at, &private, &what, None)).await {
            Err(error) if error.may_pass() => {
                tracing::debug!(%error, "a record can't be written yet");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(30));
            }
            // Its end comes with all that is known.
            Err(error) => return tracing::warn!(%error, "a record was left as it is until the turn's end"),
            Ok(_) => return,
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.stop_writing();
    }
}

impl Record {
    /// Writes the beginning of an attempt, and makes its journal. When only the disk is in the way, the
    /// beginning is kept, and written beside the turn.
    pub(super) async fn begin(
        settings: &RuntimeSettings,
        spec: &TurnSpec,
        model: &ModelRef,
        backend: BackendKind,
        session: Option<SessionId>,
        used_before: Option<Usage>,
    ) -> Result<Self, SessionError> {
        let start = start_of(spec, model, backend, used_before);
        let (stream, prompt, clock) = (spec.stream.clone(), spec.prompt.clone(), settings.clock);
        let store = Store::open(&spec.stream_dir, clock).with_copies(&settings.private);
        let (at, private) = (store.clone(), settings.private.clone());
        let begun =
            blocking(move || begin_or_keep(&at, &private, &stream, start, session, &prompt, clock.now()));
        let Begun { facts, journal, kept } = begun.await?;
        let journal = journal.inspect_err(|error| tracing::warn!(%error, "a turn has no journal")).ok();
        let kept = kept.map(|error| error.chain());
        let settings = settings.clone();
        let mut record = Self { store, settings, facts, kept, journal, writer: None };
        if let Some(why) = &record.kept {
            tracing::warn!(%why, thread = %spec.thread, "the beginning of an attempt is kept to be written later");
            record.write_beside();
        }
        Ok(record)
    }

    /// The record of an attempt that was taken over from a dead owner.
    pub(super) fn of(settings: &RuntimeSettings, store: Store, facts: Facts) -> Self {
        Self { store, settings: settings.clone(), facts, kept: None, journal: None, writer: None }
    }

    /// The agent has told the id of the session.
    pub(super) fn named(&mut self, session: SessionId) {
        if self.facts.session.is_none() {
            self.facts.session = Some(session);
            self.write_beside();
        }
    }

    /// Brings the record up to the facts, beside the turn.
    fn write_beside(&mut self) {
        self.stop_writing();
        self.writer = Some(tokio::spawn(keep_writing(
            self.store.clone(),
            self.settings.private.clone(),
            self.facts.clone(),
        )));
    }

    /// What is being written at this moment is still written, before or after its end: that makes no difference.
    fn stop_writing(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.abort();
        }
    }

    /// The journal, to be written by somebody else from here on. A turn goes on without one.
    pub(super) fn take_journal(&mut self) -> Option<Writer> {
        self.journal.take()
    }

    /// How to write what the agent of this attempt asks.
    pub(super) fn write_asks(&self) -> impl Fn(Vec<Ask>) -> Result<(), SessionError> + Clone + Send + use<> {
        let (store, thread, attempt) = (self.store.clone(), self.facts.start.thread, self.facts.attempt);
        move |asks| show_asks(&store, thread, attempt, asks)
    }

    /// Writes the end, with whatever of the record is not written yet. When that fails the reason is returned,
    /// and it is tried again in the background until it can be written or this process ends. With `check` this
    /// process goes on with the check that is due, where there is one; an end that is written later leaves it due.
    pub(super) async fn end(
        &mut self,
        outcome: &TurnOutcome,
        usage: Option<Usage>,
        outside: Option<OutsidePaths>,
        check: bool,
        unwritten: &Unwritten,
    ) -> Ended {
        self.stop_writing();
        // However late it is written, it ended now.
        let end = TurnEnd::new(outcome, usage, self.settings.clock.now()).with_outside(outside);
        let (store, private) = (self.store.clone(), self.settings.private.clone());
        let facts = self.facts.clone();
        let write = move |end: &TurnEnd| write_facts(&store, &private, &facts, Some(end));
        let (first, now) = (write.clone(), if check { end.clone().with_check() } else { end.clone() });
        match blocking(move || first(&now)).await {
            Ok(Written { attempt, spending, checks }) => {
                Ended { attempt, unrecorded: None, spending: Some(spending), checks }
            }
            Err(error) => {
                let thread = self.facts.start.thread;
                tracing::error!(%error, %thread, "the end of an attempt could not be written; trying again");
                if error.may_pass() {
                    unwritten.keep_trying(move || write(&end).map(drop));
                }
                let (attempt, unrecorded) = (self.facts.attempt, Some(error.chain()));
                Ended { attempt, unrecorded, spending: None, checks: false }
            }
        }
    }
}

/// Writes an attempt that never got a session: begun and failed in one, with what was told of it. When only the disk is in the way,
/// that is tried again in the background.
pub(super) async fn unopened(
    settings: &RuntimeSettings,
    spec: &TurnSpec,
    model: &ModelRef,
    failure: Failure,
    told: Vec<JournalLine>,
    unwritten: &Unwritten,
) -> Result<u32, SessionError> {
    let start = start_of(spec, model, spec.agent.backend, None);
    let store = Store::open(&spec.stream_dir, settings.clock).with_copies(&settings.private);
    let (now, private) = (settings.clock.now(), settings.private.clone());
    let stream = spec.stream.clone();
    let write = move || fail_unopened(&store, &private, &stream, start.clone(), failure.clone(), &told, now);
    let written = blocking(write.clone()).await;
    if written.as_ref().is_err_and(SessionError::is_disk) {
        unwritten.keep_trying(move || write().map(drop));
    }
    written
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
