//! The evidence for the status of a thread, in plain words.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::drift::drift_of;
use super::fix::{Case, case};
use super::jobs::{JobRow, Queue, rows};
use super::status::{SessionRow, SessionStatus, status_of};
use super::{StreamHandle, Workspace, owner, verify};
use crate::model::{
    AgentEvent, BudgetCheck, CheckStep, CheckedCommand, CommandStep, JobStatus, Stream, TaskStatus, Thread,
    ThreadId, ThreadStatus, ToolStatus, Verdict, Verification,
};
use crate::store::journal::{Entry, Journals};

/// How many of the last lines of a failed command are shown.
const LAST: usize = 6;

/// Why a thread has the status that it has.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// The thread.
    pub thread: ThreadId,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: ThreadStatus,
    /// The rule by which it has that status, in one sentence.
    pub because: String,
    /// What was looked at, and what it said.
    pub evidence: Vec<Evidence>,
    /// What to do next; nothing for a thread that is done, runs, or is run by a job that waits for its turn.
    pub next: Option<String>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// What: `tasks`, `attempt 2`, `owner`, `last event`, `session`, `plan`, `budget`, `report`,
    /// `job 3`, `jobs`.
    pub of: String,
    /// What it says.
    pub says: String,
    /// When that was, if it has a time.
    pub at: Option<DateTime<Utc>>,
}

impl Evidence {
    fn new(of: impl Into<String>, says: impl Into<String>) -> Self {
        Self { of: of.into(), says: says.into(), at: None }
    }

    fn at(self, at: Option<DateTime<Utc>>) -> Self {
        Self { at, ..self }
    }
}

/// Looks at everything that the status of a thread depends on.
#[must_use]
pub fn why(workspace: &Workspace, handle: &StreamHandle, stream: &Stream, thread: &Thread) -> Why {
    let status = status_of(thread);
    let case = case(thread);
    let mut evidence = vec![tasks(thread)];
    if thread.declared != TaskStatus::Pending {
        let says = format!("`work update --thread {}` said {}", thread.id, thread.declared.name());
        evidence.push(Evidence::new("thread", says));
    }
    if let Some(report) = &thread.report {
        evidence.push(Evidence::new("report", report.clone()));
    }
    for row in &case.thread.sessions {
        evidence.push(attempt(row));
        evidence.extend(check(row));
    }
    evidence.extend(owner_of(thread));
    evidence.extend(last_event(workspace, stream, thread));
    evidence.push(session(thread, &case));
    evidence.extend(plan(handle, stream, thread));
    let (spent, budget) = budget(workspace, stream, thread);
    evidence.extend(budget);
    let (job, queue) = job(workspace, stream, thread);
    evidence.extend(queue);
    let done = status.is_settled() || matches!(status, ThreadStatus::Running);
    let next = match job {
        _ if done => None,
        Some(job) if job.held => Some(format!(
            "`work jobs start {id}` starts the job that waits for it, `work jobs cancel {id}` drops it",
            id = job.id
        )),
        // It runs by itself.
        Some(_) => None,
        None => Some(match spent {
            Some(key) => {
                format!("raise `{key}` in `work/config.yaml`, or add `--over-budget`; then: {}", next(&case))
            }
            None => next(&case),
        }),
    };
    let because = because(thread, status, &case);
    Why { thread: thread.id, name: thread.name.clone(), status, because, evidence, next }
}

fn tasks(thread: &Thread) -> Evidence {
    let settled = thread.tasks.iter().filter(|task| task.status.is_settled()).count();
    let open: Vec<String> = thread
        .tasks
        .iter()
        .filter(|task| !task.status.is_settled())
        .map(|task| {
            let left = task.breadcrumb.as_ref().map(|at| format!(", left at: {at}")).unwrap_or_default();
            format!("{} {} ({}{left})", task.id, task.name, task.status.name())
        })
        .collect();
    let open = if open.is_empty() { String::new() } else { format!("; open: {}", open.join("; ")) };
    let at = thread.tasks.iter().map(|task| task.updated_at).max();
    Evidence::new("tasks", format!("{settled} of {} are done{open}", thread.tasks.len())).at(at)
}

fn attempt(row: &SessionRow) -> Evidence {
    let why = match (&row.error, &row.interrupted_by) {
        (Some(failure), _) => format!(": {failure}"),
        (None, Some(by)) => format!(": {by}"),
        (None, None) => String::new(),
    };
    let exit = row.exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
    let resumed = row.resumed_from.map(|from| format!(", going on from attempt {from}")).unwrap_or_default();
    let outside = row.outside_paths.as_ref().map(|outside| format!("; it changed {}", outside.words(4)));
    let outside = outside.unwrap_or_default();
    let says =
        format!("{} with {}{resumed}: {}{why}{exit}{outside}", row.agent, row.model, row.status.name());
    Evidence::new(format!("attempt {}", row.attempt), says).at(row.ended_at.or(Some(row.started_at)))
}

