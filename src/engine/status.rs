//! How a stream stands: one report for the table, the JSON and the exit codes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::drift::{Drift, DriftKind};
use super::folders::Folders;
use super::jobs::JobMark;
use super::owner;
use super::windows::WindowPlace;
use crate::model::{
    AgentName, Ask, BatchId, BudgetCheck, Failure, Money, OutsidePaths, Progress, SessionRecord, SessionRef,
    SessionState, Spent, StageId, Stream, StreamId, StreamState, Thread, ThreadId, ThreadStatus, Told,
    TurnNumber, Usage, Verification, thread_status,
};

/// A stream as it stands now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// The stream.
    pub stream: StreamId,
    /// Its name.
    pub name: String,
    /// `open`, `on_hold` or `completed`, as a person said.
    pub state: &'static str,
    /// Whether its plan is approved.
    pub approved: bool,
    /// Its tasks.
    pub tasks: Progress,
    /// How many threads have which status.
    pub counts: BTreeMap<&'static str, usize>,
    /// What all attempts used so far.
    pub spent: Spent,
    /// What those of each agent used, by name.
    pub agents: Vec<AgentSpent>,
    /// How it stands against the limits of `budget` in `work/config.yaml`, with all its threads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budget: Vec<BudgetCheck>,
    /// Its stages, in order.
    pub stages: Vec<StageRow>,
    /// Its threads, in order.
    pub threads: Vec<ThreadRow>,
    /// What changed in the plan since it was approved.
    pub drift: Vec<Drift>,
    /// Why PLAN.md can't be read; then nothing of it runs.
    pub plan_unreadable: Option<String>,
    /// When its state last changed.
    pub updated_at: DateTime<Utc>,
}

/// What the attempts of an agent used.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentSpent {
    /// The agent.
    pub agent: AgentName,
    /// What they used.
    #[serde(flatten)]
    pub spent: Spent,
}

/// A stage.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageRow {
    /// Its id.
    pub id: StageId,
    /// Its name.
    pub name: String,
    /// Whether its result was approved.
    pub approved: bool,
    /// Threads that came into it after its result was approved, which the approval does not speak of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub newer: Vec<ThreadId>,
    /// Its tasks.
    pub tasks: Progress,
    /// Its batches.
    pub batches: Vec<BatchRow>,
}

/// A batch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchRow {
    /// Its id.
    pub id: BatchId,
    /// Its name.
    pub name: String,
    /// Its tasks.
    pub tasks: Progress,
    /// How many threads it has.
    pub threads: usize,
    /// How many of them are settled.
    pub settled: usize,
}

/// A thread.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreadRow {
    /// Its id.
    pub id: ThreadId,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: ThreadStatus,
    /// The agent it is assigned to.
    pub agent: Option<AgentName>,
    /// Its tasks.
    pub tasks: Progress,
    /// Whether the plan still has it.
    pub in_plan: bool,
    /// Whether its last session can be continued: its agent may know it, and its folder is there.
    pub resumable: bool,
    /// The tmux window that it runs in, where that could be found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowPlace>,
    /// What its attempts used so far.
    pub spent: Spent,
    /// How it stands against the limits of a thread; told by `work status` alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budget: Vec<BudgetCheck>,
    /// Its attempts, oldest first.
    pub sessions: Vec<SessionRow>,
    /// The check that keeps it from being done though its tasks are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Verification>,
    /// Its job, while that is queued or runs; told by `work status` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobMark>,
}

impl ThreadRow {
    /// The attempt that runs, or whose work is being checked.
    #[must_use]
    pub fn running(&self) -> Option<u32> {
        let runs = |row: &&SessionRow| row.status == SessionStatus::Running || row.checked_since().is_some();
        self.sessions.iter().rev().find(runs).map(|row| row.attempt)
    }

    /// What its agent asks a person, and waits for.
    #[must_use]
    pub fn asks(&self) -> &[Ask] {
        self.sessions.last().map_or(&[], |last| &last.asks)
    }
}

impl StatusReport {
    /// The attempts that run.
    #[must_use]
    pub fn running(&self) -> Vec<(ThreadId, u32)> {
        self.threads.iter().filter_map(|row| Some((row.id, row.running()?))).collect()
    }

    /// Tells each thread that runs its window.
    pub fn place(&mut self, windows: &BTreeMap<ThreadId, WindowPlace>) {
        for row in self.threads.iter_mut().filter(|row| row.running().is_some()) {
            row.window = windows.get(&row.id).cloned();
        }
    }
}

/// Where an attempt stands; an open record of a dead owner is `Interrupted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SessionStatus {
    /// Its owner lives.
    Running,
    /// The agent ended its turn by itself.
    Completed,
    /// It failed.
    Failed,
    /// It was cancelled, or its owner died.
    Interrupted,
}

