//! What changed in the plan since it was approved, thread by thread.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::StreamHandle;
use crate::model::{Stream, Thread, ThreadId};
use crate::plan::{self, Plan, PlanThread, meaning_hash};

/// How a thread of the plan differs from what was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriftKind {
    /// It says something else.
    Changed,
    /// It says the same under another name.
    Renamed,
    /// The plan has it, and it was not approved.
    New,
    /// It was approved, and the plan has it no more.
    Gone,
}

/// A thread that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The thread.
    pub id: ThreadId,
    /// Its name, as the plan has it, or had it.
    pub name: String,
    /// How it differs.
    pub kind: DriftKind,
}

impl DriftKind {
    /// In words, after the thread's id.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Changed => "was changed after it was approved",
            Self::Renamed => "was renamed after it was approved",
            Self::New => "is new, and was not approved",
            Self::Gone => "was approved, and is no longer in the plan",
        }
    }
}

/// How one thread of the plan differs, if it does. Not at all while nothing was approved.
#[must_use]
pub fn thread_drift(stream: &Stream, planned: &PlanThread) -> Option<Drift> {
    stream.approvals.plan.as_ref()?;
    let name = &planned.name.value;
    let kind = match stream.thread(planned.id).filter(|thread| thread.in_plan) {
        None => DriftKind::New,
        // Approved by the older tool, which kept no hash of a thread.
        Some(thread) if thread.plan_hash.is_none() && thread.name == *name => return None,
        Some(thread) if thread.plan_hash.as_deref() == Some(meaning_hash(planned).as_str()) => return None,
        Some(thread) if says_the_same(planned, thread) => DriftKind::Renamed,
        Some(_) => DriftKind::Changed,
    };
    Some(Drift { id: planned.id, name: name.clone(), kind })
}

/// The differences, in order of the ids. None while nothing was approved.
#[must_use]
pub fn drift(stream: &Stream, plan: &Plan) -> Vec<Drift> {
    if stream.approvals.plan.is_none() {
        return Vec::new();
    }
    let planned: HashSet<ThreadId> = plan.threads().map(|planned| planned.id).collect();
    let gone = stream
        .threads
        .iter()
        .filter(|thread| thread.in_plan && !planned.contains(&thread.id))
        .map(|thread| Drift { id: thread.id, name: thread.name.clone(), kind: DriftKind::Gone });
    let changed = plan.threads().filter_map(|planned| thread_drift(stream, planned));
    let mut found: Vec<Drift> = changed.chain(gone).collect();
    found.sort_by_key(|drift| drift.id);
    found
}

/// Whether only the name of a thread is another.
fn says_the_same(planned: &PlanThread, thread: &Thread) -> bool {
    let mut old = planned.clone();
    old.name.value.clone_from(&thread.name);
    thread.plan_hash.as_deref().is_none_or(|hash| hash == meaning_hash(&old))
}

/// The differences to PLAN.md as it is now. A plan that can't be read is told of by `validate`.
#[must_use]
pub fn drift_of(stream: &Stream, handle: &StreamHandle) -> Vec<Drift> {
    drift_or_trouble(stream, handle).unwrap_or_default()
}

/// The differences to PLAN.md as it is now; none while nothing was approved.
///
/// # Errors
/// Why the plan can't be read: then nothing of it runs.
pub fn drift_or_trouble(stream: &Stream, handle: &StreamHandle) -> std::io::Result<Vec<Drift>> {
    let source = super::streams::read_text(&handle.plan_file())?;
    match &stream.approvals.plan {
        Some(approval) if approval.seal.as_ref() != Some(&seal(stream, &source)) => {
            Ok(drift(stream, &plan::read(&source)))
        }
        _ => Ok(Vec::new()),
    }
}

/// The seal of an approval: everything that [`drift`] depends on, at a moment when it finds nothing.
pub(super) fn seal(stream: &Stream, source: &str) -> String {
    let planned = stream.threads.iter().filter(|thread| thread.in_plan);
    plan::seal(
        source,
        planned.flat_map(|thread| {
            [thread.id.to_string(), thread.name.clone(), thread.plan_hash.clone().unwrap_or_default()]
        }),
    )
}
