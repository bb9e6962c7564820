//! The worktree of a thread: made once, found again, removed with nothing lost.
//!
//! It is known by the reason of its lock, so that one that was moved is found. A mark in git's own folder for
//! it says that it is ready; it is set after everything else, and taken away before anything is removed. One
//! without the mark is made anew from the tip.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::desk::Locked;
use super::{ChangeError, Desk, ThreadRefs};
use crate::adapters::git::{Git, RefStep, Worktree, filled_submodules, ignored, snapshot, staged};
use crate::config::WorktreeSettings;
use crate::engine::hint;
use crate::engine::user_command::{CommandEnd, UserCommand};
use crate::model::{AgentEvent, CommandPurpose, Hindrance, Mark, StreamId, ThreadId, WorktreeFacts};
use crate::sys::lock;
use crate::sys::shell::ShellEnd;
use crate::sys::{atomic, fault, footprint, paths, place, process};

/// The mark of a worktree that is ready.
const READY: &str = "work-ready";

/// What the lock of a worktree begins with.
const REASON: &str = "work: ";

/// How long one waits for another who makes the same worktree.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// How long a command of `worktree.setup` may take.
const SETUP: Duration = Duration::from_secs(30 * 60);

/// What is told while a worktree is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Preparation {
    /// What is done now, in words.
    Doing(String),
    /// A step of a command of `worktree.setup`.
    Command(AgentEvent),
}

/// A worktree of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorktreeRow {
    /// The stream.
    pub stream: StreamId,
    /// The thread.
    pub thread: ThreadId,
    /// Its folder.
    #[serde(serialize_with = "crate::engine::lossy::path")]
    #[schemars(with = "String")]
    pub path: PathBuf,
    /// Whether it is whole: neither half made nor half removed.
    pub ready: bool,
}

/// A worktree, with what it costs and holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorktreeUse {
    /// The worktree.
    #[serde(flatten)]
    pub worktree: WorktreeRow,
    /// The thread's name; empty when the stream no longer has it.
    pub name: String,
    /// What it takes on the disk, in bytes.
    pub bytes: u64,
    /// Whether the thread has a change that is neither applied nor dropped.
    pub pending: bool,
    /// Whether a turn of the thread runs.
    pub running: bool,
}