impl SessionStatus {
    /// The word in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// An attempt.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionRow {
    /// Its number.
    pub attempt: u32,
    /// The agent's own id of the session, if there is one.
    pub session_id: Option<String>,
    /// Whether the agent may know that id.
    pub resumable: bool,
    /// The agent.
    pub agent: AgentName,
    /// The model, with its variant.
    pub model: String,
    /// `opencode`, `acp`; unknown for imported records.
    pub backend: Option<&'static str>,
    /// How it was watched.
    pub mode: Option<&'static str>,
    /// Where the agent worked.
    #[serde(serialize_with = "super::lossy::option")]
    pub directory: Option<PathBuf>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended, as far as that is known.
    pub ended_at: Option<DateTime<Utc>>,
    /// Where it stands.
    pub status: SessionStatus,
    /// The exit code of its command.
    pub exit_code: Option<i32>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Who or what interrupted it.
    pub interrupted_by: Option<String>,
    /// The attempt whose session it continues.
    pub resumed_from: Option<u32>,
    /// Its turns, the names of their journals.
    pub turns: Vec<TurnNumber>,
    /// Tokens and cost, as its agent told them; of one that knows no price, the cost is zero.
    pub usage: Option<Usage>,
    /// What it cost, in US dollars; absent when its agent told no price, or not yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// What of it counts in sums.
    #[serde(skip)]
    pub told: Told,
    /// What its turn changed outside the `**Paths:**` of its thread, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside_paths: Option<OutsidePaths>,
    /// What its agent asks a person, and waits for; nothing when it does not run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Ask>,
    /// Where the check of what it left stands; one of a dead owner is `stopped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
}

impl SessionRow {
    /// Since when what it left is being checked.
    #[must_use]
    pub fn checked_since(&self) -> Option<DateTime<Utc>> {
        match self.verification {
            Some(Verification::Running { since, .. }) => Some(since),
            _ => None,
        }
    }

    /// A record as it stands now.
    #[must_use]
    pub fn of(record: &SessionRecord) -> Self {
        let known = record.session.known().is_some();
        let variant = record.variant.as_deref().map(|variant| format!("#{variant}")).unwrap_or_default();
        let mut row = Self {
            attempt: record.attempt,
            session_id: match &record.session {
                SessionRef::Known(id) => Some(id.to_string()),
                SessionRef::Invented(id) => Some(id.clone()),
                SessionRef::Unopened => None,
            },
            resumable: known,
            agent: record.agent.clone(),
            model: format!("{}{variant}", record.model),
            backend: record.backend.map(|backend| backend.name()),
            mode: record.mode.map(|mode| mode.name()),
            directory: record.directory.clone(),
            started_at: record.started_at,
            ended_at: None,
            status: SessionStatus::Running,
            exit_code: None,
            error: None,
            interrupted_by: None,
            resumed_from: record.resumed_from,
            turns: record.turns.clone(),
            usage: record.usage.map(Usage::rounded),
            cost: record.told().cost,
            told: record.told(),
            outside_paths: record.outside_paths.clone(),
            asks: Vec::new(),
            verification: record.verification.clone().map(as_it_is),
        };
        match &record.state {
            SessionState::Running { owner, asks } if owner.as_ref().is_some_and(owner::is_alive) => {
                row.resumable = false;
                row.asks.clone_from(asks);
            }
            SessionState::Running { .. } => {
                row.status = SessionStatus::Interrupted;
                row.interrupted_by = Some(crate::model::CancelCause::OwnerDied.words().to_owned());
            }
            SessionState::Ended { outcome, end } => {
                row.status = match outcome {
                    crate::model::Outcome::Completed => SessionStatus::Completed,
                    crate::model::Outcome::Failed => SessionStatus::Failed,
                    crate::model::Outcome::Interrupted => SessionStatus::Interrupted,
                };
                row.ended_at = end.at;
                row.exit_code = end.exit_code;
                row.error.clone_from(&end.failure);
                row.interrupted_by.clone_from(&end.interrupted_by);
            }
        }
        row
    }
}

/// A check as it stands now: one whose owner is dead has stopped.
fn as_it_is(check: Verification) -> Verification {
    match check {
        Verification::Running { since, owner } if !owner::is_alive(&owner) => {
            let why = crate::model::CancelCause::OwnerDied.words().to_owned();
            Verification::Stopped { at: since, why }
        }
        check => check,
    }
}

/// The status of a thread, as everyone shows it.
#[must_use]
pub fn status_of(thread: &Thread) -> ThreadStatus {
    thread_status(thread, &owner::is_alive)
}

