//! Turns that go on though the supervisor that ran them is dead: their records taken over by the one that
//! comes next, before anybody writes them off.
//!
//! An attempt has one owner, and is taken over only from the very owner that is dead, in one transaction:
//! whoever comes second finds another owner, or an end. One invariant: what is taken over here is ended by
//! this process.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::kept::Facts;
use super::sessions::SessionError;
use super::{Workspace, owner};
use crate::model::{self, AgentEvent, BackendKind, Owner, SessionId, Stream, StreamId, Thread};
use crate::store::Store;
use crate::store::journal::{Entry, JournalLine, Journals};

/// A turn whose record is ours now.
#[derive(Debug)]
pub struct Adopted {
    /// Its stream.
    pub stream: StreamId,
    /// Where its record is.
    pub store: Store,
    /// What its record says.
    pub facts: Facts,
    /// Its session at the agent.
    pub session: SessionId,
    /// What the agent was told, and when that was about to be sent.
    pub prompt: String,
    /// When the turn began.
    pub began: DateTime<Utc>,
    /// All that the dead owner has told of it.
    pub told: Vec<JournalLine>,
}

/// Takes over all turns of a dead owner that may still go on: those of an agent whose server outlives us, with
/// a session, and without an end in their journal. A stream that can't be read or written is left as it is.
#[must_use]
pub fn adopt(workspace: &Workspace, from: &Owner) -> Vec<Adopted> {
    if owner::is_alive(from) {
        return Vec::new();
    }
    let mut adopted = Vec::new();
    for id in workspace.stream_ids() {
        let store = workspace.store(&id);
        match adopt_in(&store, &workspace.private, from) {
            Ok(found) => adopted.extend(found),
            Err(error) => tracing::warn!(stream = %id, error = %error.chain(), "nothing could be adopted"),
        }
    }
    adopted
}

fn adopt_in(store: &Store, private: &Path, from: &Owner) -> Result<Vec<Adopted>, SessionError> {
    let state = store.read()?;
    let found = |thread: &Thread| going_on(&state, thread, store, private, from);
    let found: Vec<Adopted> = state.threads.iter().filter_map(found).collect();
    if found.is_empty() {
        return Ok(found);
    }
    let ours = store.transact(|state| {
        let mut take = |adopted: &Adopted| {
            let Facts { start, attempt, .. } = &adopted.facts;
            let thread = state.thread_mut(start.thread)?;
            model::take_over_session(thread, *attempt, from, owner::current()).ok()
        };
        // One that has another owner meanwhile, or an end, is not ours.
        Ok::<_, SessionError>(found.iter().map(|adopted| take(adopted).is_some()).collect::<Vec<bool>>())
    })?;
    Ok(found.into_iter().zip(ours).filter_map(|(adopted, ours)| ours.then_some(adopted)).collect())
}

fn going_on(state: &Stream, thread: &Thread, store: &Store, private: &Path, from: &Owner) -> Option<Adopted> {
    let open = thread.open_record().filter(|open| open.owner() == Some(from))?;
    if open.backend != Some(BackendKind::Opencode) {
        return None;
    }
    let (session, turn) = (open.session.known()?.clone(), *open.turns.last()?);
    let mut entries = Journals::new(private).read(&state.id, thread.id, turn).ok()?.flatten();
    let Some(Entry::Started { at, header }) = entries.next() else { return None };
    let told: Vec<JournalLine> = entries
        .filter_map(|entry| match entry {
            Entry::Event(line) => Some(line),
            Entry::Started { .. } => None,
        })
        .collect();
    // An earlier stream may have had the same name; and what has ended is only to be written.
    let ended = told.iter().any(|line| matches!(line.event, AgentEvent::TurnEnded(_)));
    if ended || header.attempt != open.attempt || header.session.as_ref() != Some(&session) {
        return None;
    }
    let facts = Facts::of_record(thread.id, open, turn)?;
    let (stream, store, prompt) = (state.id.clone(), store.clone(), header.prompt);
    Some(Adopted { stream, store, facts, session, prompt, began: at, told })
}