impl Desk {
    /// The worktrees of threads, measured.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn worktrees_in_use(&self) -> Result<Vec<WorktreeUse>, ChangeError> {
        let measured = |worktree: WorktreeRow| {
            let (stream, thread) = (&worktree.stream, worktree.thread);
            Ok(WorktreeUse {
                name: self.name_of(stream, thread),
                bytes: footprint::disk(&worktree.path),
                pending: self.thread(stream, thread)?.pending().is_some(),
                running: self.is_running(stream, thread)?,
                worktree,
            })
        };
        self.worktrees()?.into_iter().map(measured).collect()
    }

    /// The worktrees of threads.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn worktrees(&self) -> Result<Vec<WorktreeRow>, ChangeError> {
        self.git.worktrees()?.into_iter().filter_map(|found| self.ours(found).transpose()).collect()
    }

    fn ours(&self, found: Worktree) -> Result<Option<WorktreeRow>, ChangeError> {
        let of = |reason: &str| -> Option<(StreamId, ThreadId)> {
            let (stream, thread) = reason.strip_prefix(REASON)?.split_once(' ')?;
            Some((stream.parse().ok()?, thread.parse().ok()?))
        };
        let Some((stream, thread)) = found.locked.as_deref().and_then(of) else { return Ok(None) };
        let there = found.path.join(".git").is_file();
        let ready = there && Git::at(&found.path).own_path(READY)?.is_file();
        Ok(Some(WorktreeRow { stream, thread, path: found.path, ready }))
    }

    pub(super) fn worktree(
        &self,
        stream: &StreamId,
        thread: ThreadId,
    ) -> Result<Option<WorktreeRow>, ChangeError> {
        let mut all = self.worktrees()?.into_iter();
        Ok(all.find(|row| row.stream == *stream && row.thread == thread))
    }

    /// The worktree of a thread, when it has one that is whole.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn ready_path(&self, stream: &StreamId, thread: ThreadId) -> Result<Option<PathBuf>, ChangeError> {
        Ok(self.worktree(stream, thread)?.filter(|row| row.ready).map(|row| row.path))
    }

    /// Where the worktree of a thread lies, or would lie.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn place_of(&self, stream: &StreamId, thread: ThreadId) -> Result<PathBuf, ChangeError> {
        if let Some(path) = self.ready_path(stream, thread)? {
            return Ok(path);
        }
        Ok(self.new_place(stream, thread))
    }

    fn new_place(&self, stream: &StreamId, thread: ThreadId) -> PathBuf {
        self.folder().join(stream.as_str()).join(thread.to_string())
    }

    /// The worktree of a thread, made when it is not there: from its tip, or else from what a person sees in
    /// the main checkout now. `tell` hears what is done.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn ensure_worktree(
        &self,
        stream: &StreamId,
        thread: ThreadId,
        settings: &WorktreeSettings,
        tell: &mut dyn FnMut(Preparation),
    ) -> Result<PathBuf, ChangeError> {
        self.git.check_version()?;
        // Preparing one may take minutes; those of other threads need not wait for it.
        let lock = self.workspace.private.join(format!("worktree-{stream}-{thread}.lock"));
        let _one = lock::acquire(&lock, PATIENCE)?;
        if let Some(path) = self.ready_path(stream, thread)? {
            return Ok(path);
        }
        let path = self.new_place(stream, thread);
        tell(Preparation::Doing(format!("making the worktree `{}`", path.display())));
        self.add(stream, thread, &path)?;
        fault::point("worktree.added");
        self.copy(settings, &path)?;
        fault::point("worktree.copied");
        self.set_up(settings, stream, thread, &path, tell)?;
        let mark = Git::at(&path).own_path(READY)?;
        atomic::write_private(&mark, b"").map_err(|error| ChangeError::Io {
            action: "write",
            path: mark,
            source: std::io::Error::other(error),
        })?;
        fault::point("worktree.ready");
        Ok(path)
    }

    fn add(&self, stream: &StreamId, thread: ThreadId, path: &Path) -> Result<(), ChangeError> {
        let locked = self.lock()?;
        if let Some(half) = self.worktree(stream, thread)? {
            self.git.remove_worktree(&half.path)?;
        }
        let tip = match self.thread(stream, thread)?.tip {
            Some(tip) => tip.commit,
            None => self.new_base(&locked, stream, thread)?,
        };
        fault::point("worktree.based");
        let failed = |action| {
            let path = path.to_owned();
            move |source| ChangeError::Io { action, path, source }
        };
        if path.symlink_metadata().is_ok() && fs::remove_dir(path).is_err() {
            // git knows nothing of it: whoever's it is, it stays.
            let aside = (1..).map(|n| path.with_extension(format!("{:02}.lost-{n}", thread.number)));
            let aside = aside.into_iter().find(|aside| aside.symlink_metadata().is_err());
            fs::rename(path, aside.unwrap_or_default()).map_err(failed("move away"))?;
        }
        if let Some(parent) = path.parent() {
            paths::private_dir(parent).map_err(failed("make the folder of"))?;
        }
        Ok(self.git.add_worktree(path, &tip, &format!("{REASON}{stream} {thread}"))?)
    }

    /// Records what a thread begins with.
    fn new_base(
        &self,
        _: &Locked,
        stream: &StreamId,
        thread: ThreadId,
    ) -> Result<crate::model::ObjectId, ChangeError> {
        let tree = self.main_tree()?;
        let head = self.git.resolve("HEAD^{commit}")?;
        let mark = Mark { stream: stream.clone(), thread, base: None, turn: None };
        let commit = self.commit(&tree, &head.iter().collect::<Vec<_>>(), &mark)?;
        let name = |last| ThreadRefs::name(stream, thread, last);
        self.change_refs(&[
            RefStep::Create(name("base"), commit.clone()),
            RefStep::Create(name("tip"), commit.clone()),
        ])?;
        Ok(commit)
    }

    /// Copies the ignored files that the settings name.
    fn copy(&self, settings: &WorktreeSettings, path: &Path) -> Result<(), ChangeError> {
        if settings.copy.is_empty() {
            return Ok(());
        }
        for file in self.git.matching_ignored(&settings.copy)? {
            let (from, to) = (self.workspace.root.join(&file), path.join(&file));
            let failed = |source| ChangeError::Io { action: "copy", path: from.clone(), source };
            if to.symlink_metadata().is_ok() {
                continue;
            }
            to.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
            match from.symlink_metadata().map_err(failed)? {
                meta if meta.is_symlink() => {
                    let target = fs::read_link(&from).map_err(failed)?;
                    std::os::unix::fs::symlink(target, &to).map_err(failed)?;
                }
                _ => drop(fs::copy(&from, &to).map_err(failed)?),
            }
        }
        Ok(())
    }

    fn set_up(
        &self,
        settings: &WorktreeSettings,
        stream: &StreamId,
        thread: ThreadId,
        path: &Path,
        tell: &mut dyn FnMut(Preparation),
    ) -> Result<(), ChangeError> {
        for line in &settings.setup {
            let command = UserCommand {
                purpose: CommandPurpose::Setup,
                line,
                directory: path,
                environment: vec![
                    ("WORK_ROOT", self.workspace.root.clone().into()),
                    ("WORK_STREAM", stream.as_str().into()),
                    ("WORK_THREAD", thread.to_string().into()),
                ],
                limit: SETUP,
            };
            let failed = |said: String| ChangeError::Setup { command: line.clone(), said };
            let ended = command.run(&self.stop, &mut |event| tell(Preparation::Command(event)));
            let CommandEnd { end, how, last } = ended.map_err(|error| failed(hint::chain(&error)))?;
            if end == ShellEnd::Stopped {
                return Err(ChangeError::Stopped);
            }
            if !end.is_success() {
                let last = &last[last.len().saturating_sub(3)..];
                let words = if last.is_empty() { how } else { format!("{how}: {}", last.join(" / ")) };
                return Err(failed(words));
            }
        }
        Ok(())
    }

    /// Removes the worktree of a thread. All that lies in it is kept first, or it stays. `ignored` gives up
    /// the ignored files in it.
    ///
    /// # Errors
    /// [`ChangeError::Hindered`], or that something failed.
    pub fn remove_worktree(
        &self,
        stream: &StreamId,
        thread: ThreadId,
        ignored: bool,
    ) -> Result<PathBuf, ChangeError> {
        let locked = self.lock()?;
        let row = self.worktree(stream, thread)?.ok_or(ChangeError::NoWorktree(thread))?;
        let hindrances = self.hindrances(&row, ignored, true)?;
        if !hindrances.is_empty() {
            return Err(ChangeError::Hindered { thread, hindrances });
        }
        self.catch_up(&locked, stream, thread)?;
        self.remove(&locked, &row)?;
        Ok(row.path)
    }

    /// Removes a worktree with all that is in it. To be called when that is kept.
    pub(super) fn remove(&self, _: &Locked, row: &WorktreeRow) -> Result<(), ChangeError> {
        if row.ready {
            let mark = Git::at(&row.path).own_path(READY)?;
            fs::remove_file(&mark).map_err(|source| ChangeError::Io {
                action: "remove",
                path: mark,
                source,
            })?;
        }
        fault::point("worktree.unready");
        self.git.remove_worktree(&row.path)?;
        fault::point("worktree.gone");
        // The folder of the stream goes with its last worktree.
        let _ = row.path.parent().map(fs::remove_dir);
        Ok(())
    }

    /// What speaks against removing a worktree. One that is half made or half removed holds nothing that is
    /// not kept.
    pub(super) fn hindrances(
        &self,
        row: &WorktreeRow,
        give_up_ignored: bool,
        pending: bool,
    ) -> Result<Vec<Hindrance>, ChangeError> {
        let mut facts = WorktreeFacts {
            running: self.is_running(&row.stream, row.thread)?,
            inside: process::inside(&row.path),
            ..WorktreeFacts::default()
        };
        if row.ready {
            facts.nested = snapshot(&row.path, &self.scratch)?.nested;
            facts.nested.extend(filled_submodules(&row.path)?);
            facts.unmerged = staged(&row.path, &self.scratch)?.is_none();
            facts.ignored = ignored(&row.path)?;
            facts.ignored.retain(|file| !self.is_copy(&row.path, file));
            facts.pending = self.thread(&row.stream, row.thread)?.pending().is_some();
        }
        Ok(facts.hindrances(give_up_ignored, pending))
    }

    /// Whether an ignored file of a worktree is the same in the main checkout.
    fn is_copy(&self, worktree: &Path, file: &Path) -> bool {
        let at = |root: &Path| place::found(&root.join(file)).ok().flatten().map(|(content, _)| content);
        at(worktree).is_some_and(|ours| at(&self.workspace.root).is_some_and(|theirs| ours == theirs))
    }
}
