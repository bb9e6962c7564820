//! Session records: begun, ended, and closed for owners that died. Each in one transaction.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::kept::{Facts, TurnEnd};
use super::left::Left;
use super::owner;
use super::workspace::Workspace;
use crate::model::{
    self, AgentEvent, AgentName, Ask, BackendKind, End, Extra, Failure, Mode, ModelRef, Outcome, Owner,
    SessionId, SessionRecord, SessionRef, SessionState, StreamId, ThreadId, TransitionError, TurnOutcome,
    Usage, Verification,
};
use crate::store::journal::{JournalError, JournalLine, Journals, Writer};
use crate::store::{Store, StoreError, TransactError};

/// Why a record could not be written. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The state file refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The step is not allowed.
    #[error(transparent)]
    Step(#[from] TransitionError),
    /// The thread is not in the state.
    #[error("thread `{0}` is not in the state; was it approved?")]
    NoThread(ThreadId),
    /// A panic.
    #[error("a bug in work: {0}")]
    Bug(String),
}

impl SessionError {
    /// Whether the same may succeed later: a full disk, a long-held lock.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Store(_))
    }

    /// Whether only the disk or a lock is in the way, so that the work need not wait for its record. A
    /// state that can't be understood, and a step that is not allowed, are no such thing.
    #[must_use]
    pub fn is_disk(&self) -> bool {
        use StoreError::{Io, Lock, LockLost, Write};
        matches!(self, Self::Store(Lock(_) | LockLost { .. } | Write(_) | Io { .. }))
    }

    /// The error and its causes on one line.
    #[must_use]
    pub fn chain(&self) -> String {
        super::hint::chain(self)
    }
}

impl From<TransactError<SessionError>> for SessionError {
    fn from(error: TransactError<SessionError>) -> Self {
        match error {
            TransactError::Store(error) => Self::Store(error),
            TransactError::Refused(error) => error,
        }
    }
}

/// The facts of an attempt that don't change.
#[derive(Debug, Clone)]
pub struct SessionStart {
    /// The thread.
    pub thread: ThreadId,
    /// The agent.
    pub agent: AgentName,
    /// The model.
    pub model: ModelRef,
    /// How we talk to the agent.
    pub backend: BackendKind,
    /// How it is watched.
    pub mode: Mode,
    /// Where the agent works.
    pub directory: PathBuf,
    /// The attempt whose session is continued.
    pub resumed_from: Option<u32>,
    /// The command that it is bound to, if any: without it nobody goes on with the attempt.
    pub client: Option<Owner>,
    /// What its session had used before; `None` if nobody knows.
    pub used_before: Option<Usage>,
    /// Whether the plan wants checked what it leaves.
    pub check: bool,
}

/// An attempt that has begun.
#[derive(Debug)]
pub struct Begun {
    /// What its record says.
    pub facts: Facts,
    /// The turn's journal, with its header written; the work goes on without one.
    pub journal: Result<Writer, JournalError>,
    /// Why its beginning is not in the state yet, but only in the journal and here.
    pub kept: Option<SessionError>,
}

pub(super) fn record(
    start: SessionStart,
    session: SessionRef,
    attempt: u32,
    now: DateTime<Utc>,
    state: SessionState,
) -> SessionRecord {
    SessionRecord {
        session,
        attempt,
        agent: start.agent,
        model: start.model.name(),
        variant: start.model.variant,
        backend: Some(start.backend),
        mode: Some(start.mode),
        directory: Some(start.directory),
        started_at: now,
        state,
        resumed_from: start.resumed_from,
        turns: Vec::new(),
        usage: None,
        verification: start.check.then_some(Verification::Due),
        outside_paths: None,
        extra: Extra::new(),
    }
}

