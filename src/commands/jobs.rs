//! `work jobs`

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::headless::{Document, chosen, give, hint, queued};
use super::jobs_wait::{Waiting, wait_for};
use super::{jobs_cancel, jobs_logs};
use crate::engine::Workspace;
use crate::engine::jobs::{JobError, JobRow, Queue, rows};
use crate::model::JobId;
use crate::ui::{job_text, jobs_table};

/// Look at the background jobs of this repository, follow them, cancel or repeat them
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a subcommand it lists them. All that are active are kept, and the last 5 of each \
                        way to end.\nA job is queued by `--mode headless` or `--headless` of the commands that run \
                        threads."
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them; with `--stream` only those of that stream
    List,
    /// Show one
    Show {
        /// Its number
        id: JobId,
    },
    /// Cancel jobs, pending or running; a session that had begun can be resumed
    Cancel {
        /// Their numbers
        #[arg(required_unless_present = "all")]
        ids: Vec<JobId>,
        /// All that are active
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Show what the agent of a job said and did
    Logs {
        /// Its number
        id: JobId,
        /// Show what happens from now on too, until the job ends
        #[arg(short, long)]
        follow: bool,
    },
    /// Follow jobs until they end (default: all that are active)
    Wait {
        /// Their numbers
        ids: Vec<JobId>,
    },
    /// Let jobs begin that were pending when their supervisor ended (default: all of them)
    Start {
        /// Their numbers
        ids: Vec<JobId>,
    },
    /// Queue jobs that are over once more
    Retry {
        /// Their numbers
        #[arg(required = true)]
        ids: Vec<JobId>,
        /// Wait until they have ended
        #[arg(short, long)]
        wait: bool,
    },
    /// Forget jobs that are over (default: all of them); records and journals stay
    Clear {
        /// Their numbers
        ids: Vec<JobId>,
    },
}

/// Jobs that were cancelled or forgotten.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Gone {
    /// Their numbers.
    pub(super) jobs: Vec<JobId>,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let queue = Queue::new(&workspace);
    match args.what.as_ref().unwrap_or(&What::List) {
        What::List => {
            let listed = listed(ctx, &workspace, &queue)?;
            ctx.print(&listed, || jobs_table(&ctx.screen, &listed))?;
            Ok(Exit::Done)
        }
        What::Show { id } => {
            let row = one(&queue, *id)?;
            ctx.print(&row, || job_text(&ctx.screen, &row))?;
            Ok(Exit::Done)
        }
        What::Cancel { ids, all } => {
            let ids = if *all {
                numbers(ctx, &workspace, &queue, |row| row.status.is_active())?
            } else {
                ids.clone()
            };
            jobs_cancel::run(ctx, &workspace, &queue, &ids)
        }
        What::Logs { id, follow } => jobs_logs::run(ctx, &workspace, &queue, *id, *follow),
        What::Wait { ids } => wait(ctx, &workspace, &queue, ids),
        What::Start { ids } => start(ctx, &workspace, &queue, ids),
        What::Retry { ids, wait } => retry(ctx, &workspace, &queue, ids, *wait),
        What::Clear { ids } => {
            let gone = Gone { jobs: queue.clear(ids)? };
            ctx.print(&gone, || match gone.jobs.len() {
                0 => "no job is over".to_owned(),
                1 => "forgot 1 job".to_owned(),
                count => format!("forgot {count} jobs"),
            })?;
            Ok(Exit::Done)
        }
    }
}

/// The jobs, of the stream that was named or of all.
fn listed(ctx: &Context, workspace: &Workspace, queue: &Queue) -> Result<Vec<JobRow>, Failed> {
    let mut rows = rows(&queue.read()?);
    if ctx.asked_stream().is_some() {
        let stream = ctx.stream(workspace)?.id;
        rows.retain(|row| row.stream == stream);
    }
    Ok(rows)
}

fn numbers(
    ctx: &Context,
    workspace: &Workspace,
    queue: &Queue,
    which: impl Fn(&JobRow) -> bool,
) -> Result<Vec<JobId>, Failed> {
    Ok(listed(ctx, workspace, queue)?.into_iter().filter(|row| which(row)).map(|row| row.id).collect())
}

/// A job by its number.
pub(super) fn one(queue: &Queue, id: JobId) -> Result<JobRow, Failed> {
    let found = chosen(queue, &[id])?.pop();
    Ok(found.ok_or(JobError::Unknown(id))?)
}

fn nothing(message: &str) -> Failed {
    Failed::new(Exit::Failed, "nothing-to-do", message).hint("`work jobs` shows how each job stands")
}

fn wait(ctx: &Context, workspace: &Workspace, queue: &Queue, ids: &[JobId]) -> CommandResult {
    for id in ids {
        one(queue, *id)?;
    }
    let jobs = match ids {
        [] => numbers(ctx, workspace, queue, |row| row.status.is_active())?,
        ids => ids.to_vec(),
    };
    if jobs.is_empty() {
        return Err(nothing("no job is pending or running"));
    }
    let held: Vec<String> =
        chosen(queue, &jobs)?.iter().filter(|row| row.held).map(|row| row.id.to_string()).collect();
    if !held.is_empty() {
        let message = format!("job {} waits for a person: the supervisor that had it ended", held.join(", "));
        return Err(Failed::new(Exit::Waiting, "held", message)
            .hint(format!("`work jobs start {}` lets it begin", held.join(" "))));
    }
    wait_for(&Waiting { ctx, workspace, start: &[], jobs: &jobs, skipped: &[] })
}

fn start(ctx: &Context, workspace: &Workspace, queue: &Queue, ids: &[JobId]) -> CommandResult {
    for id in ids {
        let row = one(queue, *id)?;
        if !row.held {
            return Err(nothing(&format!("job {id} does not wait for that: it is {}", row.status.name())));
        }
    }
    let held = match ids {
        [] => numbers(ctx, workspace, queue, |row| row.held)?,
        ids => ids.to_vec(),
    };
    if held.is_empty() {
        return Err(nothing("no job waits for that"));
    }
    give(ctx, workspace, &held)?;
    let document = Document { jobs: chosen(queue, &held)?, skipped: &[] };
    ctx.print(&document, || {
        let line =
            |row: &JobRow| format!("job {} {} {}: {}\n", row.id, row.thread, row.name, row.status.name());
        document.jobs.iter().map(line).collect()
    })?;
    Ok(Exit::Done)
}

fn retry(ctx: &Context, workspace: &Workspace, queue: &Queue, ids: &[JobId], wait: bool) -> CommandResult {
    ids.iter().try_for_each(|id| one(queue, *id).map(drop))?;
    drop(super::connect::supervisor(ctx, workspace)?);
    let again = ids.iter().map(|id| queue.retry(*id)).collect::<Result<Vec<_>, _>>()?;
    if wait {
        return wait_for(&Waiting { ctx, workspace, start: &again, jobs: &again, skipped: &[] });
    }
    give(ctx, workspace, &again)?;
    let document = Document { jobs: chosen(queue, &again)?, skipped: &[] };
    ctx.print(&document, || document.jobs.iter().map(queued).collect())?;
    if !ctx.json {
        hint(ctx, &again);
    }
    Ok(Exit::Done)
}
