//! What owners that died have left to be written: ends of open attempts, and attempts that they could keep
//! only in their journals.
//!
//! What a journal tells is the truth; where it tells no end, the attempt was interrupted. One invariant: what
//! somebody else wrote meanwhile is not written again.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::adopt::Orphan;
use super::kept::{Facts, TurnEnd};
use super::owner;
use super::sessions::SessionError;
use super::verify;
use crate::config::Place;
use crate::model::{
    self, AgentEvent, CancelCause, Owner, SessionId, SessionRecord, Stream, StreamId, Thread, ThreadId,
    TurnNumber, Verification,
};
use crate::store::journal::{Entry, Header, Journals};
use crate::sys::process;

/// All that was left in one stream.
#[derive(Debug)]
pub(super) struct Left {
    kept: Vec<(Facts, Option<TurnEnd>)>,
    open: Vec<Open>,
    /// Checks that a dead owner was doing.
    checks: Vec<(ThreadId, u32, Owner)>,
    stream: StreamId,
    now: DateTime<Utc>,
}

/// An attempt without an end, and what its journal tells.
#[derive(Debug)]
struct Open {
    thread: ThreadId,
    attempt: u32,
    session: Option<SessionId>,
    end: Option<TurnEnd>,
}

/// What a journal tells of its turn.
struct Told {
    began: DateTime<Utc>,
    header: Header,
    session: Option<SessionId>,
    end: Option<TurnEnd>,
}

impl Left {
    /// Finds it. A journal that can't be read tells nothing.
    pub(super) fn of(state: &Stream, private: &Path, now: DateTime<Utc>) -> Self {
        let journals = Journals::new(private);
        let (open, checks, stream) = (Vec::new(), Vec::new(), state.id.clone());
        let mut left = Self { kept: Vec::new(), open, checks, stream, now };
        for thread in &state.threads {
            let recorded = |turn: &TurnNumber| thread.sessions.iter().any(|one| one.turns.contains(turn));
            for turn in journals.turns(&state.id, thread.id).unwrap_or_default() {
                if !recorded(&turn) {
                    left.kept.extend(kept(&journals, state, thread.id, turn));
                }
            }
            left.checks
                .extend(dead_checks(thread).map(|(attempt, owner)| (thread.id, attempt, owner.clone())));
            if let Some(open) = dead(thread) {
                let turn = open.turns.last();
                let told = turn.and_then(|turn| read(&journals, state, thread.id, *turn));
                let (session, end) = told.map(|told| (told.session, told.end)).unwrap_or_default();
                left.open.push(Open { thread: thread.id, attempt: open.attempt, session, end });
            }
        }
        left
    }

    /// The turns of a dead owner that are only in their journals, without an end: they may go on at an agent
    /// whose server outlives its supervisor.
    pub(super) fn unrecorded(&self, from: &Owner) -> impl Iterator<Item = Orphan> {
        self.kept.iter().filter(|(_, end)| end.is_none()).filter_map(|(facts, _)| {
            let session = facts.session_of(from)?.clone();
            Some(Orphan { session, directory: facts.start.directory.clone(), place: Place::Here })
        })
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.open.is_empty() && self.checks.is_empty()
    }

    /// Ends the programs of checks that nobody waits for any more.
    pub(super) fn end_programs(&self) {
        for (thread, attempt, owner) in &self.checks {
            let mark = verify::mark(owner, &self.stream, *thread, *attempt);
            for pid in process::marked(verify::MARK, &mark) {
                process::signal_process(pid, process::Signal::SIGKILL);
            }
        }
    }

    /// Writes it; gives the number of attempts.
    pub(super) fn write(&self, state: &mut Stream) -> Result<usize, SessionError> {
        let mut written = 0;
        for thread in &mut state.threads {
            let Some(attempt) = dead(thread).map(|open| open.attempt) else { continue };
            let told = self.open.iter().find(|one| (one.thread, one.attempt) == (thread.id, attempt));
            if let Some(session) = told.and_then(|told| told.session.clone()) {
                model::name_session(thread, attempt, session)?;
            }
            let end = told.and_then(|told| told.end.clone());
            end.unwrap_or_else(|| TurnEnd::lost(self.now)).write(thread, attempt)?;
            written += 1;
        }
        for (thread, attempt, owner) in &self.checks {
            let Some(thread) = state.thread_mut(*thread) else { continue };
            let why = CancelCause::OwnerDied.words().to_owned();
            // One that somebody else has written meanwhile is written.
            if model::end_check(thread, *attempt, owner, Verification::Stopped { at: self.now, why }).is_ok()
            {
                written += 1;
            }
        }
        for (facts, end) in &self.kept {
            if !facts.has_record(state) {
                let end = end.clone().unwrap_or_else(|| TurnEnd::lost(self.now));
                facts.write(state, Some(&end))?;
                written += 1;
            }
        }
        Ok(written)
    }
}

/// The attempt of a thread that nobody will end any more.
pub(super) fn dead(thread: &Thread) -> Option<&SessionRecord> {
    thread.open_record().filter(|open| !open.owner().is_some_and(owner::is_alive))
}

/// The checks of a thread that nobody goes on with.
fn dead_checks(thread: &Thread) -> impl Iterator<Item = (u32, &Owner)> {
    let all = thread.sessions.iter();
    let all = all.filter_map(|record| Some((record.attempt, record.verification.as_ref()?.owner()?)));
    all.filter(|(_, owner)| !owner::is_alive(owner))
}

fn kept(
    journals: &Journals,
    state: &Stream,
    thread: ThreadId,
    turn: TurnNumber,
) -> Option<(Facts, Option<TurnEnd>)> {
    let Told { began, header, session, end } = read(journals, state, thread, turn)?;
    let mut facts = Facts::of_journal(began, header)?;
    facts.session = session;
    Some((facts, end))
}

fn read(journals: &Journals, state: &Stream, thread: ThreadId, turn: TurnNumber) -> Option<Told> {
    let mut entries = journals.read(&state.id, thread, turn).ok()?.flatten();
    let Some(Entry::Started { at, header }) = entries.next() else { return None };
    // An earlier stream may have had the same name.
    if at < state.created_at {
        return None;
    }
    let mut told = Told { began: at, session: header.session.clone(), header: *header, end: None };
    for entry in entries {
        let Entry::Event(line) = entry else { continue };
        match line.event {
            AgentEvent::Opened { session } => told.session = Some(session),
            // What it has used, the session's total would tell, and of a resumed one that is too much.
            AgentEvent::TurnEnded(outcome) => told.end = Some(TurnEnd::new(&outcome, None, line.at)),
            _ => {}
        }
    }
    Some(told)
}
