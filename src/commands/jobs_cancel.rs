//! `work jobs cancel ID…`

use std::time::Duration;

use super::Exit;
use super::connect::endpoint;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::jobs::{Gone, one};
use crate::engine::Workspace;
use crate::engine::jobs::{JobError, JobRow, Queue};
use crate::ipc::{Client, ClientError, ClientMessage, Refusal, ServerMessage};
use crate::model::{JobId, JobStatus};

/// How long an agent may take to end a turn.
const PATIENCE: Duration = Duration::from_secs(60);

/// Cancels jobs, one after another; returns when the end of each is on record.
pub(super) fn run(ctx: &Context, workspace: &Workspace, queue: &Queue, ids: &[JobId]) -> CommandResult {
    let mut cancelled = Vec::new();
    for id in ids {
        let row = one(queue, *id)?;
        if !row.status.is_active() {
            let message = format!("job {id} is {} already", row.status.name());
            return Err(Failed::new(Exit::Failed, "nothing-to-do", message)
                .hint("`work jobs` shows how each job stands"));
        }
        cancel(ctx, workspace, queue, *id)?;
        cancelled.push(row);
    }
    if cancelled.is_empty() {
        return Err(Failed::new(Exit::Failed, "nothing-to-do", "no job is pending or running"));
    }
    let gone = Gone { jobs: cancelled.iter().map(|row| row.id).collect() };
    ctx.print(&gone, || {
        let line = |row: &JobRow| format!("cancelled job {}: {} {}\n", row.id, row.thread, row.name);
        cancelled.iter().map(line).collect()
    })?;
    if let Some(row) = cancelled.iter().find(|row| row.status == JobStatus::Running && !ctx.json) {
        let thread = row.thread;
        ctx.screen
            .hint(&format!("`work fix --thread {thread} --resume --mode headless` goes on with {thread}"));
    }
    Ok(Exit::Done)
}

/// The supervisor cancels what it runs and what it has been given; what nobody has, we do.
fn cancel(ctx: &Context, workspace: &Workspace, queue: &Queue, id: JobId) -> Result<(), Failed> {
    match Client::connect(&endpoint(ctx, workspace)?.serving_socket()) {
        Ok(client) => match client.ask_within(&ClientMessage::CancelJob { job: id }, PATIENCE) {
            Ok(ServerMessage::Cancelled) => return Ok(()),
            Ok(_) => return Err(ClientError::NoAnswer(None).into()),
            // It has ended meanwhile, or its supervisor is about to: the queue tells.
            Err(ClientError::Refused { reason: Refusal::NothingRuns | Refusal::Stopping, .. }) => {}
            Err(error) => return Err(error.into()),
        },
        Err(ClientError::Unreachable { .. } | ClientError::NoAnswer(_)) => {}
        Err(error) => return Err(error.into()),
    }
    match queue.cancel_pending(id) {
        Err(JobError::Step(step)) => {
            let message = format!("job {id} is {}: its supervisor can't be asked", step.from.name());
            Err(Failed::new(Exit::Unreachable, "supervisor", message).hint("`work jobs` shows how it stands"))
        }
        done => Ok(done?),
    }
}
