//! Where changes are worked on: git in the main checkout, the lock, and what is kept of the threads.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::ChangeError;
use super::record::Record;
use super::threads::{ROOT, ThreadRefs, of_refs};
use crate::adapters::git::{By, Git, Ref, RefStep, snapshot};
use crate::engine::{StreamHandle, Workspace, owner};
use crate::model::{Mark, ObjectId, StreamId, ThreadId};
use crate::store::{Private, StoreError};
use crate::sys::identity::Identity;
use crate::sys::lock::{self, Lock};
use crate::sys::paths;
use crate::sys::shell::Stop;

/// How long one waits for another who takes a snapshot of something large.
const PATIENCE: Duration = Duration::from_secs(120);

/// The changes of a repository.
#[derive(Debug, Clone)]
pub struct Desk {
    pub(super) workspace: Workspace,
    pub(super) git: Git,
    /// The directory that all checkouts share.
    pub(super) common_dir: PathBuf,
    /// For files that live a moment, on any file system.
    pub(super) scratch: PathBuf,
    /// The user's folder for data, where worktrees lie.
    data: PathBuf,
    /// Asked, it ends what may take long.
    pub(super) stop: Stop,
}

/// Nobody else changes worktrees or refs while this lives.
#[derive(Debug)]
pub(super) struct Locked {
    _lock: Lock,
}

