//! What is pending, by whom, and what it would conflict with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::{ChangeError, Desk, ThreadRefs};
use crate::adapters::git::{Difference, Merged};
use crate::engine::allowed;
use crate::model::{BatchId, ObjectId, Obstacle, OutsidePaths, StreamId, ThreadId, TurnMark};
use crate::plan::Paths;

/// How a file differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileRow {
    /// The file, from the top of the checkout.
    #[serde(serialize_with = "crate::engine::lossy::path")]
    #[schemars(with = "String")]
    pub path: PathBuf,
    /// `added`, `modified` or `deleted`.
    pub change: &'static str,
    /// Lines that came; none for a binary file.
    pub added: Option<u64>,
    /// Lines that went; none for a binary file.
    pub removed: Option<u64>,
    /// Whether it is outside the `**Paths:**` of its thread.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub outside_paths: bool,
}

impl FileRow {
    /// Adds what a later change did to the same file.
    fn add(&mut self, later: &Self) {
        let sum = |one: Option<u64>, other: Option<u64>| Some(one? + other?);
        self.added = sum(self.added, later.added);
        self.removed = sum(self.removed, later.removed);
        if self.change != "added" || later.change == "deleted" {
            self.change = later.change;
        }
    }
}

/// What a change would run into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum With {
    /// The main checkout as it is now.
    MainCheckout,
    /// The change of another thread, once that is applied.
    Thread(ThreadId),
}

/// Files that could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Clash {
    /// What they run into.
    pub with: With,
    /// Why.
    pub obstacle: Obstacle,
    /// The files.
    #[serde(serialize_with = "crate::engine::lossy::list")]
    #[schemars(with = "Vec<String>")]
    pub files: Vec<PathBuf>,
}

/// The pending change of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeRow {
    /// The stream.
    pub stream: StreamId,
    /// The thread.
    pub thread: ThreadId,
    /// Its name; empty when the stream no longer has it.
    pub name: String,
    /// What it is counted from.
    pub base: ObjectId,
    /// The snapshot that holds it.
    pub tip: ObjectId,
    /// The files.
    pub files: Vec<FileRow>,
    /// Lines that came, in all files.
    pub added: u64,
    /// Lines that went, in all files.
    pub removed: u64,
    /// The agents whose turns changed something, in the order of their first.
    pub by: Vec<String>,
    /// Its turns.
    pub turns: Vec<TurnMark>,
    /// What it would run into.
    pub clashes: Vec<Clash>,
    /// Whether a turn of the thread runs now, which may change it.
    pub running: bool,
}

impl ChangeRow {
    /// Its files that are outside the `**Paths:**` of its thread.
    #[must_use]
    pub fn outside(&self) -> Option<OutsidePaths> {
        let files = self.files.iter().filter(|file| file.outside_paths);
        OutsidePaths::of(files.map(|file| file.path.to_string_lossy().into_owned()))
    }
}

