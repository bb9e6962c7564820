//! A workstream's state: what `tasks.json` holds, as the program thinks of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{AgentName, Owner, SessionRecord, StageId, StreamId, TaskId, TaskStatus, ThreadId, Verification};

/// Fields of a file that this version does not know; they are written back as they were.
pub type Extra = serde_json::Map<String, serde_json::Value>;

/// What a person said of a stream as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StreamState {
    /// Nothing: it is open.
    #[default]
    Open,
    /// It rests until somebody takes it up again.
    OnHold,
    /// It is finished, whatever its tasks say.
    Completed,
}

impl StreamState {
    /// The word in files and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::OnHold => "on_hold",
            Self::Completed => "completed",
        }
    }

    /// The same in a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::OnHold => "on hold",
            Self::Completed => "completed",
        }
    }
}

/// A person's word that something may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// Of what: the hash of the plan's meaning at that moment, if it was of a plan.
    pub hash: Option<String>,
    /// The hash of the plan's very bytes and of the threads that were taken over from it: while both are
    /// as they were, nothing has drifted, and nobody needs to read the plan to know.
    pub seal: Option<String>,
    /// Fields that we do not know.
    pub extra: Extra,
}

/// The approvals of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Approvals {
    /// Of the plan.
    pub plan: Option<Approval>,
    /// Of finished stages, before the next one starts.
    pub stages: BTreeMap<StageId, Approval>,
    /// Fields that we do not know.
    pub extra: Extra,
}

/// A task: the smallest thing that an agent reports on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What is to be done.
    pub name: String,
    /// How far it is, as the agent or a person said.
    pub status: TaskStatus,
    /// What was done, in the agent's words.
    pub report: Option<String>,
    /// Where the agent was, for whoever continues.
    pub breadcrumb: Option<String>,
    /// When it came into the state.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Fields that we do not know.
    pub extra: Extra,
}

impl Task {
    /// A task that nobody has begun.
    #[must_use]
    pub fn new(id: TaskId, name: String, now: DateTime<Utc>) -> Self {
        Self {
            id,
            name,
            status: TaskStatus::Pending,
            report: None,
            breadcrumb: None,
            created_at: now,
            updated_at: now,
            extra: Extra::new(),
        }
    }
}

/// A thread: what one agent does from start to end, beside the other threads of its batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Thread {
    /// Its id.
    pub id: ThreadId,
    /// The name of its stage in the plan.
    pub stage_name: String,
    /// The name of its batch.
    pub batch_name: String,
    /// Its own name.
    pub name: String,
    /// The agent it was assigned to.
    pub agent: Option<AgentName>,
    /// The hash of its meaning in the plan when it was approved.
    pub plan_hash: Option<String>,
    /// Whether the plan still has it; a thread with records is never dropped.
    pub in_plan: bool,
    /// What was said of the thread as a whole. Its status for a reader is [`super::thread_status`].
    pub declared: TaskStatus,
    /// A report on the thread as a whole.
    pub report: Option<String>,
    /// Its attempts, oldest first.
    pub sessions: Vec<SessionRecord>,
    /// Its tasks, in order.
    pub tasks: Vec<Task>,
    /// Fields that we do not know.
    pub extra: Extra,
}

impl Thread {
    /// A thread of the plan in which nothing has happened, without names and tasks.
    #[must_use]
    pub fn new(id: ThreadId) -> Self {
        Self {
            id,
            stage_name: String::new(),
            batch_name: String::new(),
            name: String::new(),
            agent: None,
            plan_hash: None,
            in_plan: true,
            declared: TaskStatus::Pending,
            report: None,
            sessions: Vec::new(),
            tasks: Vec::new(),
            extra: Extra::new(),
        }
    }

    /// The attempt that nobody has ended, if there is one. At most one record is open.
    #[must_use]
    pub fn open_record(&self) -> Option<&SessionRecord> {
        self.sessions.iter().rev().find(|record| record.is_open())
    }

    /// The newest attempt.
    #[must_use]
    pub fn last_record(&self) -> Option<&SessionRecord> {
        self.sessions.last()
    }

    /// Where the check of its work stands; none when nobody asks for one. The newest attempt that asked for one
    /// counts, or that ended well without one: an attempt that came to nothing says nothing of the work.
    #[must_use]
    pub fn check(&self) -> Option<&Verification> {
        let tells = |record: &&SessionRecord| record.verification.is_some() || record.ended_well();
        self.sessions.iter().rev().find(tells)?.verification.as_ref()
    }

    /// Who works on it, as the state has it, and in which attempt: runs a turn, or checks what one left. Says
    /// nothing about them being alive.
    #[must_use]
    pub fn holder(&self) -> Option<(u32, &Owner)> {
        if let Some(open) = self.open_record() {
            return Some((open.attempt, open.owner()?));
        }
        let mut checks = self.sessions.iter().rev();
        checks.find_map(|record| Some((record.attempt, record.verification.as_ref()?.owner()?)))
    }

    /// Whether nothing more is to be done of its tasks.
    #[must_use]
    pub fn tasks_are_settled(&self) -> bool {
        self.tasks.iter().all(|task| task.status.is_settled())
    }

    /// The number for the next attempt.
    #[must_use]
    pub fn next_attempt(&self) -> u32 {
        self.sessions.iter().map(|record| record.attempt).max().unwrap_or(0) + 1
    }

    /// The task with this id.
    pub fn task_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.id == id)
    }
}

/// The state of one workstream.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Its id, which is also the name of its folder.
    pub id: StreamId,
    /// Its name for people.
    pub name: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When its state last changed.
    pub updated_at: DateTime<Utc>,
    /// What a person said of it as a whole.
    pub state: StreamState,
    /// What may run.
    pub approvals: Approvals,
    /// Its threads, in order of their ids.
    pub threads: Vec<Thread>,
    /// Unknown fields of the file.
    pub extra: Extra,
    /// Unknown fields of the file's `stream` object.
    pub stream_extra: Extra,
}

impl Stream {
    /// A stream without a plan's threads.
    #[must_use]
    pub fn new(id: StreamId, name: String, now: DateTime<Utc>) -> Self {
        Self {
            id,
            name,
            created_at: now,
            updated_at: now,
            state: StreamState::Open,
            approvals: Approvals::default(),
            threads: Vec::new(),
            extra: Extra::new(),
            stream_extra: Extra::new(),
        }
    }

    /// The thread with this id.
    #[must_use]
    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        self.position(id).map(|at| &self.threads[at])
    }

    /// The thread with this id, to change it.
    pub fn thread_mut(&mut self, id: ThreadId) -> Option<&mut Thread> {
        self.position(id).map(|at| &mut self.threads[at])
    }

    /// Found by halving, since there may be a thousand; but a file that was merged by hand may be out
    /// of order.
    fn position(&self, id: ThreadId) -> Option<usize> {
        let at = self.threads.partition_point(|thread| thread.id < id);
        let is_it = |thread: &Thread| thread.id == id;
        if self.threads.get(at).is_some_and(is_it) { Some(at) } else { self.threads.iter().position(is_it) }
    }
}
