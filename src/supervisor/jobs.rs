//! Jobs on their way between the queue and their turns: taken, prepared, written down. Decides nothing.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch::Receiver;

use super::board::JobsClaimed;
use crate::engine::jobs::{Claim, JobError, Queue, prepare_job};
use crate::engine::{agents, owner};
use crate::ipc::TurnMessage;
use crate::model::{CancelCause, JobId, JobTurn, TurnOutcome};

/// How often the end of a job is tried to be written when the process is about to exit.
const LAST_TRIES: u32 = 5;

/// Blocking work on the queue, off the loop; a panic is an error like others.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JobError> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| crate::engine::hint::chain(&error)),
        Err(panic) => Err(format!("a bug in work: {panic}")),
    }
}

/// Takes what is wanted from the queue, and makes the turns of those that start. One that can't begin is over.
pub(super) fn claim(queue: &Queue, claim: &Claim) -> Result<JobsClaimed, JobError> {
    // A file of settings with errors must not keep jobs from their turns; whoever queues one is told of it.
    let settings = agents::load_settings(queue.workspace()).unwrap_or_default();
    let taken = queue.claim(&owner::current(), claim, settings.max_parallel)?;
    let cancelled = TurnOutcome::Cancelled { cause: CancelCause::Person };
    let mut claimed = JobsClaimed { waiting: taken.waiting, ..JobsClaimed::default() };
    claimed.over.extend(taken.cancelled.into_iter().map(|job| (job, cancelled.clone())));
    for job in taken.start {
        match prepare_job(queue.workspace(), &job) {
            Ok(spec) => claimed.start.push((job.id, Box::new(spec))),
            Err(failure) => {
                tracing::warn!(job = job.id.0, %failure, "a job could not begin");
                let outcome = TurnOutcome::Failed { failure };
                queue.end(job.id, outcome.clone())?;
                claimed.over.push((job.id, outcome));
            }
        }
    }
    Ok(claimed)
}

/// Writes down what happens with the turn of a job, and passes it on only then. Returns when its end is
/// written, or never can be.
pub(super) async fn relay(
    queue: Queue,
    job: JobId,
    mut news: UnboundedReceiver<TurnMessage>,
    cancelled: Receiver<Option<CancelCause>>,
    tell: impl Fn(TurnMessage),
) {
    while let Some(message) = news.recv().await {
        match message {
            TurnMessage::Opened { session, attempt, number, model, .. } => {
                let turn = JobTurn { attempt, number, session: session.clone() };
                let at = queue.clone();
                if let Err(why) = blocking(move || at.opened(job, turn)).await {
                    tracing::warn!(job = job.0, why, "the turn of a job could not be written down");
                }
                // How to open the UI holds a password, and whoever follows a job opens none.
                tell(TurnMessage::Opened { session, attempt, number, model, ui: None });
            }
            TurnMessage::Ended { outcome, attempt, unrecorded } => {
                let written = end(&queue, job, &outcome).await;
                let why = written.as_ref().err().cloned();
                tell(TurnMessage::Ended {
                    outcome: outcome.clone(),
                    attempt,
                    unrecorded: unrecorded.or(why),
                });
                if written.is_err() {
                    keep_trying(&queue, job, &outcome, &cancelled).await;
                }
            }
            other => tell(other),
        }
    }
}

async fn end(queue: &Queue, job: JobId, outcome: &TurnOutcome) -> Result<(), String> {
    let (at, outcome) = (queue.clone(), outcome.clone());
    blocking(move || match at.end(job, outcome) {
        // Somebody has removed it, or written its end: there is nothing to write any more.
        Err(error @ (JobError::Unknown(_) | JobError::Step(_))) => {
            tracing::warn!(%error, "the end of a job has no place");
            Ok(())
        }
        other => other,
    })
    .await
}

/// Tries again and again, but for a process that is about to exit. What is never written, the next reader
/// tells from the record of its turn.
async fn keep_trying(
    queue: &Queue,
    job: JobId,
    outcome: &TurnOutcome,
    cancelled: &Receiver<Option<CancelCause>>,
) {
    let mut pause = Duration::from_millis(500);
    for tries in 1.. {
        tokio::time::sleep(pause).await;
        match end(queue, job, outcome).await {
            Ok(()) => return tracing::info!(job = job.0, "the end of a job is written after all"),
            Err(why) => tracing::warn!(job = job.0, why, "the end of a job can't be written yet"),
        }
        if *cancelled.borrow() == Some(CancelCause::Shutdown) && tries >= LAST_TRIES {
            return;
        }
        pause = (pause * 2).min(Duration::from_secs(30));
    }
}
