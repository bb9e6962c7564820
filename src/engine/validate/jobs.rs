//! The queue of jobs: whether it can be read, and where not.

use super::FileFindings;
use crate::diag::Diagnostic;
use crate::engine::Workspace;
use crate::store::{JobStore, StoreError};

/// Checks jobs.json; none where there is no queue.
#[must_use]
pub fn check_jobs(workspace: &Workspace) -> Option<FileFindings> {
    let store = JobStore::new(&workspace.private);
    let path = store.path();
    if !path.exists() {
        return None;
    }
    // Only to point into it.
    let source = crate::engine::streams::read_text(&path).unwrap_or_default();
    let diagnostics = match store.read() {
        Ok(_) => Vec::new(),
        Err(error) => {
            let hint = error.hint();
            let (message, span) = match &error.0 {
                StoreError::Corrupt { line, column, what, .. } => {
                    (format!("the queue of jobs can't be read: {what}"), span(&source, *line, *column))
                }
                _ => (crate::engine::hint::chain(&error), None),
            };
            let finding = Diagnostic::error("J001", message);
            let finding = match span {
                Some(span) => finding.at(span, ""),
                None => finding,
            };
            vec![Diagnostic { help: hint, ..finding }]
        }
    };
    Some(FileFindings { path, source, diagnostics })
}

/// The place at a line and column, both from 1; line 0 is the file as a whole.
fn span(source: &str, line: usize, column: usize) -> Option<std::ops::Range<usize>> {
    let before: usize = source.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let at = crate::diag::boundary(source, before + column.saturating_sub(1));
    Some(at..at)
}