impl Desk {
    /// The pending changes, of one stream or of all, with a forecast of what they would run into.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn list(&self, stream: Option<&StreamId>) -> Result<Vec<ChangeRow>, ChangeError> {
        let mut threads = self.threads()?;
        threads.retain(|refs| stream.is_none_or(|stream| refs.stream == *stream) && refs.pending().is_some());
        if threads.is_empty() {
            return Ok(Vec::new());
        }
        let ours = self.main_tree()?;
        let mut rows = Vec::new();
        let mut alone = Vec::new();
        let mut allowed = BTreeMap::new();
        for refs in &threads {
            let paths =
                allowed.entry(&refs.stream).or_insert_with(|| allowed::paths(&self.workspace, &refs.stream));
            let (row, merged) = self.row(refs, paths.get(&refs.thread), &ours)?;
            rows.push(row);
            alone.push(merged);
        }
        self.forecast(&threads, &alone, &mut rows)?;
        Ok(rows)
    }

    /// The threads of a stream, or of a batch of it, that have something pending.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn pending(
        &self,
        stream: &StreamId,
        batch: Option<BatchId>,
    ) -> Result<Vec<(StreamId, ThreadId)>, ChangeError> {
        let threads = self.threads()?.into_iter();
        let meant = threads.filter(|refs| {
            refs.stream == *stream
                && refs.pending().is_some()
                && batch.is_none_or(|batch| refs.thread.batch == batch)
        });
        Ok(meant.map(|refs| (refs.stream, refs.thread)).collect())
    }

    fn row(
        &self,
        refs: &ThreadRefs,
        paths: Option<&Paths>,
        ours: &ObjectId,
    ) -> Result<(ChangeRow, Option<Merged>), ChangeError> {
        let (base, tip) = refs.pending().ok_or(ChangeError::NothingPending(refs.thread))?;
        let theirs = self.theirs(base, tip)?;
        let mut files: Vec<FileRow> = self.git.diff(&base.tree, &theirs)?.iter().map(file_row).collect();
        if let Some(paths) = paths {
            files.iter_mut().for_each(|file| file.outside_paths = !paths.hold(&file.path.to_string_lossy()));
        }
        let merged = self.git.merge(&base.tree, ours, &theirs)?;
        let clashes = match self.plan_on(std::slice::from_ref(refs), ours, false) {
            Ok(_) => Vec::new(),
            Err(ChangeError::Blocked(blocked)) => {
                let kinds: BTreeSet<Obstacle> = blocked.iter().map(|one| one.obstacle).collect();
                let of = |obstacle| {
                    let files = blocked.iter().filter(|one| one.obstacle == obstacle);
                    files.map(|one| one.path.clone()).collect()
                };
                kinds
                    .into_iter()
                    .map(|obstacle| Clash { with: With::MainCheckout, obstacle, files: of(obstacle) })
                    .collect()
            }
            Err(error) => return Err(error),
        };
        let sum = |of: fn(&FileRow) -> Option<u64>| files.iter().filter_map(of).sum();
        let row = ChangeRow {
            stream: refs.stream.clone(),
            thread: refs.thread,
            name: self.name_of(&refs.stream, refs.thread),
            base: base.commit.clone(),
            tip: tip.commit.clone(),
            added: sum(|file| file.added),
            removed: sum(|file| file.removed),
            files,
            by: by(refs),
            turns: refs.pending_turns().map(|turn| turn.turn.clone()).collect(),
            clashes,
            running: self.is_running(&refs.stream, refs.thread)?,
        };
        Ok((row, Some(merged).filter(|merged| merged.conflicts.is_empty())))
    }

    /// The files that each thread of a stream has touched in all its turns so far, applied or not, with the lines
    /// of all turns added up; in order of their paths. Threads without a kept turn are not there.
    ///
    /// # Errors
    /// [`ChangeError`]
    pub fn touched(&self, stream: &StreamId) -> Result<BTreeMap<ThreadId, Vec<FileRow>>, ChangeError> {
        let mut all = BTreeMap::new();
        for refs in self.threads()?.iter().filter(|refs| refs.stream == *stream && !refs.turns.is_empty()) {
            let mut files: BTreeMap<PathBuf, FileRow> = BTreeMap::new();
            for turn in refs.turns.keys() {
                for (before, after) in self.diffs(refs, Some(*turn), None)? {
                    for row in self.git.diff(&before, &after)?.iter().map(file_row) {
                        files.entry(row.path.clone()).and_modify(|file| file.add(&row)).or_insert(row);
                    }
                }
            }
            all.insert(refs.thread, files.into_values().collect());
        }
        Ok(all)
    }

    /// Which changes of a batch would run into each other: each pair that has files in common is merged.
    fn forecast(
        &self,
        threads: &[ThreadRefs],
        alone: &[Option<Merged>],
        rows: &mut [ChangeRow],
    ) -> Result<(), ChangeError> {
        for second in 0..threads.len() {
            let Some((base, tip)) = threads[second].pending() else { continue };
            for first in (0..threads.len()).filter(|first| *first != second) {
                let same = threads[first].stream == threads[second].stream
                    && threads[first].thread.batch == threads[second].thread.batch;
                let Some(merged) = alone[first].as_ref().filter(|_| same) else { continue };
                if alone[second].is_none() || !meet(&rows[first].files, &rows[second].files) {
                    continue;
                }
                let both = self.git.merge(&base.tree, &merged.tree, &self.theirs(base, tip)?)?;
                if !both.conflicts.is_empty() {
                    rows[second].clashes.push(Clash {
                        with: With::Thread(threads[first].thread),
                        obstacle: Obstacle::Conflict,
                        files: both.conflicts,
                    });
                }
            }
        }
        Ok(())
    }

    /// The pairs of trees whose differences make up a change: the whole of it, or that of one turn, or those of
    /// an agent's turns.
    ///
    /// # Errors
    /// [`ChangeError::NothingPending`], [`ChangeError::NoSnapshot`].
    pub fn diffs(
        &self,
        refs: &ThreadRefs,
        turn: Option<u32>,
        agent: Option<&str>,
    ) -> Result<Vec<(ObjectId, ObjectId)>, ChangeError> {
        if turn.is_none() && agent.is_none() {
            let (base, tip) = refs.pending().ok_or(ChangeError::NothingPending(refs.thread))?;
            return Ok(vec![(base.commit.clone(), tip.commit.clone())]);
        }
        let wanted = refs.turns.values().filter(|found| {
            turn.is_none_or(|turn| found.turn.turn == turn)
                && agent.is_none_or(|agent| found.turn.agent == agent)
        });
        let pairs: Vec<_> = wanted
            .map(|found| {
                Ok((
                    self.git.object(&["rev-parse", &format!("{}^1", found.at.commit)])?,
                    found.at.commit.clone(),
                ))
            })
            .collect::<Result<_, ChangeError>>()?;
        if pairs.is_empty() {
            let wanted =
                turn.map_or_else(|| format!("by {}", agent.unwrap_or("")), |turn| format!("turn {turn}"));
            return Err(ChangeError::NoSnapshot { thread: refs.thread, wanted });
        }
        Ok(pairs)
    }
}

/// The agents whose turns changed something.
fn by(refs: &ThreadRefs) -> Vec<String> {
    let mut before = refs.base.as_ref().map(|base| &base.tree);
    let mut agents: Vec<String> = Vec::new();
    for turn in refs.pending_turns() {
        if before != Some(&turn.at.tree) && !agents.contains(&turn.turn.agent) {
            agents.push(turn.turn.agent.clone());
        }
        before = Some(&turn.at.tree);
    }
    agents
}

fn file_row(one: &Difference) -> FileRow {
    let change = match (&one.old, &one.new) {
        (None, _) => "added",
        (_, None) => "deleted",
        _ => "modified",
    };
    let (added, removed) = one.lines.unzip();
    FileRow { path: one.path.clone(), change, added, removed, outside_paths: false }
}

/// Whether two changes have a file in common, or one has a file where the other has a folder.
fn meet(ours: &[FileRow], theirs: &[FileRow]) -> bool {
    let with_above =
        |files: &[FileRow]| -> BTreeSet<PathBuf> { files.iter().map(|file| file.path.clone()).collect() };
    let (ours, theirs) = (with_above(ours), with_above(theirs));
    let hits = |one: &BTreeSet<PathBuf>, other: &BTreeSet<PathBuf>| {
        one.iter().any(|path| path.ancestors().filter(|at| *at != Path::new("")).any(|at| other.contains(at)))
    };
    hits(&ours, &theirs) || hits(&theirs, &ours)
}
