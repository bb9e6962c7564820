//! The format of `jobs.json`, version 1, field by field. Its JSON Schema is made from these.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{
    CancelCause, Extra, Failure, Job, JobId, JobState, JobTurn, Jobs, Order, Owner, Policy, StreamId,
    ThreadId, TurnOutcome,
};

/// The version that is written.
const VERSION: &str = "1.0.0";

/// The queue, as `work` keeps it. Unknown fields survive, at every level.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "jobs.json")]
pub(super) struct WireJobs {
    /// The version of the format. A newer first number is read-only for this program.
    #[schemars(regex(pattern = r"^1\."))]
    version: String,
    /// The number of the next job.
    next: u64,
    /// The jobs that are kept, in the order of queueing.
    jobs: Vec<WireJob>,
    #[serde(flatten)]
    #[schemars(skip)]
    extra: Extra,
}

/// A job.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Job")]
struct WireJob {
    /// Its number.
    id: JobId,
    /// The stream.
    #[schemars(with = "String")]
    stream: StreamId,
    /// The thread.
    #[schemars(with = "String")]
    thread: ThreadId,
    /// The thread's name when it was queued.
    name: String,
    /// What is to run.
    #[serde(default)]
    #[schemars(with = "WireOrder")]
    order: Order,
    /// When it was queued.
    queued_at: DateTime<Utc>,
    /// The first job that was queued by the same command.
    group: JobId,
    /// How many jobs of the group may run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_parallel: Option<u32>,
    /// The job that this one does again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_of: Option<JobId>,
    /// Where it is.
    state: WireState,
    #[serde(flatten)]
    #[schemars(skip)]
    extra: Extra,
}

/// What is to run.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Order")]
#[expect(dead_code, reason = "only its schema is used")]
struct WireOrder {
    /// Another agent than the assigned one.
    agent: Option<String>,
    /// Another model than the agent's own.
    model: Option<String>,
    /// A word to the agent on top of the prompt.
    message: Option<String>,
    /// Whether it goes on in the thread's last session.
    #[serde(default)]
    resume: bool,
    /// Whether it runs though the plan changed.
    #[serde(default)]
    allow_drift: bool,
    /// What happens when the agent asks.
    permissions: Option<Policy>,
    /// Whether it runs in a worktree of its own.
    #[serde(default)]
    worktree: bool,
    /// Whether it runs though a budget is used up.
    #[serde(default)]
    over_budget: bool,
}

/// Where a job is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[schemars(rename = "State")]
enum WireState {
    /// It waits for its turn; without a live supervisor, for a person.
    Pending {
        /// The supervisor that will start it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Owner>,
    },
    /// Its turn runs, while its supervisor lives.
    Running {
        /// The supervisor that runs it.
        by: Owner,
        /// Since when.
        since: DateTime<Utc>,
        /// Its turn, once its session is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn: Option<JobTurn>,
    },
    /// Its agent ended its turn well.
    Completed(WireEnd),
    /// Its turn failed, or could not begin.
    Failed {
        /// Why.
        failure: Failure,
        /// When.
        #[serde(flatten)]
        end: WireEnd,
    },
    /// It was cancelled, or its supervisor ended.
    Cancelled {
        /// By whom.
        cause: CancelCause,
        /// When.
        #[serde(flatten)]
        end: WireEnd,
    },
}

/// The times of a job that is over.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "End")]
struct WireEnd {
    /// When it was started, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<DateTime<Utc>>,
    /// When it ended.
    at: DateTime<Utc>,
    /// Its turn, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<JobTurn>,
}

/// What was read.
pub(super) struct Read {
    pub(super) jobs: Jobs,
    /// The version of a file that is newer than us: it may be read, and not written.
    pub(super) newer: Option<String>,
}

/// Why bytes are no queue.
pub(super) enum Unreadable {
    /// They are no JSON of this shape.
    Json(serde_json::Error),
    /// The shape is right, and a value in it is not.
    Value(String),
    /// They are of a newer version, in a shape that we don't know.
    Newer(String),
}

