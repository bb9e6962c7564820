//! The check of what a turn left, after the turn's end and its snapshot are on record.
//!
//! The record says already who checks. One invariant: whatever happens here, what came of it is written, or the
//! record still says that it is not known.

use tokio::sync::mpsc;

use super::journal::{Journal, durable};
use super::records::{Unwritten, blocking};
use super::turn::{Cancelled, News, cancel_cause};
use super::{Runtime, RuntimeSettings};
use crate::engine::verify::{Check, Order, end_check, mark, perform};
use crate::engine::{Facts, SessionError, Workspace, owner};
use crate::ipc::{TurnMessage, TurnSpec};
use crate::model::{AgentEvent, CheckStep, CheckVerdict, Verification};
use crate::store::Store;
use crate::store::journal::{Journals, Writer};
use crate::sys::fault;
use crate::sys::shell::Stop;

/// Checks what an attempt left, tells every step, and writes what came of it. Gives why that could not be
/// written, if so; it is tried again then.
pub(super) async fn check(
    runtime: &Runtime,
    spec: &TurnSpec,
    facts: &Facts,
    attempt: u32,
    news: News<'_>,
    mut cancelled: Cancelled,
) -> Option<String> {
    fault::point("check.claimed");
    let settings = &runtime.settings;
    let journal = reopen(settings, spec, facts);
    let tell = |step: CheckStep| {
        let (at, event) = (settings.clock.now(), AgentEvent::Check(step));
        if let Some(journal) = &journal {
            journal.append(at, &event);
        }
        news(TurnMessage::Event { at, event });
    };
    let (stop, (steps, mut told)) = (Stop::default(), mpsc::unbounded_channel());
    let working = order(settings, spec, facts, attempt).map(|order| {
        let stop = stop.clone();
        tokio::task::spawn_blocking(move || {
            // Whoever listened is gone with the turn.
            perform(&order, &stop, &mut |step| drop(steps.send(step)))
        })
    });
    let mut cause = None;
    loop {
        tokio::select! {
            step = told.recv() => match step {
                Some(step) => tell(step),
                None => break,
            },
            why = cancel_cause(&mut cancelled), if cause.is_none() => {
                cause = Some(why);
                stop.stop();
            }
        }
    }
    let stopped = |why: String| Verification::Stopped { at: settings.clock.now(), why };
    let came = match working {
        Ok(working) => match working.await {
            Ok(Check::Done(run)) => Verification::of(run),
            Ok(Check::Stopped(command)) => {
                let by = cause.map_or("it was stopped", |cause| cause.words());
                stopped(format!("{by}, while `{command}` ran"))
            }
            Err(panic) => stopped(format!("a bug in work: {panic}")),
        },
        Err(why) => stopped(why),
    };
    if let (Verification::Stopped { why, .. }, None) = (&came, &cause) {
        tracing::warn!(thread = %spec.thread, why, "a check did not come to its end");
        tell(CheckStep::Over { verdict: CheckVerdict::Stopped });
    }
    let journal = match journal {
        Some(journal) => Some(journal.end().await),
        None => None,
    };
    fault::point("check.done");
    let store = Store::open(&spec.stream_dir, settings.clock).with_copies(&settings.private);
    let (unrecorded, ()) =
        tokio::join!(write(store, spec, attempt, came, &runtime.unwritten), durable(journal));
    unrecorded
}

fn order(settings: &RuntimeSettings, spec: &TurnSpec, facts: &Facts, attempt: u32) -> Result<Order, String> {
    let found = Workspace::find(&settings.root, Some(&settings.root), settings.clock);
    let workspace = found.map_err(|error| crate::engine::hint::chain(&error))?;
    let check = spec.check.clone().ok_or("a bug in work: nothing is to be checked")?;
    Ok(Order {
        workspace,
        stream: spec.stream.clone(),
        thread: spec.thread,
        directory: facts.start.directory.clone(),
        kept: spec.isolated.as_ref().map(|isolated| (facts.turn, isolated.data.clone())),
        commands: check.commands,
        limit: check.timeout,
        mark: mark(&owner::current(), &spec.stream, spec.thread, attempt),
    })
}

/// The journal of the turn; a check goes on without one.
fn reopen(settings: &RuntimeSettings, spec: &TurnSpec, facts: &Facts) -> Option<Journal> {
    let path = Journals::new(&settings.private).path(&spec.stream, spec.thread, facts.turn);
    let writer = Writer::reopen(&path, facts.turn);
    let writer = writer.inspect_err(|error| tracing::warn!(%error, "a check goes on without its journal"));
    writer.ok().map(Journal::new)
}

async fn write(
    store: Store,
    spec: &TurnSpec,
    attempt: u32,
    came: Verification,
    unwritten: &Unwritten,
) -> Option<String> {
    let (thread, own) = (spec.thread, owner::current());
    let write = move || end_check(&store, thread, attempt, &own, &came);
    let error = blocking(write.clone()).await.err()?;
    if error.may_pass() {
        tracing::error!(%error, %thread, "what came of a check could not be written; trying again");
        unwritten.keep_trying(write);
        return Some(error.chain());
    }
    // Somebody else has had the last word: a person, who called the thread completed meanwhile.
    tracing::info!(%error, %thread, "what came of a check is not wanted any more");
    (!matches!(error, SessionError::Step(_))).then(|| error.chain())
}
