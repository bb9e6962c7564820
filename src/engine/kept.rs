//! An attempt whose record can't be written yet: its facts are kept, and written as soon as that can be.
//!
//! They are kept by the process that runs the turn, and in the turn's journal for whoever comes after it.
//! One invariant: the same facts, written any number of times and in any order, leave one record.

use std::path::Path;

use chrono::{DateTime, SubsecRound as _, Utc};

use super::budget::TurnSpending;
use super::left::Left;
use super::owner;
use super::sessions::{Begun, SessionError, SessionStart, begin_session, end_of, record};
use crate::model::{
    self, BackendKind, CancelCause, End, ModelRef, Outcome, OutsidePaths, Owner, SessionId, SessionRef,
    SessionState, Stream, StreamId, Thread, TransitionError, TurnNumber, TurnOutcome, Usage, Verification,
};
use crate::store::journal::{Header, Journals, Kept};
use crate::store::{Store, StoreError};

/// All that is known of an attempt that has begun. Only the session may become known later.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What it was begun as.
    pub start: SessionStart,
    /// The agent's own id of its session, once it is known.
    pub session: Option<SessionId>,
    /// The number of its turn.
    pub turn: TurnNumber,
    /// Its number; another one may be written, if somebody else took this meanwhile.
    pub attempt: u32,
    owner: Owner,
    began: DateTime<Utc>,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct TurnEnd {
    outcome: Outcome,
    end: End,
    usage: Option<Usage>,
    /// Who checks what it left, if that is to be checked.
    checks: Option<Owner>,
    outside_paths: Option<OutsidePaths>,
}

impl TurnEnd {
    /// The end of a turn that came at `at`.
    #[must_use]
    pub fn new(outcome: &TurnOutcome, usage: Option<Usage>, at: DateTime<Utc>) -> Self {
        let (outcome, end) = end_of(outcome, at.trunc_subsecs(3));
        Self { outcome, end, usage, checks: None, outside_paths: None }
    }

    /// The same, with what was changed outside the `**Paths:**` of the thread.
    #[must_use]
    pub fn with_outside(self, outside_paths: Option<OutsidePaths>) -> Self {
        Self { outside_paths, ..self }
    }

    /// The same, and this process goes on with the check that is due, so that nobody sees the thread rest in
    /// between. Only what ended well and left no task open is checked: everything else is not done anyway, and
    /// a check may take long.
    #[must_use]
    pub fn with_check(self) -> Self {
        Self { checks: Some(owner::current()), ..self }
    }

    /// That of an attempt whose owner died, as far as anybody knows.
    pub(super) fn lost(now: DateTime<Utc>) -> Self {
        let by = CancelCause::OwnerDied.words().to_owned();
        let end = End { at: Some(now), exit_code: None, failure: None, interrupted_by: Some(by) };
        Self { outcome: Outcome::Interrupted, end, usage: None, checks: None, outside_paths: None }
    }

    /// Writes it into an open record.
    pub(super) fn write(&self, thread: &mut Thread, attempt: u32) -> Result<(), TransitionError> {
        let Self { outcome, end, usage, outside_paths, .. } = self.clone();
        let record = model::end_session(thread, attempt, outcome, end)?;
        (record.usage, record.outside_paths) = (usage, outside_paths);
        self.begin_check(thread, attempt)
    }

    /// Begins the check of an attempt that has just ended, if there is one to be done.
    fn begin_check(&self, thread: &mut Thread, attempt: u32) -> Result<(), TransitionError> {
        let (Some(owner), Some(at)) = (self.checks.clone(), self.end.at) else { return Ok(()) };
        let due = |record: &model::SessionRecord| {
            record.ended_well() && record.verification == Some(Verification::Due)
        };
        match thread.tasks_are_settled() && thread.attempt(attempt).is_some_and(due) {
            true => model::begin_check(thread, attempt, owner, at),
            false => Ok(()),
        }
    }
}

impl Facts {
    /// Those of an attempt that this process begins now.
    pub(super) fn new(start: SessionStart, session: Option<SessionId>, now: DateTime<Utc>) -> Self {
        // As precise as it is on disk, where it is looked for again.
        Self { start, session, turn: 0, attempt: 0, owner: owner::current(), began: now.trunc_subsecs(3) }
    }

