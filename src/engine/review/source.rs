//! The text that was approved, wherever it can be found.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::{StreamHandle, Workspace, approved};
use crate::adapters::git;
use crate::model::Stream;
use crate::plan::{self, Plan};

/// How many commits are looked through.
const COMMITS: usize = 50;

/// What a review goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The plan is as it was approved.
    Same,
    /// The copy that the approval left on this machine.
    Copy,
    /// This commit has the plan as it was approved.
    Commit(String),
    /// The approved text was not found: only the hashes and names in the state.
    Hashes,
}

/// What is known of the plan as it was approved.
pub(super) struct Old {
    /// How it is known.
    pub(super) basis: Basis,
    /// It, or an older one of which single threads may still be as they were approved.
    pub(super) plan: Option<Plan>,
}

/// Looks for the approved text: the plan as it is now, the copy, the commits of the file.
pub(super) fn find(workspace: &Workspace, handle: &StreamHandle, stream: &Stream, now: &str) -> Old {
    let copy = approved::copy(workspace, &handle.id);
    let read = |text: &str| Some(plan::read(text));
    if approved::is_approved(stream, now) {
        return Old { basis: Basis::Same, plan: read(now) };
    }
    if let Some(copy) = copy.as_deref().filter(|copy| approved::is_approved(stream, copy)) {
        return Old { basis: Basis::Copy, plan: read(copy) };
    }
    let is_it = |text: &Cow<'_, str>| approved::is_approved(stream, text);
    let file = handle.plan_file();
    let versions = if workspace.is_git { git::versions(&workspace.root, &file, COMMITS) } else { Vec::new() };
    for commit in versions {
        let bytes = git::content(&workspace.root, &commit, &file).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        if is_it(&text) {
            return Old { basis: Basis::Commit(commit), plan: read(&text) };
        }
    }
    Old { basis: Basis::Hashes, plan: copy.as_deref().and_then(read) }
}
