//! The report as data.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::super::changes::FileRow;
use super::super::drift::Drift;
use super::super::status::SessionStatus;
use super::Taken;
use crate::model::{
    AgentName, BatchId, Money, OutsidePaths, Progress, StageId, StreamId, TaskId, TaskStatus, ThreadId,
    ThreadStatus, Told, Usage,
};

/// A stream, and all that was done for it. Times are UTC, money is US dollars.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The stream.
    pub stream: StreamId,
    /// Its name.
    pub name: String,
    /// `open`, `on_hold` or `completed`, as a person said.
    pub state: &'static str,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When this report was made.
    pub made_at: DateTime<Utc>,
    /// Who approved its plan; nobody has when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<Sign>,
    /// Its tasks.
    pub tasks: Progress,
    /// How many threads have which status.
    pub counts: BTreeMap<&'static str, usize>,
    /// From its first session to its last; absent when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// What all its sessions took.
    pub spent: Taken,
    /// Its stages, in order.
    pub stages: Vec<StageReport>,
    /// Who worked, with which model, by name.
    pub agents: Vec<AgentReport>,
    /// What changed in the plan since it was approved.
    pub drift: Vec<Drift>,
    /// Why PLAN.md can't be read; then its open questions are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_unreadable: Option<String>,
    /// The questions of the plan that nobody has answered.
    pub questions: Vec<OpenQuestion>,
    /// What to do next, in order; each a sentence with a command in backticks.
    pub next: Vec<String>,
}

impl Report {
    /// All threads, in order.
    pub fn threads(&self) -> impl Iterator<Item = &ThreadReport> {
        self.stages.iter().flat_map(|stage| &stage.batches).flat_map(|batch| &batch.threads)
    }

    /// Adds the files that the turns of threads touched in their worktrees, as far as that was kept.
    pub fn tell_files(&mut self, mut files: BTreeMap<ThreadId, Vec<FileRow>>) {
        let batches = self.stages.iter_mut().flat_map(|stage| &mut stage.batches);
        for thread in batches.flat_map(|batch| &mut batch.threads) {
            let touched = files.remove(&thread.id);
            thread.files = touched.map(|files| files.into_iter().map(ChangedFile::from).collect());
        }
    }
}

/// A person's word that something is good.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Sign {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Span {
    /// When the first session began.
    pub from: DateTime<Utc>,
    /// The last moment that a session is known of; absent while one runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
}

/// A stage.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageReport {
    /// Its id.
    pub id: StageId,
    /// Its name.
    pub name: String,
    /// Who approved its result; nobody has when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<Sign>,
    /// Threads that came into it after that, which the approval does not speak of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub newer: Vec<ThreadId>,
    /// Its tasks.
    pub tasks: Progress,
    /// What its sessions took.
    pub spent: Taken,
    /// Its batches.
    pub batches: Vec<BatchReport>,
}

/// A batch.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchReport {
    /// Its id.
    pub id: BatchId,
    /// Its name.
    pub name: String,
    /// Its tasks.
    pub tasks: Progress,
    /// Its threads.
    pub threads: Vec<ThreadReport>,
}

/// A thread.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreadReport {
    /// Its id.
    pub id: ThreadId,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: ThreadStatus,
    /// The agent it is assigned to.
    pub agent: Option<AgentName>,
    /// Whether the plan still has it.
    pub in_plan: bool,
    /// Its tasks, counted.
    pub progress: Progress,
    /// Its tasks.
    pub tasks: Vec<TaskReport>,
    /// What was reported of the thread as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// What its sessions took.
    pub spent: Taken,
    /// Its sessions, oldest first.
    pub sessions: Vec<SessionReport>,
    /// Why it goes on no further, and what to do; absent for what is settled or was not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
    /// The files that its turns touched, where it worked in a worktree of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<ChangedFile>>,
}

/// A task.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskReport {
    /// Its id.
    pub id: TaskId,
    /// What was to be done.
    pub name: String,
    /// How far it is.
    pub status: TaskStatus,
    /// What was done, in the agent's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// Where the agent was when it stopped; absent for what is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breadcrumb: Option<String>,
}

/// An attempt at a thread, in one session of an agent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionReport {
    /// Its number.
    pub attempt: u32,
    /// The agent's own id of the session; absent when none was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The agent.
    pub agent: AgentName,
    /// The model, with its variant.
    pub model: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended; absent while it runs, and when nobody saw its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// How long it took, or takes by now; absent when nobody saw its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Where it stands.
    pub status: SessionStatus,
    /// Why it failed or was interrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The attempt whose session it continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed_from: Option<u32>,
    /// What it used, as its agent told. It is known of a session's attempt as a whole, not of its turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What it cost; absent when its agent told no price. Where tokens were used, a cost of zero is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// What of it counts in sums.
    #[serde(skip)]
    pub told: Told,
    /// What it changed outside the `**Paths:**` of its thread, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside_paths: Option<OutsidePaths>,
}

/// Why a thread goes on no further.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Left {
    /// In words.
    pub why: String,
    /// What to do; a sentence with a command in backticks.
    pub next: String,
}

impl From<FileRow> for ChangedFile {
    fn from(row: FileRow) -> Self {
        let path = row.path.to_string_lossy().into_owned();
        Self { path, added: row.added.unwrap_or(0), removed: row.removed.unwrap_or(0) }
    }
}

/// A file that a thread changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangedFile {
    /// Its path, from the root of the repository.
    pub path: String,
    /// Lines that came, in all turns; none in a binary file.
    pub added: u64,
    /// Lines that went, in all turns; none in a binary file.
    pub removed: u64,
}

/// An agent with one of its models.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentReport {
    /// The agent.
    pub agent: AgentName,
    /// The model, with its variant.
    pub model: String,
    /// How many threads they worked on.
    pub threads: usize,
    /// How many of their sessions stand where: `completed`, `failed`, `interrupted`, `running`.
    pub counts: BTreeMap<&'static str, usize>,
    /// What they took.
    pub spent: Taken,
}

/// A question of the plan that nobody has answered.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OpenQuestion {
    /// The stage it stands in.
    pub stage: StageId,
    /// The question.
    pub text: String,
}
