//! Jobs followed to their ends: as a live table, as lines, or as NDJSON; and the exit code of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::budgets;
use super::connect::{endpoint, supervisor};
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::headless::{Document, chosen, not_given, queued};
use crate::engine::batch::Skipped;
use crate::engine::jobs::{Followed, JobRow, Queue, follow};
use crate::engine::launch::{Step, outcome_words, report_of, with_tasks};
use crate::engine::status::status_of;
use crate::engine::turn::TurnMessage;
use crate::engine::{StreamHandle, Workspace};
use crate::ipc::{ClientError, Refusal};
use crate::model::{AgentName, Failure, JobId, JobStatus, StreamId, ThreadId, ThreadStatus, TurnOutcome};
use crate::supervisor::wait_until_free;
use crate::ui::{LiveBatch, printable};

/// What is followed.
pub(super) struct Waiting<'a> {
    pub(super) ctx: &'a Context,
    pub(super) workspace: &'a Workspace,
    /// Those that a person gives the supervisor to start.
    pub(super) start: &'a [JobId],
    /// Those that are followed.
    pub(super) jobs: &'a [JobId],
    pub(super) skipped: &'a [Skipped],
}

/// A line of NDJSON.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Line<'a> {
    /// First: the jobs that are followed.
    Queued(Document<'a>),
    /// Then: what happens with the turn of a job.
    News(News<'a>),
    /// Last: what became of them.
    Summary(Summary),
}

/// What happens with the turn of a job.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct News<'a> {
    job: JobId,
    thread: ThreadId,
    #[serde(flatten)]
    turn: &'a TurnMessage,
}

/// What became of the jobs.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    /// Why no more is told.
    ended: Ended,
    jobs: Vec<Waited>,
}

/// Why the following ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Ended {
    /// All jobs are over.
    Over,
    /// What is left waits for a person.
    Waiting,
    /// Whoever followed was interrupted; the jobs go on.
    Interrupted,
    /// The supervisor is gone.
    Lost,
}

/// What became of one.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Waited {
    job: JobId,
    stream: StreamId,
    thread: ThreadId,
    name: String,
    /// Where the job is.
    status: JobStatus,
    /// How its thread stands.
    thread_status: Option<ThreadStatus>,
    /// Why it failed.
    failure: Option<Failure>,
    #[serde(skip)]
    words: String,
}

/// Starts and follows jobs, and tells what became of them.
pub(super) fn wait_for(waiting: &Waiting<'_>) -> CommandResult {
    let Waiting { ctx, workspace, start, jobs, skipped } = *waiting;
    let queue = Queue::new(workspace);
    let mut followed_rows = chosen(&queue, jobs)?;
    for row in followed_rows.iter_mut().filter(|row| start.contains(&row.id)) {
        // The supervisor is about to get them.
        (row.held, row.why) = (false, None);
    }
    let thread_of: BTreeMap<JobId, &JobRow> = followed_rows.iter().map(|row| (row.id, row)).collect();
    let new: Vec<&JobRow> = followed_rows.iter().filter(|row| start.contains(&row.id)).collect();
    if ctx.json {
        line(ctx, &Line::Queued(Document { jobs: followed_rows.clone(), skipped }))?;
    } else {
        new.iter().for_each(|row| ctx.screen.note(queued(row).trim_end()));
    }
    let names: Vec<(JobId, String)> =
        followed_rows.iter().map(|row| (row.id, format!("{} {}", row.thread, row.name))).collect();
    let live = (!ctx.json).then(|| RefCell::new(LiveBatch::new(ctx.screen, &names)));
    let mut tell = |job: JobId, news: &TurnMessage| {
        let Some(row) = thread_of.get(&job) else { return };
        match &live {
            Some(live) => {
                if let Some(step) = step(workspace, row, news) {
                    live.borrow().set(job, &step);
                }
            }
            None => {
                let news = Line::News(News { job, thread: row.thread, turn: news });
                // A line that can't be told in JSON is a bug, and the summary still comes.
                let _ = line(ctx, &news);
            }
        }
    };
    let attended = ctx.screen.interactive && !ctx.json;
    let mut once = || -> Result<_, Failed> {
        let client = supervisor(ctx, workspace)?;
        Ok(follow(client, &queue, start, jobs, attended, &mut tell))
    };
    let mut result = once()?;
    if matches!(result, Err(ClientError::Refused { reason: Refusal::Stopping, .. })) {
        let _ = wait_until_free(&endpoint(ctx, workspace)?, Duration::from_secs(60));
        result = once()?;
    }
    if let Some(live) = &live {
        live.borrow().finish();
    }
    let (followed, outcomes) = result.map_err(not_given)?;
    told(ctx, workspace, &followed_rows, followed, &outcomes)
}

