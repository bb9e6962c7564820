//! Turns whose supervisor is dead and that go on at their agent: kept until the command they belong to comes
//! for them, and ended when it does not.
//!
//! A turn is bound to its command, so nobody else may go on with it. One invariant: what is kept here has a
//! record of ours, and leaves by being taken up or by its end.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::journal::{Journal, durable};
use super::records::Record;
use super::{Runtime, worktrees};
use crate::config::Place;
use crate::engine::Adopted;
use crate::ipc::TurnSpec;
use crate::model::{AgentEvent, CancelCause, StreamId, ThreadId, TurnOutcome};
use crate::store::journal::{Journals, Writer};

/// How long a command may take to come for its turn: it sees the death at once, but may have to wait for
/// others that start the next supervisor.
pub(super) const GRACE: Duration = Duration::from_secs(5);

type Key = (StreamId, ThreadId);

/// The turns that wait for their commands.
#[derive(Debug)]
pub(super) struct Adoptions {
    waiting: Mutex<HashMap<Key, Adopted>>,
    /// Whether all are known: before, no turn may begin.
    known: watch::Sender<bool>,
}

/// What a turn is to a runtime that has just come into being.
pub(super) enum Taken {
    /// It is new.
    New,
    /// It goes on; its command has seen so many of its events.
    Up(Box<Adopted>, u64),
    /// It should go on, and does not any more.
    Over,
}

impl Adoptions {
    pub(super) fn new() -> Self {
        Self { waiting: Mutex::default(), known: watch::Sender::new(true) }
    }

    /// It is being found out which there are.
    pub(super) fn unknown(&self) {
        self.known.send_replace(false);
    }

    /// These, and no others.
    pub(super) fn are(&self, adopted: Vec<Adopted>) {
        let key = |one: Adopted| ((one.stream.clone(), one.facts.start.thread), one);
        self.lock().extend(adopted.into_iter().map(key));
        self.known.send_replace(true);
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// All that wait.
    pub(super) fn take_all(&self) -> Vec<Adopted> {
        self.lock().drain().map(|(_, adopted)| adopted).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Adopted>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(&self, spec: &TurnSpec) -> Option<Adopted> {
        // An error means that the runtime is gone.
        let _ = self.known.subscribe().wait_for(|known| *known).await;
        self.lock().remove(&(spec.stream.clone(), spec.thread))
    }
}

/// What a turn that a command asks for is to this runtime. One that waits, and is not asked to go on, is ended
/// before its thread begins anew.
pub(super) async fn take(runtime: &Runtime, spec: &TurnSpec) -> Taken {
    match (runtime.adoptions.take(spec).await, spec.adopt) {
        (Some(adopted), Some(seen)) => Taken::Up(Box::new(adopted), seen),
        (None, Some(_)) => Taken::Over,
        (Some(adopted), None) => {
            give_up(runtime, adopted).await;
            Taken::New
        }
        (None, None) => Taken::New,
    }
}

/// Ends a turn that nobody came for: first at the agent, then on record.
pub(super) async fn give_up(runtime: &Runtime, adopted: Adopted) {
    tracing::info!(stream = %adopted.stream, thread = %adopted.facts.start.thread, "nobody came for a turn");
    runtime.pool.abandon(&Place::Here, &adopted.session, &adopted.facts.start.directory).await;
    let outcome = TurnOutcome::Cancelled { cause: CancelCause::OwnerDied };
    let (mut record, journal) = reopen(runtime, &adopted);
    end_in(journal, runtime, &outcome).await;
    worktrees::keep_left(&runtime.settings, &adopted.stream, &adopted.facts, &outcome).await;
    // What can't be written now is tried again, and told in the log.
    let _ = record.end(&outcome, None, None, false, &runtime.unwritten).await;
}

/// The record of an adopted turn, and its journal, to be gone on with; a turn goes on without one.
pub(super) fn reopen(runtime: &Runtime, adopted: &Adopted) -> (Record, Option<Journal>) {
    let Adopted { stream, facts, store, .. } = adopted;
    let path = Journals::new(&runtime.settings.private).path(stream, facts.start.thread, facts.turn);
    let writer = Writer::reopen(&path, facts.turn);
    let writer = writer.inspect_err(|error| tracing::warn!(%error, "a turn goes on without its journal"));
    (Record::of(&runtime.settings, store.clone(), facts.clone()), writer.ok().map(Journal::new))
}

/// Writes the end of a turn into its journal, and waits until it is there.
pub(super) async fn end_in(journal: Option<Journal>, runtime: &Runtime, outcome: &TurnOutcome) {
    if let Some(journal) = journal {
        journal.append(runtime.settings.clock.now(), &AgentEvent::TurnEnded(outcome.clone()));
        durable(Some(journal.end().await)).await;
    }
}
