//! Approval: a person's word that a plan may run, and the plan's threads and tasks in the state.
//!
//! A thread is its id. Whatever was recorded of it stays with the id: an approval never drops a
//! session record, a report or a task that somebody worked on.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Hint, drift};
use crate::diag::{Diagnostic, Severity};
use crate::model::{
    self, Approval, Extra, Ordinal, StageId, Stream, Task, TaskId, TaskStatus, Thread, ThreadId,
    TransitionError,
};
use crate::plan::{self, Parsed, Plan, PlanBatch, PlanStage, PlanThread};
use crate::store::{Store, StoreError, TransactError};

/// Why an approval was refused. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// The plan has errors.
    #[error("the plan has {count} error{}", if *count == 1 { "" } else { "s" })]
    Errors {
        /// How many.
        count: usize,
    },
    /// Words of the template are left, and an agent would be told them.
    #[error("the plan has placeholders that nobody has replaced")]
    Placeholders,
    /// A question is open.
    #[error("stage {stage} has an open question: {question}")]
    OpenQuestion {
        /// The stage.
        stage: StageId,
        /// The first open question.
        question: String,
    },
    /// There is nothing to run.
    #[error("the plan has no threads")]
    NoThreads,
    /// A thread with a history was given another number.
    #[error("thread `{name}` has a history as `{from}`, and the plan now calls it `{to}`")]
    Renumbered {
        /// Its name.
        name: String,
        /// The id its history has.
        from: ThreadId,
        /// The id the plan gives it.
        to: ThreadId,
    },
    /// An id has two digits for a task.
    #[error("thread `{0}` has more than 99 tasks, those that are kept for their history included")]
    TooManyTasks(ThreadId),
    /// The number of a thread with a history was given to another one.
    #[error("`{id}` is the number of `{old}`, which has a history, and the plan gives it to `{new}`")]
    Reused {
        /// The number.
        id: ThreadId,
        /// The thread that has it.
        old: String,
        /// The thread that is to get it.
        new: String,
    },
    /// The stage is not in the state.
    #[error("there is no stage `{0}` to approve")]
    NoStage(StageId),
    /// Its threads are not done.
    #[error("stage `{stage}` is not done: {}", open.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    NotDone {
        /// The stage.
        stage: StageId,
        /// The threads that are not settled.
        open: Vec<ThreadId>,
    },
    /// A task can't be opened again.
    #[error(transparent)]
    Step(#[from] TransitionError),
    /// There is no such approval to take back.
    #[error("{0} is not approved")]
    NotApproved(String),
    /// The state file refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TransactError<ApproveError>> for ApproveError {
    fn from(error: TransactError<ApproveError>) -> Self {
        match error {
            TransactError::Store(error) => Self::Store(error),
            TransactError::Refused(error) => error,
        }
    }
}

impl Hint for ApproveError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Errors { .. } => vec!["`work validate plan` shows them".to_owned()],
            Self::Placeholders => {
                vec![
                    "write in PLAN.md what is meant, or remove the line; `work validate plan` shows all"
                        .to_owned(),
                ]
            }
            Self::OpenQuestion { .. } => {
                vec!["answer it in PLAN.md and tick its box, or delete it".to_owned()]
            }
            Self::NoThreads => vec!["add `###### Thread 01: NAME` to a batch in PLAN.md".to_owned()],
            Self::Renumbered { from, .. } => {
                vec![format!(
                    "keep its number {from} in PLAN.md; new threads take new numbers, gaps are fine"
                )]
            }
            Self::Reused { .. } => vec!["give the new thread another number, gaps are fine".to_owned()],
            Self::NotDone { .. } => {
                vec!["finish or cancel them, or approve all the same with `--force`".to_owned()]
            }
            Self::TooManyTasks(_) => vec!["split the thread in PLAN.md".to_owned()],
            Self::NoStage(_) => vec!["`work tree` shows the stages".to_owned()],
            Self::NotApproved(_) | Self::Step(_) | Self::Store(_) => Vec::new(),
        }
    }
}

impl ApproveError {
    /// Whether `finding` is a reason for this refusal.
    #[must_use]
    pub fn is_about(&self, finding: &Diagnostic) -> bool {
        match self {
            Self::Errors { .. } => finding.severity == Severity::Error,
            Self::Placeholders => finding.code == plan::PLACEHOLDER,
            Self::OpenQuestion { .. } => matches!(finding.code, "P032" | "P033"),
            _ => false,
        }
    }
}

/// A stage that was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageApproved {
    /// The stage.
    pub approved: StageId,
}

