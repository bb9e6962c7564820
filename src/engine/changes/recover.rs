//! What turns left whose supervisor died before it could keep it.

use super::{ChangeError, Desk};
use crate::engine::{StreamHandle, Workspace, owner};
use crate::model::{SessionRecord, TurnMark};

/// Keeps what the last turn of each worktree left, where nobody did. Gives what went wrong.
pub fn keep_lost(workspace: &Workspace) -> Vec<String> {
    let linked = workspace.private.parent().map(|common| common.join("worktrees"));
    if !linked.is_some_and(|linked| linked.is_dir()) {
        return Vec::new();
    }
    match keep_all(workspace) {
        Ok(failed) => failed,
        Err(error) => vec![error.to_string()],
    }
}

fn keep_all(workspace: &Workspace) -> Result<Vec<String>, ChangeError> {
    let desk = Desk::open(workspace)?;
    let mut failed = Vec::new();
    for row in desk.worktrees()?.into_iter().filter(|row| row.ready) {
        let handle = StreamHandle::of(workspace, &row.stream);
        let Ok(state) = handle.store.read() else { continue };
        let last = state.thread(row.thread).and_then(|thread| thread.last_record());
        let last = last.filter(|record| record.directory.as_ref() == Some(&row.path));
        let Some((record, turn)) = last.and_then(|record| Some((record, *record.turns.last()?))) else {
            continue;
        };
        let runs = record.is_open() && record.owner().is_some_and(owner::is_alive);
        if !runs && let Err(error) = desk.keep_turn(&row.stream, row.thread, mark(record, turn)) {
            failed.push(format!("{} {}: {error}", row.stream, row.thread));
        }
    }
    Ok(failed)
}

fn mark(record: &SessionRecord, turn: u32) -> TurnMark {
    TurnMark {
        turn,
        agent: record.agent.to_string(),
        model: record.model.clone(),
        session: record.session.known().map(|session| session.0.clone()),
        status: "interrupted".to_owned(),
        outside: Vec::new(),
    }
}
