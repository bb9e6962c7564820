//! What changed in the plan since it was approved, thread by thread.

use std::collections::HashSet;

use serde::Serialize;

use super::StreamHandle;
use crate::model::{Stream, ThreadId};
use crate::plan::{self, Plan, PlanThread, meaning_hash};

/// How a thread of the plan differs from what was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// How one thread of the plan differs, if it does.
#[must_use]
pub fn thread_drift(stream: &Stream, planned: &PlanThread) -> Option<Drift> {
    let name = &planned.name.value;
    let kind = match stream.thread(planned.id).filter(|thread| thread.in_plan) {
        None => DriftKind::New,
        // Approved by the older tool, which kept no hash of a thread.
        Some(thread) if thread.plan_hash.is_none() && thread.name == *name => return None,
        Some(thread) if thread.plan_hash.as_deref() == Some(meaning_hash(planned).as_str()) => return None,
        Some(thread) if thread.name != *name => DriftKind::Renamed,
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

/// The differences to PLAN.md as it is now. A plan that can't be read is told of by `validate`.
#[must_use]
pub fn drift_of(stream: &Stream, handle: &StreamHandle) -> Vec<Drift> {
    let Some(approval) = &stream.approvals.plan else { return Vec::new() };
    let Ok(source) = super::streams::read_text(&handle.plan_file()) else { return Vec::new() };
    if approval.seal.as_ref() == Some(&seal(stream, &source)) {
        return Vec::new();
    }
    drift(stream, &plan::read(&source))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::approve::approve_plan;
    use crate::store::Store;
    use crate::sys::{atomic, clock::Clock};

    const PLAN: &str = "# Plan: P\n\n## Summary\n\nS.\n\n## Stages\n\n### Stage 01: A\n\n#### Stage Batches\n\n\
        ##### Batch 01: B\n\n###### Thread 01: C\n\n**Summary:** D.\n\n**Details:**\nE.\n";

    fn approved(dir: &std::path::Path) -> StreamHandle {
        let id: crate::model::StreamId = "001-p".parse().expect("an id");
        let store = Store::open(dir.join("001-p"), Clock::System);
        let handle = StreamHandle { id: id.clone(), dir: dir.join("001-p"), store };
        handle.store.create(&Stream::new(id, "P".to_owned(), Clock::System.now())).expect("made");
        atomic::write_atomic(&handle.plan_file(), PLAN.as_bytes()).expect("written");
        approve_plan(&handle.store, PLAN, &plan::parse(PLAN), "ada").expect("approved");
        handle
    }

    /// The seal may only spare the work: with it and without it the answer is the same.
    #[test]
    fn a_seal_hides_no_drift() {
        let dir = tempfile::tempdir().expect("a folder");
        let handle = approved(dir.path());
        let stream = handle.store.read().expect("a state");
        let kinds = |stream: &Stream, text: &str| {
            atomic::write_atomic(&handle.plan_file(), text.as_bytes()).expect("written");
            let mut open = stream.clone();
            open.approvals.plan.as_mut().expect("approved").seal = None;
            let found = drift_of(stream, &handle);
            assert_eq!(found, drift_of(&open, &handle));
            found.into_iter().map(|drift| drift.kind).collect::<Vec<_>>()
        };
        assert!(kinds(&stream, PLAN).is_empty());
        assert!(kinds(&stream, &PLAN.replace("E.\n", "E.  \n\n")).is_empty(), "it means the same");
        assert_eq!(kinds(&stream, &PLAN.replace("E.\n", "F.\n")), [DriftKind::Changed]);
        // The same bytes, and another state: merged by hand, or by git.
        let mut other = stream.clone();
        other.threads[0].plan_hash = Some("another".to_owned());
        assert_eq!(kinds(&other, PLAN), [DriftKind::Changed]);
        other.threads[0].name = "Another".to_owned();
        assert_eq!(kinds(&other, PLAN), [DriftKind::Renamed]);
        other.threads.clear();
        assert_eq!(kinds(&other, PLAN), [DriftKind::New]);
    }

    #[test]
    fn an_unchanged_plan_is_known_by_its_seal() {
        let dir = tempfile::tempdir().expect("a folder");
        let handle = approved(dir.path());
        let stream = handle.store.read().expect("a state");
        assert_eq!(
            stream.approvals.plan.and_then(|plan| plan.seal),
            Some(seal(&handle.store.read().expect("a state"), PLAN))
        );
    }
}