/// An approval that was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Revoked {
    /// `plan`, or the id of the stage.
    pub revoked: String,
}

/// What an approval does to the state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approved {
    /// Threads of the plan.
    pub threads: usize,
    /// Their tasks.
    pub tasks: usize,
    /// Threads that are new in the state.
    pub added: Vec<ThreadId>,
    /// Threads whose meaning or name changed.
    pub changed: Vec<ThreadId>,
    /// Threads that the plan no longer has, kept for their history.
    pub kept: Vec<ThreadId>,
    /// Threads that the plan no longer has, dropped since nothing had happened in them.
    pub dropped: Vec<ThreadId>,
    /// Tasks that were done and are open again, since the plan now says something else in their place.
    pub reopened: Vec<TaskId>,
}

impl Approved {
    /// In words, behind "approve": `3 threads, 7 tasks; changed: 01.01.02`.
    #[must_use]
    pub fn words(&self) -> String {
        let count = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let mut parts = vec![format!("{}, {}", count(self.threads, "thread"), count(self.tasks, "task"))];
        let lists = [
            ("new", &self.added, self.added.len() < self.threads),
            ("changed", &self.changed, true),
            ("kept for their history", &self.kept, true),
            ("dropped", &self.dropped, true),
        ];
        for (word, ids, telling) in lists {
            if !ids.is_empty() && telling {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                parts.push(format!("{word}: {}", ids.join(" ")));
            }
        }
        if !self.reopened.is_empty() {
            let ids: Vec<String> = self.reopened.iter().map(ToString::to_string).collect();
            parts.push(format!("open again: {}", ids.join(" ")));
        }
        parts.join("; ")
    }
}

/// Whether the plan may be approved at all.
///
/// # Errors
/// The first reason why not.
pub fn check(parsed: &Parsed) -> Result<(), ApproveError> {
    let errors = parsed.diagnostics.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors > 0 {
        return Err(ApproveError::Errors { count: errors });
    }
    if parsed.diagnostics.iter().any(|finding| finding.code == plan::PLACEHOLDER) {
        return Err(ApproveError::Placeholders);
    }
    if let Some((stage, question)) = plan::open_questions(&parsed.plan).next() {
        return Err(ApproveError::OpenQuestion { stage, question: first_line(&question.text) });
    }
    if parsed.plan.threads().next().is_none() {
        return Err(ApproveError::NoThreads);
    }
    Ok(())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end().to_owned()
}

/// What [`approve_plan`] would do, without doing it.
///
/// # Errors
/// [`ApproveError`].
pub fn dry_run(store: &Store, parsed: &Parsed) -> Result<Approved, ApproveError> {
    check(parsed)?;
    let mut stream = store.read()?;
    sync(&mut stream, &parsed.plan, store.now())
}

/// Approves the plan that was read from `source`: writes its threads and tasks into the state, with who
/// and when.
///
/// # Errors
/// [`ApproveError`].
pub fn approve_plan(
    store: &Store,
    source: &str,
    parsed: &Parsed,
    by: &str,
) -> Result<Approved, ApproveError> {
    check(parsed)?;
    let now = store.now();
    let hash = plan::plan_hash(&parsed.plan);
    Ok(store.transact(|stream| {
        let approved = sync(stream, &parsed.plan, now)?;
        let (hash, seal) = (Some(hash), Some(drift::seal(stream, source)));
        stream.approvals.plan =
            Some(Approval { at: now, by: by.to_owned(), hash, seal, extra: Extra::new() });
        Ok::<_, ApproveError>(approved)
    })?)
}

/// Takes the approval of the plan back. Threads and history stay.
///
/// # Errors
/// [`ApproveError::NotApproved`].
pub fn revoke_plan(store: &Store) -> Result<(), ApproveError> {
    Ok(store.transact(|stream| {
        let had = stream.approvals.plan.take();
        had.map(|_| ()).ok_or_else(|| ApproveError::NotApproved("the plan".to_owned()))
    })?)
}

/// Whether the result of a stage may be approved.
///
/// # Errors
/// [`ApproveError::NoStage`]; [`ApproveError::NotDone`] unless `force`.
pub fn check_stage(stream: &Stream, stage: StageId, force: bool) -> Result<(), ApproveError> {
    let mine: Vec<&Thread> = stream.threads.iter().filter(|thread| thread.id.stage() == stage).collect();
    if mine.is_empty() {
        return Err(ApproveError::NoStage(stage));
    }
    let open: Vec<ThreadId> = mine
        .iter()
        .filter(|thread| thread.in_plan && !super::status::status_of(thread).is_settled())
        .map(|thread| thread.id)
        .collect();
    if open.is_empty() || force { Ok(()) } else { Err(ApproveError::NotDone { stage, open }) }
}