/// What came of the check of an attempt.
fn check(row: &SessionRow) -> Option<Evidence> {
    // Of an attempt that did not end well there is nothing to be checked.
    let due = |check: &&Verification| **check != Verification::Due || row.status == SessionStatus::Completed;
    let check = row.verification.as_ref().filter(due)?;
    let (at, tree, tail) = match check {
        Verification::Passed(run) | Verification::Failed(run) => {
            (Some(run.at), run.tree.as_ref(), check.failed().map(|failed| failed.tail.as_str()))
        }
        Verification::Running { since: at, .. } | Verification::Stopped { at, .. } => (Some(*at), None, None),
        Verification::Due | Verification::Waived | Verification::Unknown => (None, None, None),
    };
    let tree = tree.map(|tree| format!(", in tree {}", tree.short())).unwrap_or_default();
    let last: Vec<&str> = tail.unwrap_or_default().lines().rev().take(LAST).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    let last =
        if last.is_empty() { String::new() } else { format!("; its last words: {}", last.join(" / ")) };
    let says = format!("{}{tree}{last}", check.words());
    Some(Evidence::new(format!("check of {}", row.attempt), says).at(at))
}

/// Whether whoever runs the open attempt still lives.
fn owner_of(thread: &Thread) -> Option<Evidence> {
    let record = thread.open_record()?;
    let says = match record.owner() {
        Some(owner) => {
            let lives = if owner::is_alive(owner) { "lives" } else { "is gone" };
            format!("attempt {} is open; process {} on {} {lives}", record.attempt, owner.pid, owner.host)
        }
        None => format!("attempt {} is open, and nobody is known to run it", record.attempt),
    };
    Some(Evidence::new("owner", says))
}

/// The last thing that the newest journal tells of.
fn last_event(workspace: &Workspace, stream: &Stream, thread: &Thread) -> Option<Evidence> {
    let journals = Journals::new(&workspace.private);
    let turn = *journals.turns(&stream.id, thread.id).ok()?.last()?;
    let mut last = None;
    for entry in journals.read(&stream.id, thread.id, turn).ok()?.flatten() {
        let Entry::Event(line) = entry else { continue };
        let says = match line.event {
            AgentEvent::Text { .. } => "the agent spoke".to_owned(),
            AgentEvent::Reasoning { .. } => "the agent thought".to_owned(),
            AgentEvent::ToolCall { name, title, status, .. } => {
                let status = match status {
                    ToolStatus::Pending | ToolStatus::Running => "running",
                    ToolStatus::Completed => "done",
                    ToolStatus::Failed => "failed",
                };
                format!("{name} ({status}): {title}")
            }
            AgentEvent::Permission { permission, patterns, .. } => {
                format!("it asked for {permission}: {}", patterns.join(", "))
            }
            AgentEvent::Question { text, .. } => format!("it asked: {text}"),
            AgentEvent::Command { purpose, command, step } => match step {
                CommandStep::Started | CommandStep::Wrote { .. } => {
                    format!("{} (running): {command}", purpose.words())
                }
                CommandStep::Ended { how, .. } => format!("{} ({how}): {command}", purpose.words()),
            },
            AgentEvent::Error(failure) => failure.to_string(),
            AgentEvent::TurnEnded(_) => "the turn ended".to_owned(),
            AgentEvent::Check(CheckStep::Began { command }) => format!("the check began with `{command}`"),
            AgentEvent::Check(CheckStep::Ended(CheckedCommand { command, end, .. })) => {
                format!("the check: `{command}` {}", end.words())
            }
            _ => continue,
        };
        last = Some(Evidence::new("last event", format!("turn {turn}: {says}")).at(Some(line.at)));
    }
    last
}

fn session(thread: &Thread, case: &Case) -> Evidence {
    let says = match (thread.resumable(None), &case.not_resumable) {
        (_, Some(why)) => format!("none can go on: {why}"),
        (Ok(record), None) => {
            let id = record.session.known().map(ToString::to_string).unwrap_or_default();
            format!(
                "{id} of attempt {} ({}) can go on, if the agent still has it",
                record.attempt, record.agent
            )
        }
        (Err(why), None) => format!("none can go on: {why}"),
    };
    Evidence::new("session", says)
}

fn plan(handle: &StreamHandle, stream: &Stream, thread: &Thread) -> Option<Evidence> {
    if stream.approvals.plan.is_none() {
        return Some(Evidence::new("plan", "it is not approved, so nothing of it runs"));
    }
    if !thread.in_plan {
        return Some(Evidence::new("plan", "it has this thread no more"));
    }
    let drift = drift_of(stream, handle).into_iter().find(|drift| drift.id == thread.id)?;
    Some(Evidence::new("plan", format!("the thread {}", drift.kind.words())))
}

