//! The file, its stream, approvals, threads and tasks.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kept::{known, read, take, word};
use crate::model::{
    AgentName, Approval, Approvals, Extra, IdError, SessionRecord, SessionRef, StageId, Stream, StreamId,
    StreamState, Task, TaskStatus, Thread,
};
use crate::store::tasks::fields::Word;
use crate::store::tasks::wire::{
    StreamWord, Time, WireApproval, WireApprovals, WireFile, WireSession, WireStream, WireTask, WireThread,
};

/// The version that is written.
pub(in crate::store::tasks) const VERSION: &str = "2.0.0";

/// What a status means when only a newer version knows the word: somebody has begun, and nobody has
/// said that it is done.
const UNKNOWN_TASK: TaskStatus = TaskStatus::InProgress;

/// Why a file that has the right shape is no state of a stream.
#[derive(Debug)]
pub(in crate::store::tasks) struct NotAStream(pub(in crate::store::tasks) IdError);

impl WireFile {
    pub(in crate::store::tasks) fn into_model(self) -> Result<Stream, NotAStream> {
        let mut extra = self.extra;
        if let Some(version) = self.version.filter(|version| version != VERSION) {
            extra.insert("version".to_owned(), Value::String(version));
        }
        if let Some(schema) = self.schema {
            extra.insert("$schema".to_owned(), Value::String(schema));
        }
        let stream = self.stream;
        let id: StreamId = stream.id.parse().map_err(NotAStream)?;
        let mut stream_extra = stream.extra;
        let state = match stream.status {
            None => StreamState::Open,
            Some(Word::Known(StreamWord::OnHold)) => StreamState::OnHold,
            Some(Word::Known(StreamWord::Completed)) => StreamState::Completed,
            Some(Word::Other(word)) => {
                stream_extra.insert("status".to_owned(), Value::String(word));
                StreamState::Open
            }
        };
        Ok(Stream {
            name: if stream.name.is_empty() { id.slug().to_owned() } else { stream.name },
            id,
            created_at: stream.created_at.0,
            updated_at: self.updated_at.0,
            state,
            approvals: stream.approvals.into_model(),
            threads: self.threads.into_iter().map(WireThread::into_model).collect(),
            extra,
            stream_extra,
        })
    }

    pub(in crate::store::tasks) fn of(stream: &Stream) -> Self {
        let mut extra = stream.extra.clone();
        let mut stream_extra = stream.stream_extra.clone();
        let status = match (take(&mut stream_extra, "status"), stream.state) {
            (Some(Value::String(word)), StreamState::Open) => Some(Word::Other(word)),
            (_, StreamState::Open) => None,
            (_, StreamState::OnHold) => Some(Word::Known(StreamWord::OnHold)),
            (_, StreamState::Completed) => Some(Word::Known(StreamWord::Completed)),
        };
        let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
        Self {
            schema: text(take(&mut extra, "$schema")),
            version: text(take(&mut extra, "version")).or_else(|| Some(VERSION.to_owned())),
            stream: WireStream {
                id: stream.id.to_string(),
                name: stream.name.clone(),
                created_at: Time(stream.created_at),
                status,
                approvals: WireApprovals::of(&stream.approvals),
                extra: stream_extra,
            },
            updated_at: Time(stream.updated_at),
            threads: stream.threads.iter().map(WireThread::of).collect(),
            extra,
        }
    }
}

impl WireApprovals {
    fn into_model(self) -> Approvals {
        let mut approvals = Approvals {
            plan: self.plan.map(WireApproval::into_model),
            extra: self.extra,
            ..Approvals::default()
        };
        let mut odd = Extra::new();
        for (key, raw) in self.stages {
            let stage = key.parse::<StageId>().ok().filter(|id| !approvals.stages.contains_key(id));
            match (stage, read::<WireApproval>(&raw)) {
                (Some(stage), Some(approval)) => {
                    approvals.stages.insert(stage, approval.into_model());
                }
                _ => {
                    odd.insert(key, raw);
                }
            }
        }
        if !odd.is_empty() {
            approvals.extra.insert("stages".to_owned(), Value::Object(odd));
        }
        approvals
    }

