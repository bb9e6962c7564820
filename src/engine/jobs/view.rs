//! Jobs as people see them: rows of a table, and marks beside threads.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::schedule::{Blocked, blocked};
use crate::engine::owner;
use crate::engine::status::{StatusReport, ThreadRow};
use crate::model::{
    Failure, Job, JobId, JobState, JobStatus, JobTurn, Jobs, StreamId, ThreadId, TurnOutcome,
};

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobRow {
    /// Its number.
    pub id: JobId,
    /// The stream.
    pub stream: StreamId,
    /// The thread.
    pub thread: ThreadId,
    /// The thread's name.
    pub name: String,
    /// Where it is.
    pub status: JobStatus,
    /// Whether it is pending and waits for `work jobs start`.
    pub held: bool,
    /// What it waits for; the reason why it failed, or by whom it was cancelled.
    pub why: Option<String>,
    /// The agent that was asked for instead of the assigned one.
    pub agent: Option<String>,
    /// The model that was asked for instead of the agent's own.
    pub model: Option<String>,
    /// The words that were added to the prompt.
    pub message: Option<String>,
    /// Whether it goes on in the thread's last session.
    pub resume: bool,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
    /// When it was started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The first job that was queued by the same command.
    pub group: JobId,
    /// The job that it does again.
    pub retry_of: Option<JobId>,
    /// Its turn, once its session is open.
    pub turn: Option<JobTurn>,
    /// Why it failed, as a kind and in words.
    pub failure: Option<Failure>,
}

impl JobRow {
    fn of(job: &Job, jobs: &Jobs) -> Self {
        let (status, held) = (job.status(&owner::is_alive), job.is_held(&owner::is_alive));
        let (started_at, ended_at, failure) = match &job.state {
            JobState::Pending { .. } => (None, None, None),
            JobState::Running { since, .. } => (Some(*since), None, None),
            JobState::Ended { began, at, outcome: TurnOutcome::Failed { failure }, .. } => {
                (*began, Some(*at), Some(failure.clone()))
            }
            JobState::Ended { began, at, .. } => (*began, Some(*at), None),
        };
        let waits = match &job.state {
            JobState::Pending { .. } if held => Some("waits for `work jobs start`".to_owned()),
            JobState::Pending { by: Some(by) } => Some(match blocked(&jobs.jobs, job, by) {
                Some(Blocked::Thread(Some(id))) => format!("after job {id}, of the same thread"),
                Some(Blocked::Thread(None)) => "after the turn that runs now".to_owned(),
                Some(Blocked::Batch(id)) => format!("after job {id}, of a batch before"),
                Some(Blocked::Group) | None => "for a free place".to_owned(),
            }),
            _ => None,
        };
        Self {
            id: job.id,
            stream: job.stream.clone(),
            thread: job.thread,
            name: job.name.clone(),
            status,
            held,
            why: waits.or_else(|| job.why()),
            agent: job.order.agent.clone(),
            model: job.order.model.clone(),
            message: job.order.message.clone(),
            resume: job.order.resume,
            queued_at: job.queued_at,
            started_at,
            ended_at,
            group: job.group,
            retry_of: job.retry_of,
            turn: job.turn().cloned(),
            failure,
        }
    }
}

/// The jobs, in the order of queueing.
#[must_use]
pub fn rows(jobs: &Jobs) -> Vec<JobRow> {
    jobs.jobs.iter().map(|job| JobRow::of(job, jobs)).collect()
}

/// The job of a thread that is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobMark {
    /// Its number.
    pub id: JobId,
    /// Pending or running.
    pub status: JobStatus,
    /// Whether it is pending and waits for `work jobs start`.
    pub held: bool,
}

/// Puts the active jobs of a stream beside its threads: the running one, else the next.
pub fn mark(report: &mut StatusReport, jobs: &Jobs) {
    let active: Vec<JobRow> = rows(jobs).into_iter().filter(|row| row.status.is_active()).collect();
    let stream = report.stream.clone();
    let of_thread = |thread: &ThreadRow| {
        let mine = || active.iter().filter(|row| row.stream == stream && row.thread == thread.id);
        let row = mine().find(|row| row.status == JobStatus::Running).or_else(|| mine().next())?;
        Some(JobMark { id: row.id, status: row.status, held: row.held })
    };
    for thread in &mut report.threads {
        thread.job = of_thread(thread);
    }
}
