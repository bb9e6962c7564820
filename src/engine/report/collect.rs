//! Collects the report from the state, the plan and the clock.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::super::drift::{Drift, drift};
use super::super::status::{self, SessionRow, SessionStatus, StatusReport, ThreadRow};
use super::document::{
    AgentReport, BatchReport, OpenQuestion, Report, SessionReport, Sign, Span, StageReport, TaskReport,
    ThreadReport,
};
use super::{Taken, left};
use crate::model::{Approval, CancelCause, Stream, Task, Thread, ThreadId, Verification};
use crate::plan::{Plan, open_questions};

/// What the plan adds to the state.
#[derive(Debug, Clone, Default)]
pub struct PlanFacts {
    drift: Vec<Drift>,
    questions: Vec<OpenQuestion>,
    unreadable: Option<String>,
}

impl PlanFacts {
    /// Of a plan that was read.
    #[must_use]
    pub fn of(stream: &Stream, plan: &Plan) -> Self {
        let question = |(stage, question): (_, &crate::plan::Question)| OpenQuestion {
            stage,
            text: question.text.value.clone(),
        };
        Self {
            drift: drift(stream, plan),
            questions: open_questions(plan).map(question).collect(),
            unreadable: None,
        }
    }

    /// Of a plan that can't be read, and why.
    #[must_use]
    pub fn unreadable(why: String) -> Self {
        Self { unreadable: Some(why), ..Self::default() }
    }
}

/// The report of a stream at this moment. The same state, plan and moment give the same report.
#[must_use]
pub fn report(stream: &Stream, plan: PlanFacts, now: DateTime<Utc>) -> Report {
    let PlanFacts { drift, questions, unreadable } = plan;
    let status = StatusReport { plan_unreadable: unreadable, ..status::report(stream, drift) };
    let next = left::of_stream(stream, &status);
    let stages = stages(stream, &status, now);
    let sessions = || {
        let batches = stages.iter().flat_map(|stage| &stage.batches);
        batches
            .flat_map(|batch| &batch.threads)
            .flat_map(|thread| thread.sessions.iter().map(move |session| (thread.id, session)))
    };
    Report {
        created_at: stream.created_at,
        made_at: now,
        approved: stream.approvals.plan.as_ref().map(sign),
        span: span(sessions().map(|(_, session)| session)),
        spent: Taken::of(sessions().map(|(_, session)| session)),
        agents: agents(sessions()),
        stages,
        next,
        questions,
        stream: status.stream,
        name: status.name,
        state: status.state,
        tasks: status.tasks,
        counts: status.counts,
        drift: status.drift,
        plan_unreadable: status.plan_unreadable,
    }
}

fn sign(approval: &Approval) -> Sign {
    Sign { at: approval.at, by: approval.by.clone() }
}

/// The rows of the status stand in the order of the threads, and those of a batch side by side.
fn stages(stream: &Stream, status: &StatusReport, now: DateTime<Utc>) -> Vec<StageReport> {
    let mut threads =
        stream.threads.iter().zip(&status.threads).map(|(thread, row)| of_thread(thread, row, now));
    let stage = |row: &status::StageRow| {
        let batch = |row: &status::BatchRow| BatchReport {
            id: row.id,
            name: row.name.clone(),
            tasks: row.tasks,
            threads: threads.by_ref().take(row.threads).collect(),
        };
        let batches: Vec<BatchReport> = row.batches.iter().map(batch).collect();
        let sessions = batches.iter().flat_map(|batch| &batch.threads).flat_map(|thread| &thread.sessions);
        StageReport {
            id: row.id,
            name: row.name.clone(),
            approved: stream.approvals.stages.get(&row.id).map(sign),
            newer: row.newer.clone(),
            tasks: row.tasks,
            spent: Taken::of(sessions),
            batches,
        }
    };
    status.stages.iter().map(stage).collect()
}

fn of_thread(thread: &Thread, row: &ThreadRow, now: DateTime<Utc>) -> ThreadReport {
    let sessions: Vec<SessionReport> = row.sessions.iter().map(|row| of_session(row, now)).collect();
    ThreadReport {
        id: row.id,
        name: row.name.clone(),
        status: row.status,
        agent: row.agent.clone(),
        in_plan: row.in_plan,
        progress: row.tasks,
        tasks: thread.tasks.iter().map(of_task).collect(),
        report: thread.report.clone(),
        spent: Taken::of(&sessions),
        sessions,
        left: left::of_thread(thread, row.status),
        files: None,
    }
}

fn of_task(task: &Task) -> TaskReport {
    TaskReport {
        id: task.id,
        name: task.name.clone(),
        status: task.status,
        report: task.report.clone(),
        breadcrumb: task.breadcrumb.clone().filter(|_| !task.status.is_settled()),
    }
}

fn of_session(row: &SessionRow, now: DateTime<Utc>) -> SessionReport {
    // Of an owner that died, only the moment is on record at which somebody noticed; that may be days later.
    let unseen = row.interrupted_by.as_deref() == Some(CancelCause::OwnerDied.words());
    let ended_at = row.ended_at.filter(|_| !unseen);
    let until = if row.status == SessionStatus::Running { Some(now) } else { ended_at };
    let why = match (&row.error, &row.interrupted_by) {
        (Some(failure), _) => Some(failure.to_string()),
        (None, Some(by)) => Some(by.clone()),
        (None, None) => {
            row.verification.as_ref().filter(|check| !check.is_settled()).map(Verification::words)
        }
    };
    SessionReport {
        attempt: row.attempt,
        session_id: row.session_id.clone(),
        agent: row.agent.clone(),
        model: row.model.clone(),
        started_at: row.started_at,
        ended_at,
        seconds: until.map(|until| u64::try_from((until - row.started_at).num_seconds()).unwrap_or_default()),
        status: row.status,
        why,
        resumed_from: row.resumed_from,
        usage: row.usage,
        cost: row.cost,
        told: row.told,
        outside_paths: row.outside_paths.clone(),
    }
}

fn span<'a>(sessions: impl Iterator<Item = &'a SessionReport> + Clone) -> Option<Span> {
    let from = sessions.clone().map(|session| session.started_at).min()?;
    let runs = sessions.clone().any(|session| session.status == SessionStatus::Running);
    let last = sessions.map(|session| session.ended_at.unwrap_or(session.started_at)).max();
    Some(Span { from, to: last.filter(|_| !runs) })
}

fn agents<'a>(sessions: impl Iterator<Item = (ThreadId, &'a SessionReport)>) -> Vec<AgentReport> {
    let mut found: BTreeMap<(&str, &str), (AgentReport, BTreeSet<ThreadId>)> = BTreeMap::new();
    for (thread, session) in sessions {
        let (report, threads) = found.entry((&session.agent.0, &session.model)).or_insert_with(|| {
            let report = AgentReport {
                agent: session.agent.clone(),
                model: session.model.clone(),
                threads: 0,
                counts: BTreeMap::new(),
                spent: Taken::default(),
            };
            (report, BTreeSet::new())
        });
        threads.insert(thread);
        *report.counts.entry(session.status.name()).or_default() += 1;
        report.spent.add(session);
    }
    found.into_values().map(|(report, threads)| AgentReport { threads: threads.len(), ..report }).collect()
}