pub(super) fn thread_row(thread: &Thread, folders: &Folders) -> ThreadRow {
    let status = status_of(thread);
    let sessions: Vec<SessionRow> = thread.sessions.iter().map(SessionRow::of).collect();
    ThreadRow {
        id: thread.id,
        name: thread.name.clone(),
        status,
        agent: thread.agent.clone(),
        tasks: Progress::of(&thread.tasks),
        in_plan: thread.in_plan,
        resumable: !status.is_settled()
            && status != ThreadStatus::Running
            && folders.hindrance(thread).is_none(),
        window: None,
        spent: Spent::of(&thread.sessions),
        budget: Vec::new(),
        sessions,
        check: super::verify::unsettled(thread).cloned().map(as_it_is),
        job: None,
    }
}

/// The report of a stream. `drift` is what changed in its plan since it was approved.
#[must_use]
pub fn report(stream: &Stream, drift: Vec<Drift>) -> StatusReport {
    let folders = Folders::default();
    let threads: Vec<ThreadRow> = stream.threads.iter().map(|thread| thread_row(thread, &folders)).collect();
    let mut counts = BTreeMap::new();
    for row in &threads {
        *counts.entry(row.status.name()).or_insert(0) += 1;
    }
    StatusReport {
        stream: stream.id.clone(),
        name: stream.name.clone(),
        state: match stream.state {
            StreamState::Open => "open",
            StreamState::OnHold => "on_hold",
            StreamState::Completed => "completed",
        },
        approved: stream.approvals.plan.is_some(),
        tasks: Progress::of(stream.threads.iter().flat_map(|thread| &thread.tasks)),
        counts,
        spent: spent(stream),
        agents: agents(stream),
        budget: Vec::new(),
        stages: stages(stream, &threads, &drift),
        threads,
        drift,
        plan_unreadable: None,
        updated_at: stream.updated_at,
    }
}

/// What all attempts of a stream used.
#[must_use]
pub fn spent(stream: &Stream) -> Spent {
    Spent::of(stream.threads.iter().flat_map(|thread| &thread.sessions))
}

fn agents(stream: &Stream) -> Vec<AgentSpent> {
    let mut found: BTreeMap<&AgentName, Spent> = BTreeMap::new();
    for record in stream.threads.iter().flat_map(|thread| &thread.sessions) {
        found.entry(&record.agent).or_default().add(record.told());
    }
    found.into_iter().map(|(agent, spent)| AgentSpent { agent: agent.clone(), spent }).collect()
}

/// Threads are in order of their ids, so stages and batches are runs; a row belongs to each.
fn stages(stream: &Stream, rows: &[ThreadRow], drift: &[Drift]) -> Vec<StageRow> {
    let mut out = Vec::new();
    let mut rest = rows;
    for stage in stream.threads.chunk_by(|a, b| a.id.stage() == b.id.stage()) {
        let Some(first) = stage.first() else { continue };
        let batches = stage
            .chunk_by(|a, b| a.id.batch == b.id.batch)
            .filter_map(|batch| {
                let first = batch.first()?;
                let (mine, others) = rest.split_at(batch.len());
                rest = others;
                Some(BatchRow {
                    id: first.id.batch,
                    name: first.batch_name.clone(),
                    tasks: Progress::of(batch.iter().flat_map(|thread| &thread.tasks)),
                    threads: batch.len(),
                    settled: mine.iter().filter(|row| row.status.is_settled()).count(),
                })
            })
            .collect();
        out.push(StageRow {
            id: first.id.stage(),
            name: first.stage_name.clone(),
            approved: stream.approvals.stages.contains_key(&first.id.stage()),
            newer: newer(stream, stage, drift),
            tasks: Progress::of(stage.iter().flat_map(|thread| &thread.tasks)),
            batches,
        });
    }
    out
}

/// The threads of an approved stage that its approval does not speak of: taken over later, or in the plan
/// only.
fn newer(stream: &Stream, stage: &[Thread], drift: &[Drift]) -> Vec<ThreadId> {
    let Some(id) = stage.first().map(|thread| thread.id.stage()) else { return Vec::new() };
    let Some(approval) = stream.approvals.stages.get(&id) else { return Vec::new() };
    let later = |thread: &&Thread| {
        let since = thread.tasks.iter().map(|task| task.created_at).min();
        thread.in_plan && since.is_some_and(|since| since > approval.at)
    };
    let planned = drift.iter().filter(|drift| drift.kind == DriftKind::New && drift.id.stage() == id);
    let mut newer: Vec<ThreadId> = stage.iter().filter(later).map(|thread| thread.id).collect();
    newer.extend(planned.map(|drift| drift.id));
    newer.sort();
    newer
}
