//! Bringing pending changes into the main checkout: all of them and whole, or nothing.
//!
//! The merged tree is made first, apart. Then each path that would be written is looked at, then the bytes of
//! all of them are kept under a ref, and only then is the first file replaced.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::record::{Committed, OfThread, Record, Side};
use super::{Blocked, ChangeError, Desk, ThreadRefs};
use crate::adapters::git::{By, Difference, Entry, RefStep, snapshot};
use crate::model::{ObjectId, Obstacle, PathFacts, StreamId, ThreadId};
use crate::sys::fault;
use crate::sys::place::{Content, found, place};

/// What an apply would do.
#[derive(Debug, Clone)]
pub struct ApplyPlan {
    threads: Vec<OfThread>,
    agents: Vec<String>,
    ours: ObjectId,
    merged: ObjectId,
    touched: Vec<Difference>,
    head: Option<ObjectId>,
}

/// What was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// The threads.
    pub threads: Vec<ThreadId>,
    /// The files of the main checkout that were written or removed.
    #[serde(serialize_with = "crate::engine::lossy::list")]
    #[schemars(with = "Vec<String>")]
    pub files: Vec<PathBuf>,
    /// The commit, when one was made.
    pub commit: Option<ObjectId>,
    /// Whether nothing was done.
    pub dry_run: bool,
}

impl ApplyPlan {
    /// What it would do.
    #[must_use]
    pub fn would(&self) -> Applied {
        Applied {
            threads: self.threads.iter().map(|one| one.thread).collect(),
            files: self.files(),
            commit: None,
            dry_run: true,
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        self.touched.iter().map(|one| one.path.clone()).collect()
    }
}

impl Desk {
    /// What applying these threads, in this order, would do. Changes nothing. With `commit` they are to be
    /// committed.
    ///
    /// # Errors
    /// [`ChangeError::Blocked`] names every file that is in the way.
    pub fn plan_apply(
        &self,
        wanted: &[(StreamId, ThreadId)],
        commit: bool,
    ) -> Result<ApplyPlan, ChangeError> {
        let threads = wanted
            .iter()
            .map(|(stream, thread)| self.thread(stream, *thread))
            .collect::<Result<Vec<_>, _>>()?;
        let ours = self.main_tree()?;
        self.plan_on(&threads, &ours, commit)
    }

    /// The same, on a tree of the main checkout that is known.
    pub(super) fn plan_on(
        &self,
        threads: &[ThreadRefs],
        ours: &ObjectId,
        commit: bool,
    ) -> Result<ApplyPlan, ChangeError> {
        let head = self.git.resolve("HEAD^{commit}")?;
        let known = Known::of(self, ours, head.as_ref(), commit)?;
        let (mut merged, mut blocked) = (ours.clone(), Vec::new());
        let (mut planned, mut agents, mut written) = (Vec::new(), Vec::new(), HashSet::new());
        for refs in threads {
            let thread = refs.thread;
            let (base, tip) = refs.pending().ok_or(ChangeError::NothingPending(thread))?;
            let theirs = self.theirs(base, tip)?;
            let merge = self.git.merge(&base.tree, &merged, &theirs)?;
            let of = |obstacle| move |path| Blocked { thread, path, obstacle };
            if !merge.conflicts.is_empty() {
                blocked.extend(merge.conflicts.into_iter().map(of(Obstacle::Conflict)));
                continue;
            }
            let touched = self.git.diff_paths(&merged, &merge.tree)?;
            let unseen: HashSet<PathBuf> = paths(self.git.diff_paths(&base.tree, ours)?);
            for one in touched.iter().filter(|one| !written.contains(&one.path)) {
                if let Some(obstacle) = known.facts(one, &touched, &unseen).obstacle(commit) {
                    blocked.push(of(obstacle)(one.path.clone()));
                }
            }
            written.extend(touched.into_iter().map(|one| one.path));
            merged = merge.tree;
            agents.extend(refs.pending_turns().map(|turn| turn.turn.agent.clone()));
            planned.push(OfThread {
                stream: refs.stream.clone(),
                thread,
                base: base.commit.clone(),
                tip: tip.commit.clone(),
            });
        }
        if !blocked.is_empty() {
            return Err(ChangeError::Blocked(blocked));
        }
        agents.dedup();
        let touched = self.git.diff_paths(ours, &merged)?;
        Ok(ApplyPlan { threads: planned, agents, ours: ours.clone(), merged, touched, head })
    }