/// Where a job is after news of its turn.
fn step(workspace: &Workspace, row: &JobRow, news: &TurnMessage) -> Option<Step> {
    if let TurnMessage::Opened { model, session, .. } = news {
        return Some(Step::Running(format!("{model} · {session}")));
    }
    // The agent's name is only told when a session opens.
    let step = Step::of(&report_of(news, &AgentName(String::new()))?);
    Some(with_tasks(&StreamHandle::of(workspace, &row.stream), row.thread, step))
}

fn line(ctx: &Context, line: &Line<'_>) -> Result<(), Failed> {
    ctx.print(line, String::new)
}

fn told(
    ctx: &Context,
    workspace: &Workspace,
    rows: &[JobRow],
    followed: Followed,
    outcomes: &BTreeMap<JobId, TurnOutcome>,
) -> CommandResult {
    let now = chosen(&Queue::new(workspace), &rows.iter().map(|row| row.id).collect::<Vec<_>>())?;
    let waited: Vec<Waited> = rows
        .iter()
        .map(|row| {
            let stands = now.iter().find(|now| now.id == row.id).unwrap_or(row);
            let state = workspace.store(&row.stream).read().ok();
            let thread_status = state.as_ref().and_then(|state| state.thread(row.thread)).map(status_of);
            let outcome = outcomes.get(&row.id);
            let status = outcome.map_or(stands.status, JobStatus::of);
            let words = match (outcome, &stands.why) {
                (Some(outcome), _) => outcome_words(outcome),
                (None, Some(why)) => why.clone(),
                (None, None) => "it goes on".to_owned(),
            };
            let failure = match outcome {
                Some(TurnOutcome::Failed { failure }) => Some(failure.clone()),
                _ => None,
            };
            let (stream, name) = (row.stream.clone(), row.name.clone());
            Waited { job: row.id, stream, thread: row.thread, name, status, thread_status, failure, words }
        })
        .collect();
    let good = |one: &Waited| {
        one.status == JobStatus::Completed && one.thread_status == Some(ThreadStatus::Completed)
    };
    let all_good = waited.iter().all(good);
    let left: Vec<String> =
        waited.iter().filter(|one| one.status.is_active()).map(|one| one.job.to_string()).collect();
    let ended = match followed {
        Followed::Over => Ended::Over,
        Followed::Waiting => Ended::Waiting,
        Followed::Interrupted => Ended::Interrupted,
        Followed::Lost => Ended::Lost,
    };
    let summary = Summary { ended, jobs: waited };
    if ctx.json {
        line(ctx, &Line::Summary(summary))?;
    } else {
        let lines = summary.jobs.iter().map(|one| {
            let status = one.thread_status.map_or("", ThreadStatus::name);
            format!("  {:>3}  {}  {status:<11}  {}  ({})\n", one.job, one.thread, one.name, one.words)
        });
        ctx.screen.out(&printable(&lines.collect::<String>()));
    }
    let left = left.join(" ");
    let streams: BTreeSet<&StreamId> = rows.iter().map(|row| &row.stream).collect();
    for stream in streams {
        let threads: Vec<ThreadId> =
            rows.iter().filter(|row| row.stream == *stream).map(|row| row.thread).collect();
        budgets::warn(ctx, workspace, stream, &threads);
    }
    Ok(match followed {
        Followed::Over if all_good => Exit::Done,
        Followed::Over => Exit::Failed,
        Followed::Waiting => {
            ctx.screen.say("what is left waits for a person; the jobs go on when they are answered");
            ctx.screen
                .hint(&format!("`work answer` lists what is asked; `work jobs wait {left}` follows them"));
            Exit::Waiting
        }
        Followed::Interrupted => {
            ctx.screen.say("the jobs go on in the background");
            ctx.screen
                .hint(&format!("`work jobs wait {left}` follows them, `work jobs cancel {left}` ends them"));
            Exit::Interrupted
        }
        Followed::Lost => {
            ctx.screen.say("the supervisor is gone: what it ran was interrupted, and what was pending waits");
            ctx.screen
                .hint("`work jobs` shows how each job stands; `work jobs start` lets the pending ones begin");
            Exit::Interrupted
        }
    })
}