/// Writes the beginning of an attempt, owned by this process, and makes the journal of its turn. Without
/// `session` the agent tells it later. Attempts of dead owners are closed first, and those that they could
/// only keep are written.
///
/// # Errors
/// [`SessionError`]; `AlreadyRunning` when a live owner has the thread.
pub fn begin_session(
    store: &Store,
    private: &Path,
    stream: &StreamId,
    start: SessionStart,
    session: impl Into<Option<SessionId>>,
    prompt: &str,
    now: DateTime<Utc>,
) -> Result<Begun, SessionError> {
    let journals = Journals::new(private);
    let mut facts = Facts::new(start, session.into(), now);
    let journaled = journals.turns(stream, facts.start.thread).unwrap_or_default();
    let left = Left::of(&store.read()?, private, now);
    left.end_programs();
    store.transact(|state| {
        left.write(state)?;
        facts.number_in(state, &journaled)?;
        facts.write(state, None)
    })?;
    // The thread is ours alone from here on, so the next journal is this turn's.
    let journal = journals.begin(facts.header(stream, prompt, false));
    Ok(Begun { facts, journal, kept: None })
}

/// Writes an attempt that failed before a session came to be. What was `told` of it, if anything, goes into the
/// journal of a turn.
///
/// # Errors
/// [`SessionError`].
pub fn fail_unopened(
    store: &Store,
    private: &Path,
    stream: &StreamId,
    start: SessionStart,
    failure: Failure,
    told: &[JournalLine],
    now: DateTime<Utc>,
) -> Result<u32, SessionError> {
    if !told.is_empty() {
        return fail_with_journal(store, private, stream, start, failure, told, now);
    }
    let left = Left::of(&store.read()?, private, now);
    Ok(store.transact(|state| {
        left.write(state)?;
        let thread = state.thread_mut(start.thread).ok_or(SessionError::NoThread(start.thread))?;
        let attempt = thread.next_attempt();
        let exit_code = TurnOutcome::Failed { failure: failure.clone() }.exit_code();
        let end =
            End { at: Some(now), exit_code: Some(exit_code), failure: Some(failure), interrupted_by: None };
        let ended = SessionState::Ended { outcome: Outcome::Failed, end };
        // It leaves nothing: what was said of the work before it still holds.
        let start = SessionStart { check: false, ..start };
        model::begin_session(thread, record(start, SessionRef::Unopened, attempt, now, ended))?;
        Ok::<_, SessionError>(attempt)
    })?)
}

/// The same with a journal, which tells more than the reason.
fn fail_with_journal(
    store: &Store,
    private: &Path,
    stream: &StreamId,
    start: SessionStart,
    failure: Failure,
    told: &[JournalLine],
    now: DateTime<Utc>,
) -> Result<u32, SessionError> {
    let journals = Journals::new(private);
    let outcome = TurnOutcome::Failed { failure };
    let end = TurnEnd::new(&outcome, None, now);
    let mut facts = Facts::new(start, None, told.first().map_or(now, |line| line.at));
    let journaled = journals.turns(stream, facts.start.thread).unwrap_or_default();
    let left = Left::of(&store.read()?, private, now);
    let attempt = store.transact(|state| {
        left.write(state)?;
        facts.number_in(state, &journaled)?;
        facts.write(state, Some(&end))
    })?;
    let last = JournalLine { at: now, event: AgentEvent::TurnEnded(outcome) };
    let written = journals.begin(facts.header(stream, "", false)).and_then(|mut journal| {
        for JournalLine { at, event } in told.iter().cloned().chain([last]) {
            journal.append_at(at, event)?;
        }
        journal.sync()
    });
    if let Err(error) = written {
        tracing::warn!(%error, "why a turn could not begin is in its record alone");
    }
    Ok(attempt)
}

/// Writes what the agent of an open attempt asks a person, so that every reader sees that it waits.
///
/// # Errors
/// [`SessionError`]; `NotRunning` when its end is written already.
pub fn show_asks(store: &Store, thread: ThreadId, attempt: u32, asks: Vec<Ask>) -> Result<(), SessionError> {
    Ok(store.transact(|state| {
        let thread = state.thread_mut(thread).ok_or(SessionError::NoThread(thread))?;
        Ok::<_, SessionError>(model::set_asks(thread, attempt, asks)?)
    })?)
}

