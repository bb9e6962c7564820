//! The record of a change of the main checkout: the bytes of every file from before it and from after it.
//!
//! It is one commit, so git keeps it whole, and whoever finds it can bring every file back as it was. Contents
//! are kept as they lay there, without git's filters.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::desk::Locked;
use super::threads::ROOT;
use super::{ChangeError, Desk};
use crate::adapters::git::{By, Entry, Ref, RefStep, Scratch};
use crate::model::{ObjectId, StreamId, ThreadId};
use crate::sys::place::{self, Content, PlaceError, found, place};
use crate::sys::{atomic, fault};

/// A file and what it was and is, as bytes in git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The file, from the top of the checkout.
    pub path: PathBuf,
    pub(super) before: Option<Entry>,
    pub(super) after: Option<Entry>,
}

/// A thread whose change was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OfThread {
    pub(super) stream: StreamId,
    pub(super) thread: ThreadId,
    pub(super) base: ObjectId,
    pub(super) tip: ObjectId,
}

/// A commit that an apply made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Committed {
    pub(super) branch: String,
    pub(super) old: Option<ObjectId>,
    pub(super) new: ObjectId,
}

/// A record.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) commit: ObjectId,
    pub(super) number: u32,
    pub(super) threads: Vec<OfThread>,
    pub(super) committed: Option<Committed>,
    /// The tree of the main checkout as the apply left it.
    pub(super) after: ObjectId,
    pub(super) sides: Vec<Side>,
    /// The permissions that files had before.
    pub(super) modes: HashMap<PathBuf, u32>,
}

/// How a file is now.
enum Now {
    AsBefore,
    AsAfter,
    Otherwise,
}

impl Record {
    /// Where the record of what is being done lies.
    pub(super) const DOING: &str = "refs/work/doing/";
    /// The record of an apply that is being made.
    pub(super) const APPLYING: &str = "refs/work/doing/apply";
    /// The record of an apply that is being taken back.
    pub(super) const UNDOING: &str = "refs/work/doing/undo";

    /// The ref of one that is done, or taken back.
    pub(super) fn name(kind: &str, number: u32) -> String {
        format!("{ROOT}{kind}/{number}")
    }
}

impl Desk {
    /// The number of the next record.
    pub(super) fn next_number(&self) -> Result<u32, ChangeError> {
        let mut highest = 0;
        for kind in ["applied", "undone"] {
            let refs = self.git.refs(&format!("{ROOT}{kind}/"))?;
            let numbers = refs.iter().filter_map(|at| at.name.rsplit('/').next()?.parse().ok());
            highest = numbers.max().unwrap_or(0).max(highest);
        }
        Ok(highest + 1)
    }

    /// Writes a record; no ref holds it yet.
    pub(super) fn write_record(&self, record: &Record, ours: &ObjectId) -> Result<ObjectId, ChangeError> {
        let mut modes = Vec::new();
        for (path, mode) in &record.modes {
            modes.extend_from_slice(format!("{mode:o} ").as_bytes());
            modes.extend_from_slice(path.as_os_str().as_bytes());
            modes.push(0);
        }
        let mut files = vec![(
            PathBuf::from("modes"),
            Entry { mode: "100644".to_owned(), object: self.git.keep(modes)? },
        )];
        for Side { path, before, after } in &record.sides {
            files.extend(before.iter().map(|entry| (Path::new("before").join(path), entry.clone())));
            files.extend(after.iter().map(|entry| (Path::new("after").join(path), entry.clone())));
        }
        let tree =
            self.git.tree_of(files.iter().map(|(path, entry)| (path.as_path(), entry)), &self.scratch)?;
        let by = By::Work(None, self.now());
        let before = self.git.commit(ours, &[], "work: the main checkout before an apply", &by)?;
        let after = self.git.commit(&record.after, &[&before], "work: the main checkout after it", &by)?;
        Ok(self.git.commit(&tree, &[&after], &record.message(), &by)?)
    }

    pub(super) fn read_record(&self, at: &Ref) -> Result<Record, ChangeError> {
        let mut sides: BTreeMap<PathBuf, Side> = BTreeMap::new();
        let mut modes = HashMap::new();
        for (path, entry) in self.git.files(&at.tree)? {
            if path == Path::new("modes") {
                modes = read_modes(self.git.blobs(&[&entry.object])?.first().map_or(&[], Vec::as_slice));
                continue;
            }
            let Ok((inner, is_before)) = path
                .strip_prefix("before")
                .map(|inner| (inner, true))
                .or_else(|_| path.strip_prefix("after").map(|inner| (inner, false)))
            else {
                continue;
            };
            let side = sides.entry(inner.to_owned()).or_insert_with(|| Side {
                path: inner.to_owned(),
                before: None,
                after: None,
            });
            *(if is_before { &mut side.before } else { &mut side.after }) = Some(entry);
        }
        let after = self.git.object(&["rev-parse", "--verify", &format!("{}^1^{{tree}}", at.commit)])?;
        let (number, threads, committed) = read_message(&at.message);
        let sides = sides.into_values().collect();
        Ok(Record { commit: at.commit.clone(), number, threads, committed, after, sides, modes })
    }

