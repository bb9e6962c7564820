//! The worktree of a turn: ready before its agent is asked for anything, and kept before its end is recorded.

use std::path::PathBuf;

use tokio::sync::mpsc;

use super::RuntimeSettings;
use crate::engine::changes::{ChangeError, Desk};
use crate::engine::{Facts, Workspace};
use crate::ipc::{TurnMessage, TurnSpec};
use crate::model::{Failure, FailureKind, StreamId, TurnMark, TurnOutcome};

/// How many names a warning shows.
const MOST: usize = 5;

fn desk(settings: &RuntimeSettings, data: PathBuf) -> Result<Desk, ChangeError> {
    let found = Workspace::find(&settings.root, Some(&settings.root), settings.clock);
    let workspace = found.map_err(|error| ChangeError::Bug(error.to_string()))?;
    Desk::open_with(&workspace, data)
}

/// Work with git, off the loop.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ChangeError> + Send + 'static,
) -> Result<T, ChangeError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(ChangeError::Bug(panic.to_string())))
}

/// Makes the worktree of a turn, if it has one, and tells what is done.
pub(super) async fn ready(
    settings: &RuntimeSettings,
    spec: &mut TurnSpec,
    news: &(dyn Fn(TurnMessage) + Send + Sync),
) -> Result<(), Failure> {
    let Some(isolated) = spec.isolated.clone() else { return Ok(()) };
    let (settings, stream, thread) = (settings.clone(), spec.stream.clone(), spec.thread);
    let (tell, mut told) = mpsc::unbounded_channel();
    let making = blocking(move || {
        let desk = desk(&settings, isolated.data)?;
        let path = desk.ensure_worktree(&stream, thread, &isolated.settings, &mut |line| {
            // Whoever listened is gone with the turn.
            let _ = tell.send(line.to_owned());
        })?;
        if isolated.together {
            desk.bring_together(&stream, thread)?;
        }
        Ok((path, desk.main_tree()?))
    });
    let listening = async {
        while let Some(what) = told.recv().await {
            news(TurnMessage::Preparing { what });
        }
    };
    let (made, ()) = tokio::join!(making, listening);
    let (path, before) = made.map_err(|error| {
        let words = crate::engine::hint::chain(&error);
        Failure::new(FailureKind::Task, format!("its worktree could not be made ready: {words}"))
    })?;
    spec.directory = path;
    if let Some(isolated) = &mut spec.isolated {
        isolated.before = Some(before);
    }
    Ok(())
}

/// Keeps what the turn left, and tells what a person should know of it.
pub(super) async fn keep(
    settings: &RuntimeSettings,
    spec: &TurnSpec,
    facts: &Facts,
    outcome: &TurnOutcome,
    news: &(dyn Fn(TurnMessage) + Send + Sync),
) {
    let Some(isolated) = spec.isolated.clone() else { return };
    let mut mark = mark(facts, outcome);
    let (settings, stream, thread) = (settings.clone(), spec.stream.clone(), spec.thread);
    let kept = blocking(move || {
        let desk = desk(&settings, isolated.data)?;
        if let Some(before) = &isolated.before {
            mark.outside = desk.changed_since(before)?;
        }
        let outside = mark.outside.clone();
        Ok((desk.keep_turn(&stream, thread, mark)?, outside))
    });
    let warn = |message: String| {
        tracing::warn!(thread = %spec.thread, "{message}");
        news(TurnMessage::Warning { message });
    };
    let (kept, outside) = match kept.await {
        Ok(kept) => kept,
        Err(error) => {
            let words = crate::engine::hint::chain(&error);
            return warn(format!("what the turn left in its worktree could not be kept: {words}"));
        }
    };
    if !outside.is_empty() {
        warn(format!("the main checkout changed while it ran in its worktree: {}", list(&outside)));
    }
    let Some(kept) = kept else { return };
    if kept.empty && *outcome == TurnOutcome::Completed {
        warn("the turn ended well, and its thread has changed nothing".to_owned());
    }
    if !kept.nested.is_empty() {
        let names: Vec<String> = kept.nested.iter().map(|path| path.display().to_string()).collect();
        warn(format!("repositories within the worktree are in no snapshot: {}", list(&names)));
    }
}

/// Keeps what a turn left that nobody came for, if it ran in a worktree.
pub(super) async fn keep_left(
    settings: &RuntimeSettings,
    stream: &StreamId,
    facts: &Facts,
    outcome: &TurnOutcome,
) {
    let mark = mark(facts, outcome);
    let (root, clock, stream) = (settings.root.clone(), settings.clock, stream.clone());
    let (thread, directory) = (facts.start.thread, facts.start.directory.clone());
    let kept = blocking(move || {
        let found = Workspace::find(&root, Some(&root), clock);
        let desk = Desk::open(&found.map_err(|error| ChangeError::Bug(error.to_string()))?)?;
        let isolated = desk.worktrees()?.iter().any(|row| row.ready && row.path == directory);
        if isolated { desk.keep_turn(&stream, thread, mark).map(drop) } else { Ok(()) }
    });
    if let Err(error) = kept.await {
        tracing::warn!(%error, "what a turn left in its worktree could not be kept");
    }
}

fn list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn mark(facts: &Facts, outcome: &TurnOutcome) -> TurnMark {
    TurnMark {
        turn: facts.turn,
        agent: facts.start.agent.to_string(),
        model: facts.start.model.to_string(),
        session: facts.session.as_ref().map(|session| session.0.clone()),
        status: status(outcome).to_owned(),
        outside: Vec::new(),
    }
}

fn status(outcome: &TurnOutcome) -> &'static str {
    match outcome {
        TurnOutcome::Completed => "completed",
        TurnOutcome::Failed { .. } => "failed",
        TurnOutcome::Cancelled { .. } => "cancelled",
    }
}