    fn of(approvals: &Approvals) -> Self {
        let mut extra = approvals.extra.clone();
        let mut stages = BTreeMap::new();
        if let Some(Value::Object(odd)) = take(&mut extra, "stages") {
            stages.extend(odd);
        }
        for (stage, approval) in &approvals.stages {
            if let Ok(raw) = serde_json::to_value(WireApproval::of(approval)) {
                stages.insert(stage.to_string(), raw);
            }
        }
        Self { plan: approvals.plan.as_ref().map(WireApproval::of), stages, extra }
    }
}

impl WireApproval {
    fn into_model(self) -> Approval {
        Approval { at: self.at.0, by: self.by, hash: self.hash, seal: self.seal, extra: self.extra }
    }

    fn of(approval: &Approval) -> Self {
        Self {
            at: Time(approval.at),
            by: approval.by.clone(),
            hash: approval.hash.clone(),
            seal: approval.seal.clone(),
            extra: approval.extra.clone(),
        }
    }
}

impl WireThread {
    fn into_model(self) -> Thread {
        let mut extra = self.extra;
        let declared = self.status.unwrap_or(Word::Known(TaskStatus::Pending));
        let mut sessions: Vec<SessionRecord> = Vec::with_capacity(self.sessions.len());
        for session in self.sessions {
            let next = sessions.iter().map(|record| record.attempt).max().unwrap_or(0) + 1;
            sessions.push(session.into_model(next));
        }
        Thread {
            id: self.id,
            stage_name: self.stage,
            batch_name: self.batch,
            name: self.name,
            agent: self.agent.map(AgentName),
            plan_hash: self.plan_hash,
            in_plan: self.in_plan.unwrap_or(true),
            declared: known(declared, UNKNOWN_TASK, "status", &mut extra),
            report: self.report,
            sessions,
            tasks: self.tasks.into_iter().map(WireTask::into_model).collect(),
            extra,
        }
    }

    fn of(thread: &Thread) -> Self {
        let mut extra = thread.extra.clone();
        let current = thread.open_record().and_then(|record| match &record.session {
            SessionRef::Known(id) => Some(id.0.clone()),
            SessionRef::Invented(id) => Some(id.clone()),
            SessionRef::Unopened => None,
        });
        Self {
            id: thread.id,
            stage: thread.stage_name.clone(),
            batch: thread.batch_name.clone(),
            name: thread.name.clone(),
            agent: thread.agent.as_ref().map(|agent| agent.0.clone()),
            plan_hash: thread.plan_hash.clone(),
            in_plan: (!thread.in_plan).then_some(false),
            status: Some(word(thread.declared, &UNKNOWN_TASK, "status", &mut extra)),
            report: thread.report.clone(),
            current_session_id: current,
            sessions: thread.sessions.iter().map(WireSession::of).collect(),
            tasks: thread.tasks.iter().map(WireTask::of).collect(),
            extra,
        }
    }
}

impl WireTask {
    fn into_model(self) -> Task {
        let mut extra = self.extra;
        Task {
            id: self.id,
            name: self.name,
            status: known(self.status, UNKNOWN_TASK, "status", &mut extra),
            report: self.report,
            breadcrumb: self.breadcrumb,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
            extra,
        }
    }

    fn of(task: &Task) -> Self {
        let mut extra = task.extra.clone();
        Self {
            id: task.id,
            name: task.name.clone(),
            status: word(task.status, &UNKNOWN_TASK, "status", &mut extra),
            report: task.report.clone(),
            breadcrumb: task.breadcrumb.clone(),
            created_at: Time(task.created_at),
            updated_at: Time(task.updated_at),
            extra,
        }
    }
}
