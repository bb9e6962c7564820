//! A private copy of the plan as it was approved, to compare with.
//!
//! It is a comfort, not the record: the hashes in the state decide what drifted. One invariant: a copy
//! is only believed where its hash is the one that the state holds.

use std::path::{Path, PathBuf};

use super::Workspace;
use crate::model::{Stream, StreamId};
use crate::plan;
use crate::store::Private;
use crate::sys::atomic;

fn file(private: &Path, stream: &StreamId) -> PathBuf {
    private.join("approved").join(stream.as_str()).join("PLAN.md")
}

/// Keeps `source` as the text that was approved. When that fails, `review` can tell less, and nothing else.
pub fn keep(workspace: &Workspace, stream: &StreamId, source: &str) {
    let folder = Path::new("approved").join(stream.as_str());
    if Private::open(&workspace.private).and_then(|private| private.dir(folder)).is_ok() {
        let _ = atomic::write_private(&file(&workspace.private, stream), source.as_bytes());
    }
}

/// The copy, whatever it is a copy of.
#[must_use]
pub fn copy(workspace: &Workspace, stream: &StreamId) -> Option<String> {
    super::read_text(&file(&workspace.private, stream)).ok()
}

/// Whether `source` is the plan that was approved, but for bytes that mean nothing.
#[must_use]
pub fn is_approved(stream: &Stream, source: &str) -> bool {
    hash(stream).is_some_and(|hash| hash == plan::plan_hash(&plan::read(source)))
}

/// The hash of what was approved. That of the older tool is of other things, and longer.
#[must_use]
pub fn hash(stream: &Stream) -> Option<&str> {
    let hash = stream.approvals.plan.as_ref().and_then(|approval| approval.hash.as_deref());
    hash.filter(|hash| hash.len() == 32)
}