    /// Applies the pending changes of these threads, in this order. With `commit` they become one commit of
    /// that title; else they are left uncommitted, and the index is not touched.
    ///
    /// # Errors
    /// [`ChangeError`]; the main checkout is then as it was.
    pub fn apply(
        &self,
        wanted: &[(StreamId, ThreadId)],
        commit: Option<&str>,
    ) -> Result<Applied, ChangeError> {
        let locked = self.lock()?;
        for (stream, thread) in wanted {
            self.not_running(stream, *thread)?;
            self.catch_up(&locked, stream, *thread)?;
        }
        let plan = self.plan_apply(wanted, commit.is_some())?;
        let export = self.staging()?;
        let record = self.record_of(&plan, commit, export.path())?;
        fault::point("apply.begun");
        let files = self.contents(&plan, export.path())?;
        let staging = self.staging()?;
        let placed = place(&self.workspace.root, staging.path(), &files).map_err(ChangeError::Place);
        let placed = placed.and_then(|()| match &record.committed {
            Some(_) => {
                Ok(self.git.put(plan.touched.iter().map(|one| (one.path.as_path(), one.new.as_ref())))?)
            }
            None => Ok(()),
        });
        if let Err(error) = placed {
            // Taken back at once, and not only by whoever comes next.
            return match (self.settle(&locked), error) {
                (Ok(()), error) => Err(error),
                (Err(back), ChangeError::Place(source)) => {
                    Err(ChangeError::Half { back: back.to_string(), source })
                }
                (Err(back), _) => Err(back),
            };
        }
        fault::point("apply.placed");
        self.finish(&record)?;
        fault::point("apply.done");
        let commit = record.committed.map(|committed| committed.new);
        Ok(Applied { commit, dry_run: false, ..plan.would() })
    }

    /// Keeps what is there and what comes, and sets the ref by which it is taken back. Fills `export` with the
    /// files as they will be.
    fn record_of(&self, plan: &ApplyPlan, title: Option<&str>, export: &Path) -> Result<Record, ChangeError> {
        let coming: Vec<&Path> =
            plan.touched.iter().filter(|one| one.new.is_some()).map(|one| one.path.as_path()).collect();
        self.git.export(&plan.merged, &coming, export, &self.scratch)?;
        let before =
            self.raw(&self.workspace.root, plan.touched.iter().map(|one| (&one.path, one.old.as_ref())))?;
        let after = self.raw(export, plan.touched.iter().map(|one| (&one.path, one.new.as_ref())))?;
        // What was kept is what was merged, or somebody writes there now.
        if snapshot(&self.workspace.root, &self.scratch)?.tree != plan.ours {
            return Err(ChangeError::Meanwhile);
        }
        let modes = before.iter().filter_map(|(path, (_, mode))| Some((path.clone(), (*mode)?))).collect();
        let side = |one: &Difference| {
            let of = |all: &HashMap<PathBuf, (Entry, Option<u32>)>| {
                all.get(&one.path).map(|(entry, _)| entry.clone())
            };
            Side { path: one.path.clone(), before: of(&before), after: of(&after) }
        };
        let mut record = Record {
            commit: plan.ours.clone(),
            number: self.next_number()?,
            threads: plan.threads.clone(),
            committed: title.map(|title| self.committed(plan, title)).transpose()?,
            after: plan.merged.clone(),
            sides: plan.touched.iter().map(side).collect(),
            modes,
        };
        record.commit = self.write_record(&record, &plan.ours)?;
        self.change_refs(&[RefStep::Create(Record::APPLYING.to_owned(), record.commit.clone())])?;
        Ok(record)
    }

    /// Files as they lie below `root`, kept byte for byte, and their permissions. A link is the same in git.
    fn raw<'a>(
        &self,
        root: &Path,
        files: impl Iterator<Item = (&'a PathBuf, Option<&'a Entry>)>,
    ) -> Result<HashMap<PathBuf, (Entry, Option<u32>)>, ChangeError> {
        use std::os::unix::fs::PermissionsExt as _;
        let (mut kept, mut regular) = (HashMap::new(), Vec::new());
        for (path, entry) in files.filter_map(|(path, entry)| Some((path, entry?))) {
            let at = root.join(path);
            let meta = at.symlink_metadata();
            let meta = meta.map_err(|source| ChangeError::Io { action: "read", path: at.clone(), source })?;
            if meta.is_symlink() {
                kept.insert(path.clone(), (Entry { mode: "120000".to_owned(), ..entry.clone() }, None));
            } else {
                regular.push((path.clone(), at, meta.permissions().mode() & 0o7777));
            }
        }
        let paths: Vec<PathBuf> = regular.iter().map(|(_, at, _)| at.clone()).collect();
        for ((path, _, mode), object) in regular.into_iter().zip(self.git.keep_files(&paths)?) {
            let kind = if mode & 0o100 != 0 { "100755" } else { "100644" };
            kept.insert(path, (Entry { mode: kind.to_owned(), object }, Some(mode)));
        }
        Ok(kept)
    }

    /// What each path becomes.
    fn contents(&self, plan: &ApplyPlan, export: &Path) -> Result<Vec<(PathBuf, Content)>, ChangeError> {
        let mut files = Vec::new();
        for one in &plan.touched {
            let path = export.join(&one.path);
            let content = match (&one.new, found(&path)) {
                (None, _) => Content::Absent,
                (Some(_), Ok(Some((Content::File { bytes, executable, .. }, _)))) => {
                    Content::File { bytes, executable, mode: None }
                }
                (Some(_), Ok(Some((content, _)))) => content,
                (Some(_), Ok(None)) => {
                    return Err(ChangeError::Bug(format!("`{}` was not made", path.display())));
                }
                (Some(_), Err(source)) => return Err(ChangeError::Io { action: "read", path, source }),
            };
            files.push((one.path.clone(), content));
        }
        Ok(files)
    }