/// Approves the result of a stage.
///
/// # Errors
/// [`ApproveError::NotDone`] unless `force`.
pub fn approve_stage(store: &Store, stage: StageId, by: &str, force: bool) -> Result<(), ApproveError> {
    let now = store.now();
    Ok(store.transact(|stream| {
        check_stage(stream, stage, force)?;
        let approval = Approval { at: now, by: by.to_owned(), hash: None, seal: None, extra: Extra::new() };
        stream.approvals.stages.insert(stage, approval);
        Ok::<_, ApproveError>(())
    })?)
}

/// Takes the approval of a stage back.
///
/// # Errors
/// [`ApproveError::NotApproved`].
pub fn revoke_stage(store: &Store, stage: StageId) -> Result<(), ApproveError> {
    Ok(store.transact(|stream| {
        let had = stream.approvals.stages.remove(&stage);
        had.map(|_| ()).ok_or_else(|| ApproveError::NotApproved(format!("stage {stage}")))
    })?)
}

/// Whether anything happened in a thread that must not be lost.
pub(super) fn has_history(thread: &Thread) -> bool {
    !thread.sessions.is_empty()
        || thread.report.is_some()
        || thread.declared != TaskStatus::Pending
        || thread.tasks.iter().any(task_has_history)
}

pub(super) fn task_has_history(task: &Task) -> bool {
    task.status != TaskStatus::Pending || task.report.is_some() || task.breadcrumb.is_some()
}

/// Makes the state's threads those of the plan.
fn sync(stream: &mut Stream, plan: &Plan, now: DateTime<Utc>) -> Result<Approved, ApproveError> {
    let mut approved = Approved::default();
    let planned: HashMap<ThreadId, &PlanThread> = plan.threads().map(|thread| (thread.id, thread)).collect();
    refuse_renumbering(stream, plan, &planned)?;
    for stage in &plan.stages {
        for batch in &stage.batches {
            for planned in &batch.threads {
                sync_thread(stream, stage, batch, planned, now, &mut approved)?;
            }
        }
    }
    for thread in &mut stream.threads {
        thread.in_plan = planned.contains_key(&thread.id);
    }
    let (kept, dropped): (Vec<&Thread>, Vec<&Thread>) =
        stream.threads.iter().filter(|thread| !thread.in_plan).partition(|thread| has_history(thread));
    approved.kept = kept.iter().map(|thread| thread.id).collect();
    approved.dropped = dropped.iter().map(|thread| thread.id).collect();
    stream.threads.retain(|thread| thread.in_plan || has_history(thread));
    stream.threads.sort_by_key(|thread| thread.id);
    Ok(approved)
}

/// A thread that kept its name and changed its number would leave its history to another one, and one
/// that takes the number of a thread that was kept would inherit what it did not do.
fn refuse_renumbering(
    stream: &Stream,
    plan: &Plan,
    by_id: &HashMap<ThreadId, &PlanThread>,
) -> Result<(), ApproveError> {
    for thread in stream.threads.iter().filter(|thread| has_history(thread)) {
        let planned = by_id.get(&thread.id);
        if planned.is_some_and(|planned| planned.name.value == thread.name) {
            continue;
        }
        if !thread.in_plan {
            let Some(planned) = planned else { continue };
            let (id, old, new) = (thread.id, thread.name.clone(), planned.name.value.clone());
            return Err(ApproveError::Reused { id, old, new });
        }
        let mut same_batch = plan.threads().filter(|planned| planned.id.batch == thread.id.batch);
        if let Some(moved) = same_batch.find(|planned| planned.name.value == thread.name) {
            let (name, from, to) = (thread.name.clone(), thread.id, moved.id);
            return Err(ApproveError::Renumbered { name, from, to });
        }
    }
    Ok(())
}

/// Takes one thread of the plan over as it stands there now: what an edit by command changed in it.
pub(super) fn take_over(
    stream: &mut Stream,
    plan: &Plan,
    id: ThreadId,
    now: DateTime<Utc>,
) -> Result<(), ApproveError> {
    for stage in &plan.stages {
        for batch in &stage.batches {
            if let Some(planned) = batch.threads.iter().find(|planned| planned.id == id) {
                return sync_thread(stream, stage, batch, planned, now, &mut Approved::default());
            }
        }
    }
    Ok(())
}