    /// Those that a dead owner kept in the first line of a journal; none when they were recorded.
    pub(super) fn of_journal(at: DateTime<Utc>, header: Header) -> Option<Self> {
        let Header { thread, turn, attempt, session, agent, model, directory, kept, .. } = header;
        let (client, used_before) = (header.client, header.used_before);
        let Kept { owner, backend, mode, resumed_from, check } =
            kept.filter(|kept| !owner::is_alive(&kept.owner))?;
        let model = model.parse().ok()?;
        let start = SessionStart {
            thread,
            agent,
            model,
            backend,
            mode,
            directory,
            resumed_from,
            client,
            used_before,
            check,
        };
        Some(Self { start, session, turn, attempt, owner, began: at.trunc_subsecs(3) })
    }

    /// Those of an open record that is ours from here on, and of the first line of its journal.
    pub(super) fn of_record(record: &model::SessionRecord, header: &Header) -> Option<Self> {
        let (thread, turn) = (header.thread, header.turn);
        let model = ModelRef { variant: record.variant.clone(), ..record.model.parse().ok()? };
        let start = SessionStart {
            thread,
            agent: record.agent.clone(),
            model,
            backend: record.backend?,
            mode: record.mode?,
            directory: record.directory.clone()?,
            resumed_from: record.resumed_from,
            client: header.client.clone(),
            used_before: header.used_before,
            check: record.verification.is_some(),
        };
        let (session, attempt) = (record.session.known().cloned(), record.attempt);
        let began = record.started_at.trunc_subsecs(3);
        Some(Self { start, session, turn, attempt, owner: owner::current(), began })
    }

    /// Takes the next numbers.
    pub(super) fn number_in(&mut self, state: &Stream, journaled: &[TurnNumber]) -> Result<(), SessionError> {
        let thread = state.thread(self.start.thread).ok_or(SessionError::NoThread(self.start.thread))?;
        let recorded = thread.sessions.iter().flat_map(|record| &record.turns).max();
        self.attempt = thread.next_attempt();
        self.turn = recorded.max(journaled.last()).copied().unwrap_or(0) + 1;
        Ok(())
    }

    /// The first line of the journal; with `kept` it has all that the record needs.
    pub(super) fn header(&self, stream: &StreamId, prompt: &str, kept: bool) -> Header {
        let start = &self.start;
        Header {
            stream: stream.clone(),
            thread: start.thread,
            turn: self.turn,
            attempt: self.attempt,
            session: self.session.clone(),
            agent: start.agent.clone(),
            model: start.model.to_string(),
            directory: start.directory.clone(),
            prompt: prompt.to_owned(),
            client: start.client.clone(),
            used_before: start.used_before,
            kept: kept.then(|| Kept {
                owner: self.owner.clone(),
                backend: start.backend,
                mode: start.mode,
                resumed_from: start.resumed_from,
                check: start.check,
            }),
        }
    }

    /// Brings the record up to these facts: begun, named, and ended if `end` says so. Gives its number.
    pub(super) fn write(&self, state: &mut Stream, end: Option<&TurnEnd>) -> Result<u32, SessionError> {
        let id = self.start.thread;
        let thread = state.thread_mut(id).ok_or(SessionError::NoThread(id))?;
        let Some((attempt, open)) = self.find(thread) else { return self.begin(thread, end) };
        let told = |record: &model::SessionRecord| match (&record.state, end) {
            (SessionState::Ended { end, .. }, Some(ours)) => end.at == ours.end.at,
            (_, None) => true,
            _ => false,
        };
        if !open && thread.attempt(attempt).is_some_and(told) {
            return Ok(attempt);
        }
        if let Some(session) = self.session.clone() {
            model::name_session(thread, attempt, session)?;
        }
        if let Some(end) = end {
            end.write(thread, attempt)?;
        }
        Ok(attempt)
    }

    /// The session at an agent whose server outlives its supervisor, if `owner` has run it there.
    pub(super) fn session_of(&self, owner: &Owner) -> Option<&SessionId> {
        let its = self.owner == *owner && self.start.backend == BackendKind::Opencode;
        self.session.as_ref().filter(|_| its)
    }

    /// Whether the turn has a record.
    pub(super) fn has_record(&self, state: &Stream) -> bool {
        let has = |thread: &Thread| thread.sessions.iter().any(|record| record.turns.contains(&self.turn));
        state.thread(self.start.thread).is_some_and(has)
    }

    fn find(&self, thread: &Thread) -> Option<(u32, bool)> {
        let ours = |one: &&model::SessionRecord| {
            one.turns.contains(&self.turn) && one.started_at.trunc_subsecs(3) == self.began
        };
        thread.sessions.iter().find(ours).map(|record| (record.attempt, record.is_open()))
    }