/// Writes the end of an attempt, once.
///
/// # Errors
/// [`SessionError`]; `NotRunning` when its end is written already.
pub fn end_session(
    store: &Store,
    thread: ThreadId,
    attempt: u32,
    outcome: &TurnOutcome,
    usage: Option<Usage>,
    now: DateTime<Utc>,
) -> Result<(), SessionError> {
    let (word, end) = end_of(outcome, now);
    store.transact(|state| {
        let thread = state.thread_mut(thread).ok_or(SessionError::NoThread(thread))?;
        model::end_session(thread, attempt, word, end)?.usage = usage;
        Ok::<_, SessionError>(())
    })?;
    Ok(())
}

/// What is written of the end of a turn.
pub(super) fn end_of(outcome: &TurnOutcome, at: DateTime<Utc>) -> (Outcome, End) {
    let (word, failure, interrupted_by) = match outcome {
        TurnOutcome::Completed => (Outcome::Completed, None, None),
        TurnOutcome::Failed { failure } => (Outcome::Failed, Some(failure.clone()), None),
        TurnOutcome::Cancelled { cause } => (Outcome::Interrupted, None, Some(cause.words().to_owned())),
    };
    (word, End { at: Some(at), exit_code: Some(outcome.exit_code()), failure, interrupted_by })
}

/// Writes the end of the attempt of a thread that this very process has open, if there is one: for a
/// turn that was lost by a bug of ours. The same of a check.
///
/// # Errors
/// [`SessionError`].
pub fn end_own(
    store: &Store,
    thread: ThreadId,
    outcome: &TurnOutcome,
    now: DateTime<Utc>,
) -> Result<(), SessionError> {
    let own = owner::current();
    let state = store.read()?;
    let found = state.thread(thread);
    let holder = found.filter(|found| found.open_record().is_none()).and_then(model::Thread::holder);
    if let Some((attempt, _)) = holder.filter(|(_, owner)| **owner == own)
        && let TurnOutcome::Failed { failure } = outcome
    {
        let came = Verification::Stopped { at: now, why: failure.message.clone() };
        return super::verify::end_check(store, thread, attempt, &own, &came);
    }
    match found.and_then(|thread| thread.open_record()).filter(|record| record.owner() == Some(&own)) {
        Some(record) => end_session(store, thread, record.attempt, outcome, None, now),
        None => Ok(()),
    }
}

/// Closes the attempts of dead owners in one stream, and writes those that they could only keep in their
/// journals. Gives their number; writes nothing when there are none.
///
/// # Errors
/// [`SessionError`].
pub fn recover(store: &Store, private: &Path, now: DateTime<Utc>) -> Result<usize, SessionError> {
    let left = Left::of(&store.read()?, private, now);
    if left.is_empty() {
        return Ok(0);
    }
    left.end_programs();
    Ok(store.transact(|state| left.write(state))?)
}

/// Closes the attempt of a thread whose supervisor has just died, so that what is said next is on record.
pub fn close_lost(store: &Store, private: &Path, thread: ThreadId) {
    let deadline = Instant::now() + Duration::from_secs(2);
    let held = |thread: &model::Thread| thread.open_record().is_some() || thread.holder().is_some();
    let is_open = || store.read().is_ok_and(|state| state.thread(thread).is_some_and(held));
    // A process that is killed hangs up a moment before it counts as dead.
    while is_open() && Instant::now() < deadline {
        if recover(store, private, store.now()).unwrap_or(0) == 0 {
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

/// [`recover`] for every stream; gives those where it failed.
#[must_use]
pub fn recover_all(workspace: &Workspace, now: DateTime<Utc>) -> Vec<(StreamId, String)> {
    let mut failed = Vec::new();
    for id in workspace.stream_ids() {
        if let Err(error) = recover(&workspace.store(&id), &workspace.private, now) {
            failed.push((id, error.chain()));
        }
    }
    failed
}
