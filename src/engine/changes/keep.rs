//! Keeping what lies in a worktree: after every turn, and before anything is done to it.

use std::path::{Path, PathBuf};

use super::desk::Locked;
use super::{ChangeError, Desk, ThreadRefs};
use crate::adapters::git::{Git, GitError, Ref, RefStep, snapshot, staged};
use crate::model::{Mark, ObjectId, StreamId, ThreadId, TurnMark};
use crate::sys::fault;

/// What was kept of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The commit.
    pub commit: ObjectId,
    /// The files that this turn changed.
    pub files: Vec<PathBuf>,
    /// Whether the thread has no pending change after it.
    pub empty: bool,
    /// Repositories within the worktree, which are not kept.
    pub nested: Vec<PathBuf>,
}

impl Desk {
    /// Keeps what a turn left, durably. The same turn is kept only once. `None` when the thread has no
    /// worktree.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn keep_turn(
        &self,
        stream: &StreamId,
        thread: ThreadId,
        turn: TurnMark,
    ) -> Result<Option<Kept>, ChangeError> {
        let locked = self.lock()?;
        // A `git gc --prune=now` of the user's takes what no ref holds yet.
        match self.keep_once(&locked, stream, thread, turn.clone()) {
            Err(ChangeError::Git(GitError::Failed { .. })) => self.keep_once(&locked, stream, thread, turn),
            kept => kept,
        }
    }

    fn keep_once(
        &self,
        locked: &Locked,
        stream: &StreamId,
        thread: ThreadId,
        turn: TurnMark,
    ) -> Result<Option<Kept>, ChangeError> {
        let refs = self.thread(stream, thread)?;
        let (Some(base), Some(tip)) = (&refs.base, &refs.tip) else { return Ok(None) };
        if refs.turns.contains_key(&turn.turn) {
            return Ok(None);
        }
        let Some(path) = self.ready_path(stream, thread)? else { return Ok(None) };
        let taken = snapshot(&path, &self.scratch)?;
        let name = ThreadRefs::name(stream, thread, &format!("turns/{}", turn.turn));
        let mark = Mark { stream: stream.clone(), thread, base: Some(base.commit.clone()), turn: Some(turn) };
        let (commit, parents) = (&taken.tree, self.parents(locked, &path, tip)?);
        let commit = self.commit(commit, &parents.iter().collect::<Vec<_>>(), &mark)?;
        fault::point("changes.kept");
        self.change_refs(&[RefStep::Create(name, commit.clone()), move_tip(&refs, tip, &commit)])?;
        fault::point("changes.marked");
        self.make_whole(&path, &commit, tip)?;
        let files = self.git.diff_paths(&tip.tree, &taken.tree)?.into_iter().map(|one| one.path).collect();
        Ok(Some(Kept { commit, files, empty: taken.tree == base.tree, nested: taken.nested }))
    }

    /// Writes again what was taken from a snapshot before its ref held it: the same files make the same objects.
    fn make_whole(&self, path: &Path, commit: &ObjectId, before: &Ref) -> Result<(), ChangeError> {
        if self.git.is_whole(commit, &before.commit)? {
            return Ok(());
        }
        snapshot(path, &self.scratch)?;
        if self.git.is_whole(commit, &before.commit)? { Ok(()) } else { Err(ChangeError::Pruned) }
    }

    /// The files of the main checkout that are not as they were, besides those of the plans and what was applied.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn changed_since(&self, before: &ObjectId) -> Result<Vec<String>, ChangeError> {
        let (now, plans) = (self.main_tree()?, self.plans());
        let changed = self.git.diff_paths(before, &now)?;
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        let records = self.records()?;
        let applied =
            |path: &PathBuf| records.iter().any(|record| record.sides.iter().any(|side| side.path == *path));
        let others = changed.into_iter().map(|one| one.path);
        let others = others.filter(|path| !path.starts_with(&plans) && !applied(path));
        Ok(others.map(|path| path.to_string_lossy().into_owned()).collect())
    }

    /// Keeps what lies in a worktree and is in no snapshot yet, and gives what is kept of the thread then.
    pub(super) fn catch_up(
        &self,
        locked: &Locked,
        stream: &StreamId,
        thread: ThreadId,
    ) -> Result<ThreadRefs, ChangeError> {
        match self.catch_up_once(locked, stream, thread) {
            Err(ChangeError::Git(GitError::Failed { .. })) => self.catch_up_once(locked, stream, thread),
            refs => refs,
        }
    }

    fn catch_up_once(
        &self,
        locked: &Locked,
        stream: &StreamId,
        thread: ThreadId,
    ) -> Result<ThreadRefs, ChangeError> {
        let refs = self.thread(stream, thread)?;
        let (Some(base), Some(tip)) = (&refs.base, &refs.tip) else { return Ok(refs) };
        let Some(path) = self.ready_path(stream, thread)? else { return Ok(refs) };
        let tree = snapshot(&path, &self.scratch)?.tree;
        let mut parents = self.parents(locked, &path, tip)?;
        let mark = |turn| Mark { stream: stream.clone(), thread, base: Some(base.commit.clone()), turn };
        // What is staged and differs from what lies there is work, too.
        let head = Git::at(&path).resolve("HEAD^{tree}")?;
        let index =
            staged(&path, &self.scratch)?.filter(|index| *index != tree && Some(index) != head.as_ref());
        if let Some(index) = index {
            parents.push(self.commit(&index, &[], &mark(None))?);
        }
        if tree == tip.tree && parents.len() == 1 {
            return Ok(refs);
        }
        let commit = self.commit(&tree, &parents.iter().collect::<Vec<_>>(), &mark(None))?;
        fault::point("changes.kept");
        self.change_refs(&[move_tip(&refs, tip, &commit)])?;
        fault::point("changes.marked");
        self.make_whole(&path, &commit, tip)?;
        self.thread(stream, thread)
    }

    /// The tip before, and commits that somebody made in the worktree and that no tip holds.
    fn parents(&self, _: &Locked, path: &Path, tip: &Ref) -> Result<Vec<ObjectId>, ChangeError> {
        let mut parents = vec![tip.commit.clone()];
        if let Some(head) = Git::at(path).resolve("HEAD^{commit}")?
            && head != tip.commit
            && !self.git.is_ancestor(&head, &tip.commit)?
        {
            parents.push(head);
        }
        Ok(parents)
    }
}

fn move_tip(refs: &ThreadRefs, tip: &Ref, new: &ObjectId) -> RefStep {
    let name = ThreadRefs::name(&refs.stream, refs.thread, "tip");
    RefStep::Move { name, new: new.clone(), old: Some(tip.commit.clone()) }
}