    /// The commit of an apply: the last one, with what is applied and nothing else.
    fn committed(&self, plan: &ApplyPlan, title: &str) -> Result<Committed, ChangeError> {
        let index = crate::adapters::git::Scratch::new(&self.scratch)?;
        let git = self.git.with_index(&index.path().join("index"));
        if let Some(head) = &plan.head {
            git.bytes(&["read-tree", head.as_str()])?;
        }
        git.put(plan.touched.iter().map(|one| (one.path.as_path(), one.new.as_ref())))?;
        let tree = git.object(&["write-tree"])?;
        let mut message = format!("{}\n\n", title.trim());
        for OfThread { stream, thread, .. } in &plan.threads {
            message.push_str(&format!("Work-Thread: {stream} {thread}\n"));
        }
        plan.agents.iter().for_each(|agent| message.push_str(&format!("Work-Agent: {agent}\n")));
        let author = plan.agents.last().map_or("", String::as_str);
        let parents: Vec<&ObjectId> = plan.head.iter().collect();
        let new = self.git.commit(&tree, &parents, &message, &By::User(author))?;
        Ok(Committed {
            branch: self.git.symbolic("HEAD")?.unwrap_or_else(|| "HEAD".to_owned()),
            old: plan.head.clone(),
            new,
        })
    }

    /// All refs at once: from here on it is applied.
    fn finish(&self, record: &Record) -> Result<(), ChangeError> {
        let mut steps = vec![
            RefStep::Create(Record::name("applied", record.number), record.commit.clone()),
            RefStep::Delete(Record::APPLYING.to_owned(), record.commit.clone()),
        ];
        for OfThread { stream, thread, base, tip } in &record.threads {
            let name = ThreadRefs::name(stream, *thread, "base");
            steps.push(RefStep::Move { name, new: tip.clone(), old: Some(base.clone()) });
        }
        if let Some(Committed { branch, old, new }) = &record.committed {
            steps.push(RefStep::Move { name: branch.clone(), new: new.clone(), old: old.clone() });
        }
        self.change_refs(&steps)
    }
}

/// What is known of the main checkout, for the facts of its paths.
struct Known {
    root: PathBuf,
    /// Paths that differ from the last commit.
    uncommitted: HashSet<PathBuf>,
    /// Paths that are as an apply left them.
    applied: HashSet<PathBuf>,
}

impl Known {
    fn of(desk: &Desk, ours: &ObjectId, head: Option<&ObjectId>, commit: bool) -> Result<Self, ChangeError> {
        let head = match head {
            Some(head) => head.clone(),
            None => desk.git.empty_tree()?,
        };
        let mut uncommitted = paths(desk.git.diff_paths(&head, ours)?);
        if commit {
            uncommitted.extend(desk.git.staged_paths(&head)?);
        }
        let mut applied = HashSet::new();
        for record in desk.records()? {
            let since = paths(desk.git.diff_paths(&record.after, ours)?);
            applied
                .extend(record.sides.into_iter().map(|side| side.path).filter(|path| !since.contains(path)));
        }
        Ok(Self { root: desk.workspace.root.clone(), uncommitted, applied })
    }

    fn facts(&self, one: &Difference, touched: &[Difference], unseen: &HashSet<PathBuf>) -> PathFacts {
        let submodule = [&one.old, &one.new].into_iter().flatten().any(Entry::is_submodule);
        PathFacts {
            committed: !self.uncommitted.contains(&one.path),
            seen: !unseen.contains(&one.path),
            applied: self.applied.contains(&one.path),
            unknown: one.old.is_none() && self.in_the_way(&one.path, touched),
            submodule,
        }
    }

    /// Whether something lies where a new file would, that does not go in the same step.
    fn in_the_way(&self, path: &Path, touched: &[Difference]) -> bool {
        let goes = |path: &Path| touched.iter().any(|one| one.new.is_none() && one.path == path);
        let above = path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        let file_above = |above: &Path| {
            let found = self.root.join(above).symlink_metadata();
            found.is_ok_and(|found| !found.is_dir()) && !goes(above)
        };
        if above.into_iter().any(file_above) {
            return true;
        }
        match self.root.join(path).symlink_metadata() {
            Err(_) => false,
            Ok(found) if found.is_dir() => stays(&self.root, path, &goes),
            Ok(_) => true,
        }
    }
}

/// Whether a folder holds a file that does not go.
fn stays(root: &Path, folder: &Path, goes: &dyn Fn(&Path) -> bool) -> bool {
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return true };
    entries.into_iter().any(|entry| {
        let Ok(entry) = entry else { return true };
        let path = folder.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => stays(root, &path, goes),
            _ => !goes(&path),
        }
    })
}

fn paths(differences: Vec<Difference>) -> HashSet<PathBuf> {
    differences.into_iter().map(|one| one.path).collect()
}
