//! The worktree of a turn: ready before its agent is asked for anything, and kept before its end is recorded.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::pin;

use tokio::sync::mpsc;

use super::RuntimeSettings;
use crate::engine::allowed::outside;
use crate::engine::changes::{ChangeError, Desk, Preparation};
use crate::engine::{Facts, Workspace};
use crate::ipc::{Isolated, TurnMessage, TurnSpec};
use crate::model::{CancelCause, Failure, FailureKind, OutsidePaths, StreamId, TurnMark, TurnOutcome};
use crate::store::journal::JournalLine;
use crate::sys::clock::Clock;
use crate::sys::shell::Stop;

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

/// Whether the worktree of a turn is ready, and what is to stand in the turn's journal.
pub(super) enum Ready {
    /// The turn may begin.
    Made(Vec<JournalLine>),
    /// It can't begin.
    Failed(Failure, Vec<JournalLine>),
    /// Somebody does not want it any more.
    Cancelled(CancelCause),
}

/// Makes the worktree of a turn, if it has one, and tells what is done. Cancelled, it ends what it started.
pub(super) async fn ready(
    settings: &RuntimeSettings,
    spec: &mut TurnSpec,
    news: &(dyn Fn(TurnMessage) + Send + Sync),
    cancelled: impl Future<Output = CancelCause>,
) -> Ready {
    let Some(isolated) = spec.isolated.clone() else { return Ready::Made(Vec::new()) };
    let (settings, stream, thread) = (settings.clone(), spec.stream.clone(), spec.thread);
    let (clock, stop) = (settings.clock, Stop::default());
    let (tell, told) = mpsc::unbounded_channel();
    let stopped_by = stop.clone();
    let making = blocking(move || {
        let desk = desk(&settings, isolated.data)?.stopped_by(stopped_by);
        let path = desk.ensure_worktree(&stream, thread, &isolated.settings, &mut |what| {
            // Whoever listened is gone with the turn.
            let _ = tell.send(what);
        })?;
        if isolated.together {
            desk.bring_together(&stream, thread)?;
        }
        Ok((path, desk.main_tree()?))
    });
    let mut both = pin!(async { tokio::join!(making, listen(told, clock, news)) });
    let ((made, lines), cause) = tokio::select! {
        both = &mut both => (both, None),
        cause = cancelled => {
            stop.stop();
            (both.await, Some(cause))
        }
    };
    match (made, cause) {
        (_, Some(cause)) => Ready::Cancelled(cause),
        (Ok((path, before)), None) => {
            spec.directory = path;
            if let Some(isolated) = &mut spec.isolated {
                isolated.before = Some(before);
            }
            Ready::Made(lines)
        }
        (Err(error), None) => {
            let words = crate::engine::hint::chain(&error);
            let words = format!("its worktree could not be made ready: {words}");
            Ready::Failed(Failure::new(FailureKind::Task, words), lines)
        }
    }
}

/// Passes on what is told of a worktree that is made, and gives what is to stand in a journal.
async fn listen(
    mut told: mpsc::UnboundedReceiver<Preparation>,
    clock: Clock,
    news: &(dyn Fn(TurnMessage) + Send + Sync),
) -> Vec<JournalLine> {
    let mut lines = Vec::new();
    while let Some(what) = told.recv().await {
        match what {
            Preparation::Doing(what) => news(TurnMessage::Preparing { what }),
            Preparation::Command(event) => {
                let line = JournalLine { at: clock.now(), event };
                lines.push(line.clone());
                news(TurnMessage::Event { at: line.at, event: line.event });
            }
        }
    }
    lines
}

/// Keeps what the turn left, if it ran in a worktree, and tells what a person should know of it; with what it
/// changed outside the paths of its thread. `written` is what its tools told of.
pub(super) async fn keep(
    settings: &RuntimeSettings,
    spec: &TurnSpec,
    facts: &Facts,
    outcome: &TurnOutcome,
    written: BTreeSet<PathBuf>,
    news: &(dyn Fn(TurnMessage) + Send + Sync),
) -> Option<OutsidePaths> {
    // What lies in a worktree is the turn's, whichever way it came there; in a shared checkout, nobody knows whose.
    let changed = match spec.isolated.clone() {
        Some(isolated) => keep_worktree(settings, spec, isolated, facts, outcome, news).await,
        None => written.into_iter().collect(),
    };
    let outside = outside(spec.paths.iter().map(String::as_str), changed);
    if let Some(outside) = &outside {
        warn(spec, news, format!("the turn changed {}", outside.words(MOST)));
    }
    outside
}

fn warn(spec: &TurnSpec, news: &(dyn Fn(TurnMessage) + Send + Sync), message: String) {
    tracing::warn!(thread = %spec.thread, "{message}");
    news(TurnMessage::Warning { message });
}

/// The files that the turn changed in its worktree.
async fn keep_worktree(
    settings: &RuntimeSettings,
    spec: &TurnSpec,
    isolated: Isolated,
    facts: &Facts,
    outcome: &TurnOutcome,
    news: &(dyn Fn(TurnMessage) + Send + Sync),
) -> Vec<PathBuf> {
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
    let warn = |message| warn(spec, news, message);
    let (kept, outside) = match kept.await {
        Ok(kept) => kept,
        Err(error) => {
            let words = crate::engine::hint::chain(&error);
            warn(format!("what the turn left in its worktree could not be kept: {words}"));
            return Vec::new();
        }
    };
    if !outside.is_empty() {
        warn(format!("the main checkout changed while it ran in its worktree: {}", list(&outside)));
    }
    let Some(kept) = kept else { return Vec::new() };
    if kept.empty && *outcome == TurnOutcome::Completed {
        warn("the turn ended well, and its thread has changed nothing".to_owned());
    }
    if !kept.nested.is_empty() {
        let names: Vec<String> = kept.nested.iter().map(|path| path.display().to_string()).collect();
        warn(format!("repositories within the worktree are in no snapshot: {}", list(&names)));
    }
    kept.files
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