/// How the thread and its stream stand against their limits, and the first that keeps a turn from starting.
fn budget(workspace: &Workspace, stream: &Stream, thread: &Thread) -> (Option<&'static str>, Vec<Evidence>) {
    let settings = match super::agents::load_settings(workspace) {
        Ok(settings) => settings,
        Err(error) => return (None, vec![Evidence::new("budget", super::hint::chain(&error))]),
    };
    let checks = super::budget::checks(stream, thread, &settings.budget);
    let over = checks.iter().find(|check| check.verdict == Verdict::Over).map(|check| check.key);
    let says = |check: &BudgetCheck| {
        let whose = super::budget::whose(check.of, &stream.id, thread.id);
        let stops = if check.verdict == Verdict::Over { ", so no turn of it is started" } else { "" };
        let (words, key, line) = (check.words(), check.key, check.line);
        let says = format!("{whose} has used {words} (`{key}`, line {line} of `work/config.yaml`){stops}");
        Evidence::new("budget", says)
    };
    (over, checks.iter().map(says).collect())
}

/// The job of the thread that is queued or runs, and what the queue says of it.
fn job(workspace: &Workspace, stream: &Stream, thread: &Thread) -> (Option<JobRow>, Option<Evidence>) {
    let jobs = match Queue::new(workspace).read() {
        Ok(jobs) => jobs,
        Err(error) => return (None, Some(Evidence::new("jobs", super::hint::chain(&error)))),
    };
    let mine = |row: &JobRow| row.stream == stream.id && row.thread == thread.id && row.status.is_active();
    let mut active: Vec<JobRow> = rows(&jobs).into_iter().filter(mine).collect();
    let running = active.iter().position(|row| row.status == JobStatus::Running);
    let Some(row) = (!active.is_empty()).then(|| active.swap_remove(running.unwrap_or(0))) else {
        return (None, None);
    };
    let why = row.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let says = format!("{}{why}", row.status.name());
    let at = row.started_at.unwrap_or(row.queued_at);
    let evidence = Evidence::new(format!("job {}", row.id), says).at(Some(at));
    (Some(row), Some(evidence))
}

/// The rule, with what it was applied to.
fn because(thread: &Thread, status: ThreadStatus, case: &Case) -> String {
    let last = case.thread.sessions.last();
    match status {
        ThreadStatus::Pending => "nothing was reported, and no attempt was made".to_owned(),
        ThreadStatus::Running if thread.open_record().is_none() => {
            "its work is being checked, and the process that does it lives".to_owned()
        }
        ThreadStatus::Running => "an attempt is open, and the process that runs it lives".to_owned(),
        ThreadStatus::Waiting => "its agent asks a person, and goes on when that is answered".to_owned(),
        ThreadStatus::Completed => match thread.check() {
            Some(check) => format!("all its tasks are done; {}", check.words()),
            None => "all its tasks are done".to_owned(),
        },
        ThreadStatus::Cancelled => "somebody said that it is not wanted any more".to_owned(),
        ThreadStatus::Blocked => format!("somebody said that it can't go on: {}", case.why),
        ThreadStatus::Incomplete if last.is_none() => {
            "work was reported, tasks are open, and no attempt was made".to_owned()
        }
        ThreadStatus::Incomplete => {
            format!("its last attempt ended well, and {}", open(thread))
        }
        ThreadStatus::Failed => format!("its last attempt failed ({}), and {}", case.why, open(thread)),
        ThreadStatus::Interrupted
            if thread.open_record().is_some()
                && last.is_some_and(|row| row.status == SessionStatus::Interrupted) =>
        {
            "its last attempt is open, and the process that ran it is gone".to_owned()
        }
        ThreadStatus::Interrupted => format!("its last attempt was interrupted ({})", case.why),
    }
}

/// What is not done of a thread.
fn open(thread: &Thread) -> String {
    verify::unsettled(thread).map_or_else(|| "tasks are open".to_owned(), Verification::words)
}

/// What a person does next about a thread that was begun, as a sentence with a command in backticks.
pub(super) fn next(case: &Case) -> String {
    let id = case.thread.id;
    match case.thread.status {
        ThreadStatus::Pending => format!("`work execute --thread {id}` runs it, `work continue` its batch"),
        ThreadStatus::Waiting => match case.thread.asks() {
            [ask] => super::answer::how(&id.to_string(), ask),
            _ => "`work answer` lists what it asks, and how to answer".to_owned(),
        },
        _ => {
            let command = match case.proposal {
                super::fix::Action::Resume => format!("`work fix --thread {id} --resume`"),
                super::fix::Action::Retry => format!("`work fix --thread {id} --retry`"),
                super::fix::Action::OtherModel => format!("`work fix --thread {id} --retry --model MODEL`"),
                super::fix::Action::ChangeAgent => format!("`work fix --thread {id} --agent AGENT`"),
            };
            let check = format!("`work verify {id}`");
            if case.advice.contains(&command) || case.advice.contains(&check) {
                case.advice.clone()
            } else {
                format!("{}; {command}", case.advice)
            }
        }
    }
}
