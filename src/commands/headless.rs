//! Threads as background jobs: queued, given to the supervisor, and followed if that is asked for.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::batch::agent_program;
use super::changes_apply::apply_batch;
use super::connect::{endpoint, supervisor};
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::jobs_wait::{Waiting, wait_for};
use super::notifying::notifying;
use crate::engine::batch::{BatchPlan, Skipped};
use crate::engine::jobs::{JobRow, NewJob, Queue, rows};
use crate::engine::{Prepared, StreamHandle, TurnRequest, Workspace};
use crate::ipc::{ClientError, ClientMessage, Refusal};
use crate::model::{JobId, Order, ThreadId};
use crate::supervisor::wait_until_free;
use crate::ui::one_line;

/// What was queued.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    /// The jobs.
    pub(super) jobs: Vec<JobRow>,
    /// Threads that were left as they are.
    pub(super) skipped: &'a [Skipped],
}

/// How long the supervisor may take to look at the queue.
const TAKEN: Duration = Duration::from_secs(30);

/// How threads are run in the background.
pub(super) struct Headless<'a> {
    pub(super) ctx: &'a Context,
    pub(super) workspace: &'a Workspace,
    pub(super) handle: &'a StreamHandle,
    pub(super) max_parallel: Option<u32>,
    pub(super) wait: bool,
    /// When all threads of a batch are done, what they changed is brought into the main checkout.
    pub(super) apply: bool,
}

impl Headless<'_> {
    /// Queues the threads of a batch that are not queued yet.
    pub(super) fn batch(&self, batch: &BatchPlan) -> CommandResult {
        let Self { ctx, workspace, handle, wait, apply, .. } = *self;
        batch.warnings().iter().for_each(|warning| ctx.screen.warn(warning));
        let exit = self.threads(&batch.threads, &batch.skipped)?;
        let applies = wait && apply && exit == Exit::Done;
        Ok(if applies && !apply_batch(ctx, workspace, handle, batch.id) { Exit::Failed } else { exit })
    }

    /// Queues threads; those that are queued already are left to their jobs.
    pub(super) fn threads(&self, threads: &[Prepared], skipped: &[Skipped]) -> CommandResult {
        let screen = &self.ctx.screen;
        for Skipped { id, name, status } in skipped {
            screen.note(&format!("leaving {id} {}: it is {}", one_line(name), status.name()));
        }
        let active = Queue::new(self.workspace).active(&self.handle.id)?;
        let job_of = |thread: ThreadId| active.iter().find(|(of, ..)| *of == thread);
        let mut new = Vec::new();
        for prepared in threads {
            let (thread, name) = (prepared.spec.thread, prepared.name.clone());
            match job_of(thread) {
                Some((_, job, held)) => {
                    let start = if *held { "; `work jobs start` lets it begin" } else { "" };
                    let name = one_line(&name);
                    screen.note(&format!("leaving {thread} {name}: it is queued as job {job}{start}"));
                }
                None => {
                    agent_program(self.ctx, prepared)?;
                    new.push(NewJob { thread, name, order: self.order(&prepared.request)? });
                }
            }
        }
        if new.is_empty() {
            let jobs: Vec<String> = active.iter().map(|(_, job, _)| job.to_string()).collect();
            let failed = Failed::new(Exit::Failed, "nothing-to-do", "all of its threads are queued already");
            let failed = failed.hint(format!("`work jobs wait {}` follows them", jobs.join(" ")));
            return Err(match active.iter().any(|(.., held)| *held) {
                true => failed.hint("`work jobs start` lets begin what waits for you"),
                false => failed,
            });
        }
        self.queue(new, skipped)
    }

    /// What is asked for, and in whose status lines it may stand what becomes of it.
    pub(super) fn order(&self, request: &TurnRequest) -> Result<Order, Failed> {
        let how = self.ctx.settings(self.workspace)?.notify;
        let told = notifying(self.ctx, self.workspace, how, request.quiet)?;
        let status_lines = told.map(|told| told.tmux).unwrap_or_default();
        Ok(Order { status_lines, ..request.order() })
    }

    /// Queues jobs, and gives them to the supervisor.
    pub(super) fn queue(&self, new: Vec<NewJob>, skipped: &[Skipped]) -> CommandResult {
        let Self { ctx, workspace, handle, .. } = self;
        // A broken file of settings would be told to nobody later.
        ctx.settings(workspace)?;
        // Without somebody to run them, none is queued.
        drop(supervisor(ctx, workspace)?);
        let queue = Queue::new(workspace);
        let ids = queue.add(&handle.id, new, self.max_parallel)?;
        if self.wait {
            return wait_for(&Waiting { ctx, workspace, start: &ids, jobs: &ids, skipped });
        }
        give(ctx, workspace, &ids)?;
        let document = Document { jobs: chosen(&queue, &ids)?, skipped };
        ctx.print(&document, || document.jobs.iter().map(queued).collect())?;
        if !ctx.json {
            hint(ctx, &ids);
        }
        Ok(Exit::Done)
    }
}

/// The line of a job that was queued.
pub(super) fn queued(job: &JobRow) -> String {
    let again = job.retry_of.map(|old| format!(", again after job {old}")).unwrap_or_default();
    format!("queued {} {} as job {}{again}\n", job.thread, one_line(&job.name), job.id)
}

/// How to go on with jobs that were queued.
pub(super) fn hint(ctx: &Context, ids: &[JobId]) {
    if let [only] = ids {
        ctx.screen.hint(&format!("`work jobs logs {only} -f` shows what it does, `work jobs` all of them"));
    } else {
        ctx.screen.hint("`work jobs wait` follows them, `work jobs` shows them");
    }
}

/// These jobs as they stand.
pub(super) fn chosen(queue: &Queue, ids: &[JobId]) -> Result<Vec<JobRow>, Failed> {
    let mut rows = rows(&queue.read()?);
    rows.retain(|row| ids.contains(&row.id));
    Ok(rows)
}

/// Gives jobs to the supervisor; to the next one, when this one is about to end.
pub(super) fn give(ctx: &Context, workspace: &Workspace, ids: &[JobId]) -> Result<(), Failed> {
    let message = ClientMessage::Jobs { start: ids.to_vec(), follow: Vec::new() };
    let once = || supervisor(ctx, workspace).map(|mut client| client.ask_within(&message, TAKEN));
    let mut given = once()?;
    if matches!(given, Err(ClientError::Refused { reason: Refusal::Stopping, .. })) {
        let _ = wait_until_free(&endpoint(ctx, workspace)?, Duration::from_secs(60));
        given = once()?;
    }
    given.map(drop).map_err(not_given)
}

/// Jobs that were queued, and not taken by the supervisor.
pub(super) fn not_given(error: ClientError) -> Failed {
    Failed::from(error).hint("the jobs are queued, and wait; `work jobs start` tries again")
}
