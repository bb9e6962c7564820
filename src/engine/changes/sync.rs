//! Bringing what the main checkout has now into the worktree of a thread, for its agent to work on.
//!
//! Where both sides changed the same, the files get git's conflict marks. From then on the pending change is
//! counted from the main checkout as it was at that moment.

use std::path::PathBuf;

use super::{ChangeError, Desk, ThreadRefs};
use crate::adapters::git::{Git, RefStep};
use crate::model::{Mark, ObjectId, Obstacle, StreamId, ThreadId};
use crate::sys::place::{Content, found, place};

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
        self.write(&path, &tip.tree, &merged.tree)?;
        let name = |last| ThreadRefs::name(stream, thread, last);
        let to = |last, new: &ObjectId, old: &ObjectId| RefStep::Move {
            name: name(last),
            new: new.clone(),
            old: Some(old.clone()),
        };
        self.change_refs(&[to("base", &new_base, &base.commit), to("tip", &new_tip, &tip.commit)])?;
        let git = Git::at(&path);
        if git.symbolic("HEAD")?.is_none() {
            // What the agent sees as its own change is what it has to answer for.
            git.bytes(&["reset", "--quiet", "--mixed", new_base.as_str()])?;
        }
        Ok(merged.conflicts)
    }

    /// Makes a worktree, which is as one tree, as another.
    fn write(&self, worktree: &std::path::Path, from: &ObjectId, to: &ObjectId) -> Result<(), ChangeError> {
        let differences = self.git.diff_paths(from, to)?;
        let export = crate::adapters::git::Scratch::new(&self.scratch)?;
        let coming: Vec<_> =
            differences.iter().filter(|one| one.new.is_some()).map(|one| one.path.as_path()).collect();
        Git::at(worktree).export(to, &coming, export.path(), &self.scratch)?;
        let mut files = Vec::new();
        for one in &differences {
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
