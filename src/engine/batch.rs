//! A batch that is to run: which of its threads, and which not and why.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Hint, PrepareError, Prepared, ResolveError, StreamHandle, TurnRequest, Workspace, prepare};
use crate::config::Agents;
use crate::engine::drift::{DriftKind, drift_of};
use crate::engine::status::status_of;
use crate::model::{BatchId, Mode, Stream, Thread, ThreadId, ThreadStatus};
use crate::store::StoreError;

/// A batch that can run.
#[derive(Debug)]
pub struct BatchPlan {
    /// The batch.
    pub id: BatchId,
    /// Its name.
    pub name: String,
    /// The threads that will run.
    pub threads: Vec<Prepared>,
    /// Those that will not.
    pub skipped: Vec<Skipped>,
}

impl BatchPlan {
    /// What a person should know; each thing once.
    #[must_use]
    pub fn warnings(&self) -> Vec<&str> {
        let mut said = BTreeSet::new();
        let all = self.threads.iter().flat_map(|prepared| &prepared.warnings);
        all.map(String::as_str).filter(|warning| said.insert(*warning)).collect()
    }
}

/// A thread that will not run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// The thread.
    pub id: ThreadId,
    /// Its name.
    pub name: String,
    /// Why: its status.
    pub status: ThreadStatus,
}

/// Why a batch can't run. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// There is no such batch.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// One of its threads can't run.
    #[error(transparent)]
    Thread(#[from] PrepareError),
    /// All threads of the stream are settled.
    #[error("stream `{0}` has nothing left to run")]
    AllDone(String),
    /// All threads of the batch are settled or running.
    #[error("batch `{id}` has nothing to start: {}", words(skipped))]
    NothingToStart {
        /// The batch.
        id: BatchId,
        /// Its threads.
        skipped: Vec<Skipped>,
    },
    /// The state can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn words(skipped: &[Skipped]) -> String {
    let one = |skipped: &Skipped| format!("{} is {}", skipped.id, skipped.status.name());
    skipped.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl Hint for BatchError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Resolve(error) => error.hints(),
            Self::Thread(error) => error.hints(),
            Self::NothingToStart { skipped, .. } => {
                let running = skipped.iter().any(|one| one.status == ThreadStatus::Running);
                let attach = running.then(|| "`work multi --attach` goes to the windows".to_owned());
                attach.into_iter().chain(["`work status` shows the stream".to_owned()]).collect()
            }
            Self::AllDone(_) | Self::Store(_) => Vec::new(),
        }
    }
}

/// The batch that comes next: the first one with a thread that is not settled.
#[must_use]
pub fn next_batch(stream: &Stream) -> Option<BatchId> {
    let open = |thread: &&Thread| thread.in_plan && !status_of(thread).is_settled();
    stream.threads.iter().find(open).map(|thread| thread.id.batch)
}

/// Prepares some threads of a batch, each as `request` says for it.
///
/// # Errors
/// [`BatchError`]; also when only one thread can't run.
pub fn prepare_some(
    workspace: &Workspace,
    handle: &StreamHandle,
    agents: &Agents,
    threads: (BatchId, &[ThreadId]),
    request: &dyn Fn(&Thread) -> TurnRequest,
    mode: Mode,
) -> Result<BatchPlan, BatchError> {
    let stream = handle.store.read()?;
    let (id, threads) = threads;
    let mut plan = BatchPlan { id, name: String::new(), threads: Vec::new(), skipped: Vec::new() };
    for thread in threads.iter().filter_map(|id| stream.thread(*id)) {
        plan.name.clone_from(&thread.batch_name);
        plan.threads.push(prepare(workspace, handle, agents, &request(thread), mode)?);
    }
    Ok(plan)
}

/// Prepares every thread of a batch that is neither settled nor running; `wanted` is its id, or the
/// next one is taken.
///
/// # Errors
/// [`BatchError`]; also when only one thread can't run.
pub fn prepare_batch(
    workspace: &Workspace,
    handle: &StreamHandle,
    agents: &Agents,
    wanted: Option<&str>,
    request: &TurnRequest,
    mode: Mode,
) -> Result<BatchPlan, BatchError> {
    let stream = handle.store.read()?;
    let id = match wanted {
        Some(wanted) => super::batch(&stream, wanted)?,
        None if stream.threads.is_empty() => {
            return Err(ResolveError::NotApproved(stream.id.to_string()).into());
        }
        None => next_batch(&stream).ok_or_else(|| BatchError::AllDone(stream.id.to_string()))?,
    };
    // What the plan has in this batch and nobody approved would be left out without a word.
    let new = drift_of(&stream, handle)
        .into_iter()
        .find(|drift| drift.kind == DriftKind::New && drift.id.batch == id);
    if let Some(new) = new.clone().filter(|_| !request.allow_drift) {
        return Err(PrepareError::Drifted(new).into());
    }
    let mut plan = BatchPlan { id, name: String::new(), threads: Vec::new(), skipped: Vec::new() };
    for thread in stream.threads.iter().filter(|thread| thread.id.batch == id && thread.in_plan) {
        plan.name.clone_from(&thread.batch_name);
        let status = status_of(thread);
        if status.is_settled() || matches!(status, ThreadStatus::Running | ThreadStatus::Waiting) {
            plan.skipped.push(Skipped { id: thread.id, name: thread.name.clone(), status });
            continue;
        }
        let request = TurnRequest { thread: thread.id.to_string(), ..request.clone() };
        plan.threads.push(prepare(workspace, handle, agents, &request, mode)?);
    }
    if let (Some(new), Some(first)) = (new, plan.threads.first_mut()) {
        first.warnings.push(format!("thread `{}` {}; it does not run", new.id, new.kind.words()));
    }
    if plan.threads.is_empty() {
        return Err(BatchError::NothingToStart { id, skipped: plan.skipped });
    }
    Ok(plan)
}