/// Lets go of threads that the plan no longer has: those with a history are kept apart, the others go.
pub(super) fn let_go(stream: &mut Stream, gone: &[ThreadId]) {
    for thread in stream.threads.iter_mut().filter(|thread| gone.contains(&thread.id)) {
        thread.in_plan = false;
    }
    stream.threads.retain(|thread| !gone.contains(&thread.id) || has_history(thread));
}

fn sync_thread(
    stream: &mut Stream,
    stage: &PlanStage,
    batch: &PlanBatch,
    planned: &PlanThread,
    now: DateTime<Utc>,
    approved: &mut Approved,
) -> Result<(), ApproveError> {
    let hash = plan::meaning_hash(planned);
    let index = match stream.threads.iter().position(|thread| thread.id == planned.id) {
        Some(index) => {
            let old = &stream.threads[index];
            if old.plan_hash.as_ref() != Some(&hash) || old.name != planned.name.value {
                approved.changed.push(planned.id);
            }
            index
        }
        None => {
            approved.added.push(planned.id);
            stream.threads.push(Thread::new(planned.id));
            stream.threads.len() - 1
        }
    };
    let thread = &mut stream.threads[index];
    thread.stage_name.clone_from(&stage.name.value);
    thread.batch_name.clone_from(&batch.name.value);
    thread.name.clone_from(&planned.name.value);
    thread.plan_hash = Some(hash);
    if let Some(agent) = &planned.agent {
        thread.agent = Some(agent.value.clone());
    }
    approved.reopened.extend(sync_tasks(thread, planned, now)?);
    approved.threads += 1;
    approved.tasks += thread.tasks.len();
    Ok(())
}

/// Makes the tasks those of the plan. A thread without tasks gets one, which bears its name, so that
/// there is always something to report on. Gives the tasks that are open again.
fn sync_tasks(
    thread: &mut Thread,
    planned: &PlanThread,
    now: DateTime<Utc>,
) -> Result<Vec<TaskId>, ApproveError> {
    let mut wanted: Vec<(String, bool)> =
        planned.tasks.iter().map(|task| (task.name.value.clone(), task.done)).collect();
    if wanted.is_empty() {
        wanted.push((planned.name.value.clone(), false));
    }
    let mut old: Vec<Option<Task>> = std::mem::take(&mut thread.tasks).into_iter().map(Some).collect();
    // By name first: a task keeps what is known of it wherever it moves.
    let mut found: Vec<Option<Task>> = wanted
        .iter()
        .map(|(name, _)| {
            old.iter_mut().find(|task| task.as_ref().is_some_and(|task| task.name == *name))?.take()
        })
        .collect();
    // Then by number: a task that was reworded in its place.
    for (index, slot) in found.iter_mut().enumerate().filter(|(_, slot)| slot.is_none()) {
        let here = |task: &&mut Option<Task>| {
            task.as_ref().is_some_and(|task| usize::from(task.id.number.get()) == index + 1)
        };
        *slot = old.iter_mut().find(here).and_then(Option::take);
    }
    let mut reopened = Vec::new();
    let mut number = Some(Ordinal::FIRST);
    let next = |number: &mut Option<Ordinal>| {
        let this = number.ok_or(ApproveError::TooManyTasks(planned.id))?;
        *number = this.next();
        Ok::<_, ApproveError>(this)
    };
    for ((name, done), task) in wanted.into_iter().zip(found) {
        let this = next(&mut number)?;
        let id = thread.id.task(this);
        let status = if done { TaskStatus::Completed } else { TaskStatus::Pending };
        let fresh = || Task { status, ..Task::new(id, name.clone(), now) };
        let mut task = task.unwrap_or_else(fresh);
        task.id = id;
        if task.status.is_settled() && !planned.tasks.is_empty() && !is_slip(&task.name, &name) {
            // Other words are other work: what was done stays in its report, and is not called done.
            model::set_task(&mut task, TaskStatus::Pending, now)?;
            reopened.push(id);
        }
        task.name = name;
        thread.tasks.push(task);
    }
    // What the plan dropped and somebody had worked on stays, behind the others.
    for task in old.into_iter().flatten().filter(task_has_history) {
        let this = next(&mut number)?;
        thread.tasks.push(Task { id: thread.id.task(this), ..task });
    }
    Ok(reopened)
}

/// Whether two names are the same but for a slip of the pen.
fn is_slip(old: &str, new: &str) -> bool {
    strsim::normalized_levenshtein(&old.to_lowercase(), &new.to_lowercase()) >= 0.8
}