#[derive(Deserialize)]
struct Head {
    version: String,
}

fn newer(version: &str) -> Result<Option<String>, Unreadable> {
    match version.split('.').next().and_then(|major| major.parse::<u64>().ok()) {
        Some(1) => Ok(None),
        Some(major) if major > 1 => Ok(Some(version.to_owned())),
        _ => Err(Unreadable::Value(format!("`version` is `{version}`, and no version like `{VERSION}`"))),
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Read, Unreadable> {
    let wire: WireJobs = match serde_json::from_slice(bytes) {
        Ok(wire) => wire,
        Err(error) => {
            let head = serde_json::from_slice::<Head>(bytes).ok();
            let version = head.and_then(|head| newer(&head.version).ok().flatten());
            return Err(version.map_or(Unreadable::Json(error), Unreadable::Newer));
        }
    };
    let newer = newer(&wire.version)?;
    let mut seen = BTreeSet::new();
    if let Some(odd) = wire.jobs.iter().find(|job| job.id.0 >= wire.next || !seen.insert(job.id)) {
        let why = if odd.id.0 >= wire.next { "is beyond `next`" } else { "is there twice" };
        return Err(Unreadable::Value(format!("job {} {why}", odd.id)));
    }
    let jobs = wire.jobs.into_iter().map(WireJob::into_model).collect();
    Ok(Read { jobs: Jobs { next: wire.next, jobs, extra: wire.extra }, newer })
}

pub(super) fn render(jobs: &Jobs) -> Result<Vec<u8>, serde_json::Error> {
    let wire = WireJobs {
        version: VERSION.to_owned(),
        next: jobs.next,
        jobs: jobs.jobs.iter().map(WireJob::of).collect(),
        extra: jobs.extra.clone(),
    };
    let mut bytes = serde_json::to_vec_pretty(&wire)?;
    bytes.push(b'\n');
    Ok(bytes)
}

impl WireJob {
    fn of(job: &Job) -> Self {
        let Job { id, stream, thread, name, order, queued_at, group, max_parallel, retry_of, state, extra } =
            job.clone();
        let state = WireState::of(state);
        Self { id, stream, thread, name, order, queued_at, group, max_parallel, retry_of, state, extra }
    }

    fn into_model(self) -> Job {
        let Self { id, stream, thread, name, order, queued_at, group, max_parallel, retry_of, state, extra } =
            self;
        let state = state.into_model();
        Job { id, stream, thread, name, order, queued_at, group, max_parallel, retry_of, state, extra }
    }
}

impl WireState {
    fn of(state: JobState) -> Self {
        match state {
            JobState::Pending { by } => Self::Pending { by },
            JobState::Running { by, since, turn } => Self::Running { by, since, turn },
            JobState::Ended { began, at, outcome, turn } => {
                let end = WireEnd { began, at, turn };
                match outcome {
                    TurnOutcome::Completed => Self::Completed(end),
                    TurnOutcome::Failed { failure } => Self::Failed { failure, end },
                    TurnOutcome::Cancelled { cause } => Self::Cancelled { cause, end },
                }
            }
        }
    }

    fn into_model(self) -> JobState {
        let ended =
            |WireEnd { began, at, turn }: WireEnd, outcome| JobState::Ended { began, at, outcome, turn };
        match self {
            Self::Pending { by } => JobState::Pending { by },
            Self::Running { by, since, turn } => JobState::Running { by, since, turn },
            Self::Completed(end) => ended(end, TurnOutcome::Completed),
            Self::Failed { failure, end } => ended(end, TurnOutcome::Failed { failure }),
            Self::Cancelled { cause, end } => ended(end, TurnOutcome::Cancelled { cause }),
        }
    }
}

/// The JSON Schema of `jobs.json`, version 1. Unknown fields are allowed everywhere.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(WireJobs).into()
}