    /// The records of what is applied and not taken back, oldest first.
    pub(super) fn records(&self) -> Result<Vec<Record>, ChangeError> {
        let refs = self.git.refs(&format!("{ROOT}applied/"))?;
        let mut records = refs.iter().map(|at| self.read_record(at)).collect::<Result<Vec<_>, _>>()?;
        records.sort_by_key(|record| record.number);
        Ok(records)
    }

    /// The files that are not as the record left them.
    pub(super) fn edited(&self, record: &Record) -> Result<Vec<PathBuf>, ChangeError> {
        let now = self.now_of(record)?;
        let other = now.into_iter().filter(|(_, now)| !matches!(now, Now::AsAfter));
        Ok(other.map(|(side, _)| side.path.clone()).collect())
    }

    fn now_of<'a>(&self, record: &'a Record) -> Result<Vec<(&'a Side, Now)>, ChangeError> {
        let mut states = Vec::new();
        for side in &record.sides {
            let path = self.workspace.root.join(&side.path);
            let now = found(&path).map_err(|source| ChangeError::Io { action: "read", path, source })?;
            let is =
                |entry: &Option<Entry>| self.is(now.as_ref().map(|(content, _)| content), entry.as_ref());
            states.push((
                side,
                if is(&side.after)? {
                    Now::AsAfter
                } else if is(&side.before)? {
                    Now::AsBefore
                } else {
                    Now::Otherwise
                },
            ));
        }
        Ok(states)
    }

    fn is(&self, now: Option<&Content>, entry: Option<&Entry>) -> Result<bool, ChangeError> {
        let (now, entry) = match (now, entry) {
            (None | Some(Content::Absent), None) => return Ok(true),
            (Some(now), Some(entry)) => (now, entry),
            _ => return Ok(false),
        };
        let kept = self.git.blobs(&[&entry.object])?;
        let kept = kept.first().map_or(&[][..], Vec::as_slice);
        Ok(match now {
            Content::Link(to) => entry.is_link() && to.as_os_str().as_bytes() == kept,
            Content::File { bytes, executable, .. } => {
                !entry.is_link() && *executable == (entry.mode == "100755") && bytes.as_slice() == kept
            }
            Content::Absent => false,
        })
    }

    /// Brings every file back as it was before, unless somebody has changed it since; gives those.
    pub(super) fn put_back(&self, _: &Locked, record: &Record) -> Result<Vec<PathBuf>, ChangeError> {
        let (mut back, mut others) = (Vec::new(), Vec::new());
        for (side, now) in self.now_of(record)? {
            match now {
                Now::AsBefore => {}
                Now::AsAfter => back.push(side),
                Now::Otherwise => others.push(side.path.clone()),
            }
        }
        let ids: Vec<&ObjectId> =
            back.iter().filter_map(|side| side.before.as_ref()).map(|entry| &entry.object).collect();
        let mut blobs = self.git.blobs(&ids)?.into_iter();
        let content = |side: &Side| match &side.before {
            None => Content::Absent,
            Some(entry) => {
                let bytes = blobs.next().unwrap_or_default();
                if entry.is_link() {
                    Content::Link(OsString::from_vec(bytes).into())
                } else {
                    let mode = record.modes.get(&side.path).copied();
                    Content::File { bytes, executable: entry.mode == "100755", mode }
                }
            }
        };
        let files: Vec<_> =
            back.iter().map(|side| side.path.clone()).zip(back.iter().copied().map(content)).collect();
        let staging = self.staging()?;
        place(&self.workspace.root, staging.path(), &files).map_err(|source| match source.begun {
            false => ChangeError::Place(source),
            true => half(&source),
        })?;
        if let Some(committed) = &record.committed {
            self.reset_index(record, committed.old.as_ref())?;
        }
        Ok(others)
    }

    /// Makes the index, for the files of a record, what a commit has.
    fn reset_index(&self, record: &Record, commit: Option<&ObjectId>) -> Result<(), ChangeError> {
        let files: HashMap<PathBuf, Entry> = match commit {
            Some(commit) => self.git.files(commit)?.into_iter().collect(),
            None => HashMap::new(),
        };
        let of = |side: &Side| files.get(&side.path).cloned();
        let entries: Vec<_> = record.sides.iter().map(|side| (side.path.clone(), of(side))).collect();
        Ok(self.git.put(entries.iter().map(|(path, entry)| (path.as_path(), entry.as_ref())))?)
    }

    /// A folder on the file system of the main checkout.
    pub(super) fn staging(&self) -> Result<Scratch, ChangeError> {
        if place::same_device(&self.scratch, &self.workspace.root) {
            return Ok(Scratch::new(&self.scratch)?);
        }
        let local = self.workspace.work_dir.join(".local");
        let failed = |source| ChangeError::Io { action: "make", path: local.clone(), source };
        std::fs::create_dir_all(&local).map_err(failed)?;
        let ignore = local.join(".gitignore");
        atomic::write_atomic(&ignore, b"*\n").map_err(|error| failed(std::io::Error::other(error)))?;
        Ok(Scratch::new(&local)?)
    }

    /// Takes back an apply that was cut off, and completes an undo that was; the same for two sides brought together.
    pub(super) fn settle(&self, locked: &Locked) -> Result<(), ChangeError> {
        if let Some(at) = self.git.refs(Record::APPLYING)?.first() {
            let record = self.read_record(at)?;
            self.put_back(locked, &record)?;
            let undone = Record::name("undone", self.next_number()?);
            self.change_refs(&[
                RefStep::Create(undone, at.commit.clone()),
                RefStep::Delete(at.name.clone(), at.commit.clone()),
            ])?;
        }
        if let Some(at) = self.git.refs(Record::UNDOING)?.first() {
            let record = self.read_record(at)?;
            self.complete_undo(locked, &record)?;
        }
        self.settle_together(locked)
    }

    /// Brings the files of an undo back, and then the refs.
    pub(super) fn complete_undo(
        &self,
        locked: &Locked,
        record: &Record,
    ) -> Result<Vec<PathBuf>, ChangeError> {
        let others = self.put_back(locked, record)?;
        fault::point("undo.placed");
        let mut steps = vec![
            RefStep::Delete(Record::UNDOING.to_owned(), record.commit.clone()),
            RefStep::Create(Record::name("undone", record.number), record.commit.clone()),
        ];
        for OfThread { stream, thread, base, tip } in &record.threads {
            let refs = self.thread(stream, *thread)?;
            // Whoever dropped it since, or took it up anew, wants it so.
            if let Some(now) = refs.base.filter(|now| now.commit == *tip) {
                steps.push(RefStep::Move { name: now.name, new: base.clone(), old: Some(now.commit) });
            }
        }
        if let Some(Committed { branch, old, new }) = &record.committed
            && self.git.resolve(branch)?.as_ref() == Some(new)
        {
            steps.push(match old {
                Some(old) => RefStep::Move { name: branch.clone(), new: old.clone(), old: Some(new.clone()) },
                None => RefStep::Delete(branch.clone(), new.clone()),
            });
        }
        self.change_refs(&steps)?;
        Ok(others)
    }
}

