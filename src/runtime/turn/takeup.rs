//! A turn whose supervisor died, taken up by the one that came next.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{Attempt, Cancelled, Closed, News, Turn, has_commands, is_work, open, used_since};
use crate::agent::RejoinRequest;
use crate::config::Place;
use crate::engine::Adopted;
use crate::engine::allowed::written;
use crate::ipc::{TurnMessage, TurnSpec};
use crate::model::{AgentEvent, Ask, CancelCause, FailureKind, TurnOutcome};
use crate::runtime::answers::Given;
use crate::runtime::asks::Asks;
use crate::runtime::board::Board;
use crate::runtime::journal::durable;
use crate::runtime::pool::Opened;
use crate::runtime::records::Ended;
use crate::runtime::watch::{Watch, worked};
use crate::runtime::{Runtime, RuntimeSettings, adopt, worktrees};
use crate::store::journal::JournalLine;

/// Goes on with a turn whose supervisor died, in the same record and journal, from where that one left it.
pub(super) async fn take_up(
    runtime: &Runtime,
    spec: &TurnSpec,
    adopted: Adopted,
    seen: u64,
    news: News<'_>,
    mut cancelled: Cancelled,
    answers: &mut Given,
) -> Attempt {
    let (mut record, journal) = adopt::reopen(runtime, &adopted);
    let Adopted { facts, session: id, prompt, began, told, .. } = adopted;
    tracing::info!(thread = %spec.thread, session = %id, "a turn is taken up");
    // What the dead one told, and the command did not hear.
    for line in told.iter().skip(usize::try_from(seen).unwrap_or(usize::MAX)) {
        news(TurnMessage::Event { at: line.at, event: line.event.clone() });
    }
    let watch = watch_from(&runtime.settings, began, &told);
    let told: Vec<AgentEvent> = told.into_iter().map(|line| line.event).collect();
    let at = (&runtime.settings.root, &facts.start.directory);
    let written: BTreeSet<PathBuf> = told.iter().filter_map(|event| written(event, at.0, at.1)).collect();
    let spec = TurnSpec { resume: Some((id.clone(), facts.attempt)), ..spec.clone() };
    let opened = match open(&runtime.pool, &spec, news, true).await {
        Ok(mut opened) => {
            let rejoin = RejoinRequest { text: prompt, since: began, told: told.clone() };
            opened.session.rejoin(rejoin).await.map(|()| opened)
        }
        Err(failure) => Err(failure),
    };
    let Opened { mut session, lease } = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            tracing::warn!(%failure, "a turn can't be taken up");
            runtime.pool.abandon(&Place::Here, &id, &facts.start.directory).await;
            let outcome = match failure.kind {
                FailureKind::SessionUnknown => TurnOutcome::Cancelled { cause: CancelCause::OwnerDied },
                _ => TurnOutcome::Failed { failure },
            };
            adopt::end_in(journal, runtime, &outcome).await;
            let outside = worktrees::keep(&runtime.settings, &spec, &facts, &outcome, written, news).await;
            let Ended { attempt, unrecorded, spending, .. } =
                record.end(&outcome, None, outside, false, &runtime.unwritten).await;
            return Attempt {
                outcome,
                attempt: Some(attempt),
                unrecorded,
                produced: true,
                session: Some(id),
                spending,
                check: None,
            };
        }
    };
    let mut turn = Turn {
        settings: &runtime.settings,
        session: &mut *session,
        lease: &lease,
        news,
        journal,
        produced: told.iter().any(is_work),
        written,
        thread: spec.thread,
        asking: spec.asking,
        tell: &|ask: &Ask| runtime.notifier.waits(&spec, ask),
        asks: Asks::default(),
        told: told.iter().filter_map(asked).collect(),
        board: Board::new(record.write_asks()),
        record: &mut record,
        model: &facts.start.model,
    };
    turn.opened();
    let outcome = turn.follow(watch, &mut cancelled, answers).await;
    let Closed { produced, written, journal } = turn.close().await;
    let usage = used_since(&mut *session, facts.start.used_before).await;
    let outside = worktrees::keep(&runtime.settings, &spec, &facts, &outcome, written, news).await;
    let end = record.end(&outcome, usage, outside, has_commands(&spec), &runtime.unwritten);
    let (Ended { attempt, unrecorded, spending, checks }, ()) = tokio::join!(end, durable(journal));
    let (attempt, check) = (Some(attempt), checks.then_some(facts));
    Attempt { outcome, attempt, unrecorded, produced, session: Some(id), spending, check }
}

/// The watch of a turn that began then: its limit counts from there.
fn watch_from(settings: &RuntimeSettings, began: DateTime<Utc>, told: &[JournalLine]) -> Watch {
    let left =
        settings.turn_timeout.map(|limit| limit.saturating_sub(worked(began, told, settings.clock.now())));
    Watch::new(Instant::now(), settings.stall_timeout, left)
}

/// The id of a request.
fn asked(event: &AgentEvent) -> Option<String> {
    match event {
        AgentEvent::Permission { id, .. } | AgentEvent::Question { id, .. } => Some(id.clone()),
        _ => None,
    }
}
