//! Turns that go on though the supervisor that ran them is dead: their records taken over by the one that
//! comes next, before anybody writes them off.
//!
//! An attempt has one owner, and is taken over only from the very owner that is dead, in one transaction:
//! whoever comes second finds another owner, or an end. One invariant: what is taken over here is ended by
//! this process.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::agents::check_agents;
use super::kept::Facts;
use super::left::{Left, dead};
use super::sessions::SessionError;
use super::{Workspace, owner};
use crate::config::Place;
use crate::model::{
    self, AgentEvent, BackendKind, Mode, Owner, SessionId, SessionRecord, Stream, StreamId, ThreadId,
};
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

/// A turn at an agent whose server outlives its supervisor, and that is not ours: nobody may follow it.
#[derive(Debug)]
pub struct Orphan {
    /// Its session at the agent.
    pub session: SessionId,
    /// The directory that the agent works in, as it is called here.
    pub directory: PathBuf,
    /// Where its server is.
    pub place: Place,
}

/// Takes over all turns of a dead owner that may still go on: those of an agent whose server outlives us, with
/// a session, without an end in their journal, and with a command that lives and may come for them. The others,
/// and those that are in no record yet, are left to be written off, and are to be stopped at the agent. A
/// stream that can't be read or written is left as it is.
#[must_use]
pub fn adopt(workspace: &Workspace, from: &Owner) -> (Vec<Adopted>, Vec<Orphan>) {
    let (mut adopted, mut orphans) = (Vec::new(), Vec::new());
    if owner::is_alive(from) {
        return (adopted, orphans);
    }
    for id in workspace.stream_ids() {
        let store = workspace.store(&id);
        match adopt_in(&store, &workspace.private, from) {
            Ok((found, left)) => {
                adopted.extend(found);
                orphans.extend(left);
            }
            Err(error) => tracing::warn!(stream = %id, error = %error.chain(), "nothing could be adopted"),
        }
    }
    (adopted, orphans)
}

pub(super) fn adopt_in(
    store: &Store,
    private: &Path,
    from: &Owner,
) -> Result<(Vec<Adopted>, Vec<Orphan>), SessionError> {
    let state = store.read()?;
    let (mut found, mut orphans) = (Vec::new(), Vec::new());
    for thread in &state.threads {
        let owned = thread.open_record().filter(|open| open.owner() == Some(from));
        let Some(open) = owned.filter(|open| open.backend == Some(BackendKind::Opencode)) else { continue };
        match going_on(&state, open, thread.id, store, private) {
            Some(adopted) => found.push(adopted),
            None => orphans.extend(orphan(open)),
        }
    }
    orphans.extend(Left::of(&state, private, store.now()).unrecorded(from));
    if found.is_empty() {
        return Ok((found, orphans));
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
    let found = found.into_iter().zip(ours).filter_map(|(adopted, ours)| ours.then_some(adopted)).collect();
    Ok((found, orphans))
}

fn orphan(open: &SessionRecord) -> Option<Orphan> {
    let (session, directory) = (open.session.known()?.clone(), open.directory.clone()?);
    Some(Orphan { session, directory, place: Place::Here })
}

/// The turns of dead owners on servers that somebody else keeps, by what `agents.yaml` says of their agents
/// now. They are written off, and are to be stopped over there.
#[must_use]
pub fn strays(workspace: &Workspace) -> Vec<Orphan> {
    // Without agents nobody could speak to their servers.
    let Ok(agents) = check_agents(workspace) else { return Vec::new() };
    let place = |open: &SessionRecord| match &agents.value.get(&open.agent)?.place {
        place @ Place::Server(_) => Some(place.clone()),
        Place::Here | Place::Launched(_) => None,
    };
    let streams = workspace.stream_ids().into_iter().filter_map(|id| workspace.store(&id).read().ok());
    let stray = |open: &SessionRecord| Some(Orphan { place: place(open)?, ..orphan(open)? });
    streams
        .flat_map(|state| state.threads.iter().filter_map(dead).filter_map(stray).collect::<Vec<_>>())
        .collect()
}

fn going_on(
    state: &Stream,
    open: &SessionRecord,
    thread: ThreadId,
    store: &Store,
    private: &Path,
) -> Option<Adopted> {
    // No command comes for a job's turn: that is interrupted, and a person says whether it begins again.
    if open.mode == Some(Mode::Headless) {
        return None;
    }
    let (session, turn) = (open.session.known()?.clone(), *open.turns.last()?);
    let mut entries = Journals::new(private).read(&state.id, thread, turn).ok()?.flatten();
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
    // Nobody would come for it.
    if header.client.as_ref().is_some_and(|client| !owner::is_alive(client)) {
        return None;
    }
    let facts = Facts::of_record(open, &header)?;
    let (stream, store, prompt) = (state.id.clone(), store.clone(), header.prompt);
    Some(Adopted { stream, store, facts, session, prompt, began: at, told })
}