    fn begin(&self, thread: &mut Thread, end: Option<&TurnEnd>) -> Result<u32, SessionError> {
        let attempt = thread.next_attempt();
        let session = self.session.clone().map_or(SessionRef::Unopened, SessionRef::Known);
        let running = SessionState::Running { owner: Some(self.owner.clone()), asks: Vec::new() };
        let mut new = record(self.start.clone(), session, attempt, self.began, running);
        new.turns.push(self.turn);
        if let Some(TurnEnd { outcome, end, usage, outside_paths, .. }) = end.cloned() {
            (new.state, new.usage) = (SessionState::Ended { outcome, end }, usage);
            new.outside_paths = outside_paths;
        }
        model::begin_session(thread, new)?;
        if let Some(end) = end {
            end.begin_check(thread, attempt)?;
        }
        Ok(attempt)
    }
}

/// What was written of an attempt.
#[derive(Debug)]
pub struct Written {
    /// Its number.
    pub attempt: u32,
    /// What its thread and stream had used before and after.
    pub spending: TurnSpending,
    /// Whether this process checks now what it left; see [`TurnEnd::with_check`].
    pub checks: bool,
}

/// Brings the record of an attempt up to what is known of it.
///
/// # Errors
/// [`SessionError`]; `NotRunning` when somebody else wrote another end.
pub fn write_facts(
    store: &Store,
    private: &Path,
    facts: &Facts,
    end: Option<&TurnEnd>,
) -> Result<Written, SessionError> {
    let (thread, agent) = (facts.start.thread, &facts.start.agent);
    let write = |state: &mut Stream| {
        let (attempt, spending) =
            TurnSpending::around(state, thread, agent, |state| facts.write(state, end))?;
        let record = state.thread(thread).and_then(|thread| thread.attempt(attempt));
        let by = record.and_then(|record| record.verification.as_ref()?.owner());
        let checks = by == Some(&owner::current());
        Ok::<_, SessionError>(Written { attempt, spending, checks })
    };
    // Nearly always its record is there, and what others left is none of its business.
    let ours = |thread: &Thread| facts.find(thread).is_some();
    let written = store.transact(|state| match state.thread(facts.start.thread).is_some_and(ours) {
        true => write(state).map(Some),
        false => Ok(None),
    })?;
    if let Some(written) = written {
        return Ok(written);
    }
    let left = Left::of(&store.read()?, private, store.now());
    Ok(store.transact(|state| {
        left.write(state)?;
        write(state)
    })?)
}

/// [`begin_session`], and when only the disk is in its way, the beginning is kept: in the journal if that can
/// be written, and in what is returned.
///
/// # Errors
/// Those of [`begin_session`] that say that the turn must not run.
pub fn begin_or_keep(
    store: &Store,
    private: &Path,
    stream: &StreamId,
    start: SessionStart,
    session: Option<SessionId>,
    prompt: &str,
    now: DateTime<Utc>,
) -> Result<Begun, SessionError> {
    match begin_session(store, private, stream, start.clone(), session.clone(), prompt, now) {
        Err(error) if error.is_disk() => {
            keep(store, private, stream, Facts::new(start, session, now), prompt, error)
        }
        begun => begun,
    }
}

fn keep(
    store: &Store,
    private: &Path,
    stream: &StreamId,
    mut facts: Facts,
    prompt: &str,
    why: SessionError,
) -> Result<Begun, SessionError> {
    let journals = Journals::new(private);
    let journaled = journals.turns(stream, facts.start.thread).unwrap_or_default();
    match store.read() {
        Ok(state) => {
            facts.number_in(&state, &journaled)?;
            may_begin(&state, &facts)?;
        }
        Err(StoreError::Io { .. }) => {
            facts.turn = journaled.last().copied().unwrap_or(0) + 1;
            facts.attempt = facts.turn;
        }
        Err(error) => return Err(error.into()),
    }
    let journal = journals.begin(facts.header(stream, prompt, true));
    if let Ok(journal) = &journal {
        facts.turn = journal.turn();
    }
    Ok(Begun { facts, journal, kept: Some(why) })
}

/// What can't be written can be read: one that lives has the thread.
fn may_begin(state: &Stream, facts: &Facts) -> Result<(), SessionError> {
    let id = facts.start.thread;
    let open = state.thread(id).and_then(Thread::open_record);
    match open.filter(|record| record.owner().is_some_and(owner::is_alive)) {
        Some(open) => Err(TransitionError::AlreadyRunning { id, attempt: open.attempt }.into()),
        None => Ok(()),
    }
}
