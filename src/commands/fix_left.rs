//! What `work fix --all --resume` can't do as it was asked, or does against what fits best: told, never hidden.

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::failed::Failed;
use super::fix_run::Fix;
use super::how::Would;
use crate::engine::fix::{Action, Case};
use crate::model::ThreadId;
use crate::ui::one_line;

/// A thread that is left as it is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Left {
    thread: ThreadId,
    name: String,
    /// Whether it has no session that can go on, or no budget left.
    #[serde(skip)]
    kind: &'static str,
    /// Why it can't be done.
    why: String,
    /// What can be done instead.
    hints: Vec<String>,
}

/// What `--dry-run` tells.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WouldFix<'a> {
    /// The threads that would be taken up.
    pub(super) threads: Vec<Would<'a>>,
    /// Those that would be left as they are, since they can't be resumed.
    pub(super) left: Vec<Left>,
}

/// The cases that can be resumed, and the others; of several that were not named, which may well be both.
///
/// # Errors
/// When none of them can be, or for another reason than that it can't be resumed.
pub(super) fn divide(fix: &Fix<'_>, cases: &[Case]) -> Result<(Vec<Case>, Vec<Left>), Failed> {
    let (mut able, mut left) = (Vec::new(), Vec::new());
    for case in cases {
        match fix.prepare(case.thread.id, cases.len()) {
            Err(failed) if ["no-session", "over-budget"].contains(&failed.kind) => left.push(Left {
                kind: failed.kind,
                thread: case.thread.id,
                name: case.thread.name.clone(),
                why: failed.messages.join(": "),
                hints: failed.hints,
            }),
            prepared => {
                prepared?;
                able.push(case.clone());
            }
        }
    }
    if able.is_empty() {
        let mut failed = match left.iter().all(|one| one.kind == "over-budget") {
            true => Failed::new(Exit::Waiting, "over-budget", "none of these threads has any budget left"),
            false => Failed::new(Exit::Failed, "no-session", "none of these threads can be resumed"),
        };
        failed.messages.extend(left.iter().map(|one| one.why.clone()));
        failed.hints = left.into_iter().flat_map(|one| one.hints).collect();
        return Err(failed);
    }
    Ok((able, left))
}

/// What is told of both before anything happens, a line each.
pub(super) fn told(able: &[Case], left: &[Left]) -> Vec<String> {
    let against = able.iter().filter(|case| case.proposal != Action::Resume).map(|case| {
        let (id, name, fits) = (case.thread.id, one_line(&case.thread.name), case.proposal.name());
        format!("{id} {name} is resumed as asked, though `{fits}` fits better: {}", one_line(&case.advice))
    });
    let left = left.iter().map(|one| {
        let instead: String = one.hints.iter().map(|hint| format!("; {hint}")).collect();
        format!("{} {} is left as it is: {}{instead}", one.thread, one_line(&one.name), one_line(&one.why))
    });
    against.chain(left).collect()
}
