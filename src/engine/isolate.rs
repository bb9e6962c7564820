//! Whether a thread works in a worktree of its own, where that lies, and what its agent is told of it.

use std::path::{Path, PathBuf};

use super::changes::{ChangeError, Desk, folder_of};
use super::{PrepareError, TurnRequest, Workspace};
use crate::config::{Isolation, Settings};
use crate::ipc::Isolated;
use crate::model::{Mode, SessionRecord, StreamId, Thread, ThreadId};
use crate::sys::paths;

/// A worktree that a turn will run in.
pub(super) struct Place {
    pub(super) directory: PathBuf,
    pub(super) isolated: Isolated,
    /// What the agent has to know of it.
    pub(super) told: String,
}

/// The worktree for a turn; none when it runs where it always did. A conversation goes on where it began.
pub(super) fn place(
    workspace: &Workspace,
    settings: &Settings,
    (stream, thread): (&StreamId, &Thread),
    request: &TurnRequest,
    resume: Option<&SessionRecord>,
    mode: Mode,
) -> Result<Option<Place>, PrepareError> {
    let find = |source| ChangeError::Io { action: "find", path: "XDG_DATA_HOME".into(), source };
    let data = paths::data_dir().map_err(find)?;
    // A thread that has a worktree goes on in it, whoever takes it up.
    let there = folder_of(workspace, &data).join(stream.as_str()).join(thread.id.to_string()).is_dir();
    let wanted = there || request.worktree || settings.isolation == Isolation::Worktree;
    let before = resume.map(|record| record.directory.clone().unwrap_or_else(|| workspace.root.clone()));
    if mode == Mode::Primary || (before.is_none() && !wanted) || !may_be_ours(before.as_deref(), workspace) {
        return Ok(None);
    }
    let desk = Desk::open_with(workspace, data.clone())?;
    let directory = desk.place_of(stream, thread.id)?;
    if before.is_some_and(|before| before != directory) {
        return Ok(None);
    }
    let ready = desk.ready_path(stream, thread.id)?;
    let conflicts = match ready {
        Some(_) => desk.conflicts(stream, thread.id)?,
        None => Vec::new(),
    };
    let anew = ready.is_none() && resume.is_some();
    let told = words(&directory, anew, &conflicts, &unseen(&desk, stream, thread.id)?);
    let together = !conflicts.is_empty();
    let isolated = Isolated { data, settings: settings.worktree.clone(), together, before: None };
    Ok(Some(Place { directory, isolated, told }))
}

/// Whether the worktree of a thread lies at a folder, or would be made there.
pub(super) fn is_place_of(workspace: &Workspace, stream: &StreamId, thread: ThreadId, folder: &Path) -> bool {
    let place = |data: PathBuf| folder_of(workspace, &data).join(stream.as_str()).join(thread.to_string());
    workspace.is_git && paths::data_dir().is_ok_and(|data| place(data) == folder)
}

/// The same by the names alone, for whoever only tells of it.
pub(super) fn looks_like_place(thread: ThreadId, folder: &Path) -> bool {
    let names: Vec<_> = folder.iter().rev().take(5).collect();
    matches!(names.as_slice(), [last, _, _, worktrees, work]
        if **last == *thread.to_string() && **worktrees == *"worktrees" && **work == *"work")
}

/// Whether a conversation was held in something that may be a worktree of ours.
fn may_be_ours(before: Option<&Path>, workspace: &Workspace) -> bool {
    before.is_none_or(|before| !before.starts_with(&workspace.root))
}

/// The threads whose changes this one can't see.
fn unseen(desk: &Desk, stream: &StreamId, thread: ThreadId) -> Result<Vec<ThreadId>, ChangeError> {
    let others = desk.threads()?.into_iter().filter(|refs| refs.stream == *stream && refs.thread != thread);
    Ok(others.filter(|refs| refs.pending().is_some()).map(|refs| refs.thread).collect())
}

fn words(directory: &Path, anew: bool, conflicts: &[PathBuf], unseen: &[ThreadId]) -> String {
    let mut text = format!(
        "## Where you work\n\nYou work in a git worktree of your own, `{}`. Change files only there: all of them are \
         kept after each of your turns, and a person looks at your change and brings it over to the main checkout. \
         Until then no other thread sees it, and you see nothing of theirs that was not brought over.\n",
        directory.display()
    );
    if anew {
        text.push_str(
            "It was removed since your last turn and is made anew from its last snapshot: files that git ignores are \
             not in it any more.\n",
        );
    }
    if !unseen.is_empty() {
        let ids: Vec<String> = unseen.iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            "What these threads changed was not brought over yet, so you can't see it: {}.\n",
            ids.join(", ")
        ));
    }
    if !conflicts.is_empty() {
        let names: Vec<String> = conflicts.iter().map(|path| format!("- `{}`\n", path.display())).collect();
        text.push_str(&format!(
            "\nYour change conflicts with what the main checkout has now. It was merged into your worktree, and \
             these files hold both sides between conflict marks (`<<<<<<<`, `=======`, `>>>>>>>`), or were changed \
             on one side and deleted on the other:\n\n{}\nResolve them first: keep what both sides meant, and \
             leave no mark.\n",
            names.concat()
        ));
    }
    text.push('\n');
    text
}