/// What could not be taken back, either.
fn half(source: &PlaceError) -> ChangeError {
    let back = crate::engine::hint::chain(source);
    let again = PlaceError {
        action: source.action,
        path: source.path.clone(),
        begun: true,
        source: std::io::Error::from(source.source.kind()),
    };
    ChangeError::Half { back, source: again }
}

impl Record {
    fn message(&self) -> String {
        let ids: Vec<String> = self.threads.iter().map(|one| one.thread.to_string()).collect();
        let mut text = format!("work: applied {}\n\nWork-Number: {}\n", ids.join(", "), self.number);
        for OfThread { stream, thread, base, tip } in &self.threads {
            text.push_str(&format!("Work-Applied: {stream} {thread} {base} {tip}\n"));
        }
        if let Some(Committed { branch, old, new }) = &self.committed {
            let old = old.as_ref().map_or("-", ObjectId::as_str);
            text.push_str(&format!("Work-Committed: {old} {new} {branch}\n"));
        }
        text
    }
}

fn read_message(message: &str) -> (u32, Vec<OfThread>, Option<Committed>) {
    let (mut number, mut threads, mut committed) = (0, Vec::new(), None);
    for line in message.lines() {
        let Some((name, value)) = line.strip_prefix("Work-").and_then(|line| line.split_once(": ")) else {
            continue;
        };
        let words: Vec<&str> = value.split(' ').collect();
        match (name, words.as_slice()) {
            ("Number", [value]) => number = value.parse().unwrap_or(0),
            ("Applied", [stream, thread, base, tip]) => {
                let found = (stream.parse(), thread.parse(), ObjectId::new(base), ObjectId::new(tip));
                if let (Ok(stream), Ok(thread), Some(base), Some(tip)) = found {
                    threads.push(OfThread { stream, thread, base, tip });
                }
            }
            ("Committed", [old, new, branch]) => {
                committed = ObjectId::new(new).map(|new| Committed {
                    branch: (*branch).to_owned(),
                    old: ObjectId::new(old),
                    new,
                });
            }
            _ => {}
        }
    }
    (number, threads, committed)
}

fn read_modes(bytes: &[u8]) -> HashMap<PathBuf, u32> {
    let of = |line: &[u8]| {
        let at = line.iter().position(|byte| *byte == b' ')?;
        let mode = u32::from_str_radix(std::str::from_utf8(&line[..at]).ok()?, 8).ok()?;
        Some((PathBuf::from(OsString::from_vec(line[at + 1..].to_vec())), mode))
    };
    bytes.split(|byte| *byte == 0).filter_map(of).collect()
}
