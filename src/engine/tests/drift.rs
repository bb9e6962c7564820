//! What the seal of an approval spares, and what it may not hide.

use super::{id, plan, stream};
use crate::engine::StreamHandle;
use crate::engine::approve::approve_plan;
use crate::engine::drift::{DriftKind, drift_of, seal};
use crate::model::Stream;
use crate::plan::parse;
use crate::sys::atomic;

fn approved() -> (tempfile::TempDir, StreamHandle, String) {
    let (folder, store) = stream();
    let text = plan(&[(1, "Lexer", &[])]);
    let handle = StreamHandle { id: id(), dir: folder.path().join("work/001-sample"), store };
    atomic::write_atomic(&handle.plan_file(), text.as_bytes()).expect("written");
    approve_plan(&handle.store, &text, &parse(&text), "ada").expect("approved");
    (folder, handle, text)
}

/// With it and without it the answer is the same.
///
/// Mutants that make it fail: a seal of the plan alone, or of the threads without their hashes.
#[test]
fn a_seal_hides_no_drift() {
    let (_folder, handle, text) = approved();
    let kinds = |stream: &Stream, text: &str| {
        atomic::write_atomic(&handle.plan_file(), text.as_bytes()).expect("written");
        let mut unsealed = stream.clone();
        unsealed.approvals.plan.as_mut().expect("approved").seal = None;
        let found = drift_of(stream, &handle);
        assert_eq!(found, drift_of(&unsealed, &handle));
        found.into_iter().map(|drift| drift.kind).collect::<Vec<_>>()
    };
    let stream = handle.store.read().expect("a state");
    assert!(kinds(&stream, &text).is_empty());
    assert!(kinds(&stream, &text.replace("care.\n", "care.  \n\n")).is_empty(), "it means the same");
    assert_eq!(kinds(&stream, &text.replace("care", "haste")), [DriftKind::Changed]);
    // The same bytes, and another state: merged by hand, or by git.
    let mut other = stream.clone();
    other.threads[0].plan_hash = Some("another".to_owned());
    assert_eq!(kinds(&other, &text), [DriftKind::Changed]);
    other = stream;
    other.threads[0].in_plan = false;
    assert_eq!(kinds(&other, &text), [DriftKind::New]);
    other.threads.clear();
    assert_eq!(kinds(&other, &text), [DriftKind::New]);
}

#[test]
fn an_unchanged_plan_is_known_by_its_seal() {
    let (_folder, handle, text) = approved();
    let stream = handle.store.read().expect("a state");
    assert_eq!(stream.approvals.plan.as_ref().and_then(|plan| plan.seal.clone()), Some(seal(&stream, &text)));
}
