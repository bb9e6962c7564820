//! Bringing what the main checkout has now into the worktree of a thread, for its agent to work on.
//!
//! Where both sides changed the same, the files get git's conflict marks. From then on the pending change is
//! counted from the main checkout as it was at that moment. A ref tells that it is being done: cut off before the
//! thread's refs have moved it is taken back, and completed after that.

use std::path::{Path, PathBuf};

use super::desk::Locked;
use super::{ChangeError, Desk, ThreadRefs};
use crate::adapters::git::{Difference, Git, RefStep, snapshot};
use crate::model::{Mark, ObjectId, Obstacle, StreamId, ThreadId};
use crate::sys::fault;
use crate::sys::place::{Content, found, place};

/// What is being brought together: the tip that the thread will have.
const TOGETHER: &str = "refs/work/doing/together";

/// What the agent sees as its own change is what it has to answer for.
fn answers_for(worktree: &Path, base: &ObjectId) -> Result<(), ChangeError> {
    let git = Git::at(worktree);
    if git.symbolic("HEAD")?.is_none() {
        git.bytes(&["reset", "--quiet", "--mixed", base.as_str()])?;
    }
    Ok(())
}

impl Desk {
    /// The files of a thread's pending change that conflict with the main checkout as it is now.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn conflicts(&self, stream: &StreamId, thread: ThreadId) -> Result<Vec<PathBuf>, ChangeError> {
        let refs = self.thread(stream, thread)?;
        if refs.pending().is_none() {
            return Ok(Vec::new());
        }
        let ours = self.main_tree()?;
        match self.plan_on(std::slice::from_ref(&refs), &ours, false) {
            Ok(_) => Ok(Vec::new()),
            Err(ChangeError::Blocked(blocked)) => {
                let conflicts = blocked.into_iter().filter(|one| one.obstacle == Obstacle::Conflict);
                Ok(conflicts.map(|one| one.path).collect())
            }
            Err(error) => Err(error),
        }
    }

    /// Brings the main checkout into the worktree of a thread whose change conflicts with it, and gives the
    /// files that conflict. Does nothing when none does, or when there is no worktree.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn bring_together(&self, stream: &StreamId, thread: ThreadId) -> Result<Vec<PathBuf>, ChangeError> {
        let locked = self.lock()?;
        let Some(path) = self.ready_path(stream, thread)? else { return Ok(Vec::new()) };
        let refs = self.catch_up(&locked, stream, thread)?;
        let Some((base, tip)) = refs.pending() else { return Ok(Vec::new()) };
        let ours = self.main_tree()?;
        let theirs = self.theirs(base, tip)?;
        let merged = self.git.merge(&base.tree, &ours, &theirs)?;
        if merged.conflicts.is_empty() {
            return Ok(Vec::new());
        }
        // What the agent made of the plan's own folder is left as it is, and is part of nothing.
        let of = |base: Option<&ObjectId>| Mark {
            stream: stream.clone(),
            thread,
            base: base.cloned(),
            turn: None,
        };
        let head = self.git.resolve("HEAD^{commit}")?;
        let parents: Vec<&ObjectId> = std::iter::once(&base.commit).chain(head.as_ref()).collect();
        let new_base = self.commit(&ours, &parents, &of(None))?;
        let new_tip = self.commit(&merged.tree, &[&tip.commit, &new_base], &of(Some(&new_base)))?;
        self.change_refs(&[RefStep::Create(TOGETHER.to_owned(), new_tip.clone())])?;
        fault::point("together.begun");
        if let Err(error) = self.write(&path, &tip.tree, &merged.tree) {
            // Taken back at once, and not only by whoever comes next.
            return Err(self.settle_together(&locked).err().unwrap_or(error));
        }
        fault::point("together.placed");
        let name = |last| ThreadRefs::name(stream, thread, last);
        let to = |last, new: &ObjectId, old: &ObjectId| RefStep::Move {
            name: name(last),
            new: new.clone(),
            old: Some(old.clone()),
        };
        self.change_refs(&[to("base", &new_base, &base.commit), to("tip", &new_tip, &tip.commit)])?;
        fault::point("together.moved");
        self.settle_together(&locked)?;
        Ok(merged.conflicts)
    }

    /// Takes back what was cut off before the refs had moved, and completes what was cut off after that.
    pub(super) fn settle_together(&self, _: &Locked) -> Result<(), ChangeError> {
        let Some(at) = self.git.refs(TOGETHER)?.pop() else { return Ok(()) };
        let mark = Mark::read(&at.message);
        if let Some(Mark { stream, thread, base: Some(base), .. }) = mark
            && let Some(path) = self.ready_path(&stream, thread)?
        {
            let moved = self.thread(&stream, thread)?.tip.is_some_and(|tip| tip.commit == at.commit);
            if moved {
                answers_for(&path, &base)?;
            } else {
                let tip =
                    self.git.object(&["rev-parse", "--verify", &format!("{}^1^{{tree}}", at.commit)])?;
                self.take_back(&path, &tip, &at.tree)?;
            }
        }
        self.change_refs(&[RefStep::Delete(at.name, at.commit)])
    }

    /// Makes the files of a worktree that are as in `after` what they were in `before`; all others stay.
    fn take_back(&self, worktree: &Path, before: &ObjectId, after: &ObjectId) -> Result<(), ChangeError> {
        let now = snapshot(worktree, &self.scratch)?.tree;
        let others = self.git.diff_paths(&now, after)?;
        let mut back = self.git.diff_paths(after, before)?;
        back.retain(|one| !others.iter().any(|other| other.path == one.path));
        self.write_files(worktree, before, &back)
    }

    /// Makes a worktree, which is as one tree, as another.
    fn write(&self, worktree: &Path, from: &ObjectId, to: &ObjectId) -> Result<(), ChangeError> {
        self.write_files(worktree, to, &self.git.diff_paths(from, to)?)
    }

    /// Makes these files of a worktree what they are in a tree.
    fn write_files(
        &self,
        worktree: &Path,
        to: &ObjectId,
        differences: &[Difference],
    ) -> Result<(), ChangeError> {
        let export = crate::adapters::git::Scratch::new(&self.scratch)?;
        let coming: Vec<_> =
            differences.iter().filter(|one| one.new.is_some()).map(|one| one.path.as_path()).collect();
        Git::at(worktree).export(to, &coming, export.path(), &self.scratch)?;
        let mut files = Vec::new();
        for one in differences {
            let path = export.path().join(&one.path);
            let content =
                match found(&path).map_err(|source| ChangeError::Io { action: "read", path, source })? {
                    Some((Content::File { bytes, executable, .. }, _)) => {
                        Content::File { bytes, executable, mode: None }
                    }
                    Some((content, _)) => content,
                    None => Content::Absent,
                };
            files.push((one.path.clone(), content));
        }
        // Beside the worktree, and so on its file system.
        let beside = worktree.parent().unwrap_or(worktree);
        let staging = crate::adapters::git::Scratch::new(beside)?;
        place(worktree, staging.path(), &files).map_err(ChangeError::Place)
    }
}