impl Desk {
    /// The changes of a workspace. What was left half done is taken back or completed first.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn open(workspace: &Workspace) -> Result<Self, ChangeError> {
        let failed = |source| ChangeError::Io { action: "find", path: "XDG_DATA_HOME".into(), source };
        Self::open_with(workspace, paths::data_dir().map_err(failed)?)
    }

    /// The same with the worktrees below another folder for data.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn open_with(workspace: &Workspace, data: PathBuf) -> Result<Self, ChangeError> {
        let common_dir = workspace.private.parent().filter(|_| workspace.is_git).ok_or(ChangeError::NoGit)?;
        let scratch = Private::open(&workspace.private)?.dir("scratch")?;
        let desk = Self {
            git: Git::at(&workspace.root),
            common_dir: common_dir.to_owned(),
            scratch,
            data,
            stop: Stop::default(),
            workspace: workspace.clone(),
        };
        if desk.half_done()? {
            drop(desk.lock()?);
        }
        Ok(desk)
    }

    /// The same, whose commands of the user's end when `stop` is asked to.
    #[must_use]
    pub fn stopped_by(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    fn half_done(&self) -> Result<bool, ChangeError> {
        Ok(!self.git.refs(Record::DOING)?.is_empty())
    }

    /// Waits for whoever changes something, and tidies up after those who were killed.
    pub(super) fn lock(&self) -> Result<Locked, ChangeError> {
        let lock = lock::acquire(&self.workspace.private.join("changes.lock"), PATIENCE)?;
        let locked = Locked { _lock: lock };
        self.remove_scratch();
        self.settle(&locked)?;
        Ok(locked)
    }

    /// Removes the scratch folders of processes that are gone.
    fn remove_scratch(&self) {
        for entry in fs::read_dir(&self.scratch).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let pid = name.to_str().and_then(|name| name.split('-').next()?.parse().ok());
            if pid.is_some_and(|pid| Identity::of(pid).is_none()) {
                // What can't be removed is in nobody's way.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// The main checkout.
    #[must_use]
    pub fn root(&self) -> &std::path::Path {
        &self.workspace.root
    }

    /// What is kept of each thread that has something.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn threads(&self) -> Result<Vec<ThreadRefs>, ChangeError> {
        Ok(of_refs(self.git.refs(ROOT)?))
    }

    /// What is kept of one thread, perhaps nothing.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn thread(&self, stream: &StreamId, thread: ThreadId) -> Result<ThreadRefs, ChangeError> {
        let found = of_refs(self.git.refs(&format!("{ROOT}{stream}/{thread}/"))?).pop();
        Ok(found.unwrap_or_else(|| ThreadRefs::none(stream, thread)))
    }

    /// The tree of what a person sees in the main checkout.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn main_tree(&self) -> Result<ObjectId, ChangeError> {
        self.tree_in(&self.workspace.root)
    }

    /// The tree of what a person sees in a checkout: the main one, or a worktree.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn tree_in(&self, checkout: &Path) -> Result<ObjectId, ChangeError> {
        Ok(snapshot(checkout, &self.scratch)?.tree)
    }

    /// The tip of a thread with the plan's own folder as its base has it: that folder lives in the main
    /// checkout, and no change of it is ever applied.
    pub(super) fn theirs(&self, base: &Ref, tip: &Ref) -> Result<ObjectId, ChangeError> {
        Ok(self.git.tree_with(&tip.tree, &base.tree, &self.plans(), &self.scratch)?)
    }

    /// The folder of the plans, from the top of the checkout.
    pub(super) fn plans(&self) -> PathBuf {
        let inner = self.workspace.work_dir.strip_prefix(&self.workspace.root).unwrap_or(Path::new("work"));
        inner.to_owned()
    }

    /// The folder for all worktrees of this repository.
    pub(super) fn folder(&self) -> PathBuf {
        folder_of(&self.workspace, &self.data)
    }

    pub(super) fn now(&self) -> i64 {
        self.workspace.clock.now().timestamp()
    }

    /// Makes the commit of a snapshot.
    pub(super) fn commit(
        &self,
        tree: &ObjectId,
        parents: &[&ObjectId],
        mark: &Mark,
    ) -> Result<ObjectId, ChangeError> {
        let agent = mark.turn.as_ref().map(|turn| turn.agent.as_str());
        Ok(self.git.commit(tree, parents, &mark.message(), &By::Work(agent, self.now()))?)
    }

    pub(super) fn change_refs(&self, steps: &[RefStep]) -> Result<(), ChangeError> {
        Ok(self.git.change_refs(&self.common_dir, steps)?)
    }

    /// The name of a thread; empty when its stream no longer has it, or can't be read.
    pub(super) fn name_of(&self, stream: &StreamId, thread: ThreadId) -> String {
        let state = StreamHandle::of(&self.workspace, stream).store.read().ok();
        state.and_then(|state| Some(state.thread(thread)?.name.clone())).unwrap_or_default()
    }

    /// Whether somebody works on a thread now.
    ///
    /// # Errors
    /// [`ChangeError::Store`]
    pub fn is_running(&self, stream: &StreamId, thread: ThreadId) -> Result<bool, ChangeError> {
        let handle = StreamHandle::of(&self.workspace, stream);
        if !handle.dir.is_dir() {
            return Ok(false);
        }
        let state = match handle.store.read() {
            // A plan that was never approved has no threads that could run.
            Err(StoreError::Missing { .. }) => return Ok(false),
            state => state?,
        };
        let holder = state.thread(thread).and_then(|thread| thread.holder());
        Ok(holder.is_some_and(|(_, owner)| owner::is_alive(owner)))
    }

    pub(super) fn not_running(&self, stream: &StreamId, thread: ThreadId) -> Result<(), ChangeError> {
        if self.is_running(stream, thread)? { Err(ChangeError::Running(thread)) } else { Ok(()) }
    }
}

/// The folder for all worktrees of a repository, below a user's folder for data.
#[must_use]
pub fn folder_of(workspace: &Workspace, data: &Path) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    let common_dir = workspace.private.parent().unwrap_or(&workspace.private);
    let hash = Sha256::digest(common_dir.as_os_str().as_bytes());
    let mut name = workspace.root.file_name().map_or_else(|| "repo".into(), OsString::from);
    name.push(format!("-{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]));
    data.join("work/worktrees").join(name)
}

/// Whether anything of changes is kept in a repository, told without starting a program.
#[must_use]
pub fn has_any(workspace: &Workspace) -> bool {
    let Some(common_dir) = workspace.private.parent().filter(|_| workspace.is_git) else { return false };
    let packed = || fs::read_to_string(common_dir.join("packed-refs")).is_ok_and(|text| text.contains(ROOT));
    common_dir.join(ROOT).is_dir() || packed()
}
