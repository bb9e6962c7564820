//! `work import`: takes streams of the older tool over, with everything that was recorded of them.
//!
//! What is odd is told, and never a reason to leave something behind; the old folder is only read.
//! One invariant: a stream is imported as a whole or not at all, whenever this process is killed.

mod compare;
mod explain;
mod place;
mod source;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

pub use explain::explain;

use self::compare::{OldPlan, compare, state_findings};
use self::source::Source;
use super::drift::Drift;
use super::validate::FileFindings;
use super::{Hint, Workspace, streams};
use crate::diag::Diagnostic;
use crate::model::{self, End, IdError, Outcome, SessionRef, Stream, StreamId};
use crate::store::private::PrivateError;
use crate::store::tasks::{Counts, Format, Older};
use crate::store::{Private, Store, StoreError};
use crate::sys::lock::{self, LockError};

/// How long an import waits for a stream that is being made.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be taken over.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Folders of streams, or folders that hold some.
    pub dirs: &'a [PathBuf],
    /// Another name for the only stream.
    pub name: Option<&'a str>,
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// The time of the import.
    pub now: DateTime<Utc>,
}

/// What became of a stream, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is a stream here now.
    Imported,
    /// It lay here already, in the older format, and is rewritten in ours.
    Upgraded,
    /// It lies here already, in our format: there is nothing to do.
    Here,
    /// It was not taken; the reason is told.
    Refused,
}

/// Who approved the plan, and when.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approved {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether PLAN.md is, byte for byte, what was approved; unknown when the old tool kept no hash.
    pub unchanged: Option<bool>,
    /// How many stages were approved after their work.
    pub stages: usize,
}

/// One stream of the older tool.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Its folder.
    #[serde(serialize_with = "super::lossy::path")]
    pub from: PathBuf,
    /// The stream that it is here, or would be.
    pub stream: Option<StreamId>,
    /// What became of it.
    pub fate: Fate,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// What its files hold.
    pub found: Counts,
    /// What is taken over. Never less than what was found.
    pub kept: Counts,
    /// How many of the sessions an agent may still know.
    pub resumable: usize,
    /// The approval of its plan.
    pub approved: Option<Approved>,
    /// The files that come along, below its folder.
    #[serde(serialize_with = "super::lossy::list")]
    pub files: Vec<PathBuf>,
    /// How the plan differs from what was approved.
    pub drift: Vec<Drift>,
    /// What is odd, file by file.
    #[serde(skip)]
    pub findings: Vec<FileFindings>,
}

/// What an import did, or would do.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The streams, in order.
    pub items: Vec<Item>,
    /// The stream that became the current one.
    pub current: Option<StreamId>,
    /// What is odd with the folders themselves.
    pub findings: Vec<FileFindings>,
}

/// Why nothing was imported at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The folder can't be read.
    #[error("cannot read `{path}`")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is no stream in it.
    #[error("`{0}` holds no stream")]
    NoStream(PathBuf),
    /// One name for several streams.
    #[error("`--as` names one stream, and {0} were found")]
    Several(usize),
    /// The name can't become an id.
    #[error(transparent)]
    Name(#[from] IdError),
    /// Somebody else makes a stream for too long.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The private folder is of no use.
    #[error(transparent)]
    Private(#[from] PrivateError),
}

impl Hint for ImportError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoStream(_) => vec![
                "name the old tool's `work/` folder, or the folder of one stream, with its PLAN.md or tasks.json"
                    .to_owned(),
            ],
            Self::Several(_) => vec!["name the folder of that one stream".to_owned()],
            Self::Folder { .. } | Self::Name(_) | Self::Lock(_) | Self::Private(_) => Vec::new(),
        }
    }
}

/// Why one stream was not taken. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    /// It is here already.
    #[error("stream `{0}` is here already")]
    Exists(StreamId),
    /// Nothing tells its id.
    #[error("neither its folder nor its files tell the id of the stream")]
    NoId,
    /// Its state can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file can't be copied.
    #[error("cannot {action} `{path}`")]
    File { action: &'static str, path: PathBuf, source: std::io::Error },
    /// A file can't be written.
    #[error(transparent)]
    Write(#[from] crate::sys::atomic::WriteError),
}

impl Hint for Refusal {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Exists(id) => vec![format!(
                "`work use {id}` goes on with it; `--as NAME` imports the old one once more, beside it"
            )],
            Self::NoId => vec!["give it one: `--as NAME`".to_owned()],
            Self::Store(error) => error.hint().into_iter().collect(),
            Self::Write(error) => error.hint().into_iter().collect(),
            Self::File { .. } => Vec::new(),
        }
    }
}

/// Takes the streams over, or tells what would be done.
///
/// # Errors
/// [`ImportError`] when there is nothing to begin with. A stream that can't be taken is told among
/// the others.
pub fn import(workspace: &Workspace, request: &Request<'_>) -> Result<Imported, ImportError> {
    let found = source::find(request.dirs)?;
    let name = request.name.map(streams::title).transpose()?;
    if name.is_some() && found.sources.len() != 1 {
        return Err(ImportError::Several(found.sources.len()));
    }
    // Two at once would both take the next number; and nobody else's unfinished folder is swept away.
    let _making = match request.dry_run {
        true => None,
        false => {
            let private = Private::open(&workspace.private)?;
            let making = lock::acquire(&private.root().join("create.lock"), PATIENCE)?;
            place::sweep(workspace);
            Some(making)
        }
    };
    let mut import = Import { workspace, request, found: &found, name, taken: workspace.stream_ids() };
    let items: Vec<Item> = found.sources.iter().map(|source| import.one(source)).collect();
    let current = current(workspace, &found, &items);
    if let (Some(id), false) = (&current, request.dry_run) {
        Private::open(&workspace.private)?.set_current(Some(id))?;
    }
    Ok(Imported { items, current, findings: found.findings })
}

/// The stream that the old tool had as its current one, else the only one; where none is chosen here.
fn current(workspace: &Workspace, found: &source::Found, items: &[Item]) -> Option<StreamId> {
    if streams::current(workspace).ok()?.is_some() {
        return None;
    }
    let mut taken = items.iter().filter(|item| item.fate != Fate::Refused);
    let was_current = taken.clone().find(|item| found.current.contains(&item.from));
    let only = || taken.next().filter(|_| taken.next().is_none());
    was_current.or_else(only)?.stream.clone()
}

/// An import that is going on.
struct Import<'a> {
    workspace: &'a Workspace,
    request: &'a Request<'a>,
    found: &'a source::Found,
    name: Option<String>,
    /// The streams that are here, those of this import included.
    taken: Vec<StreamId>,
}

impl Import<'_> {
    fn one(&mut self, source: &Source) -> Item {
        let mut item = Item {
            from: source.dir.clone(),
            stream: None,
            fate: Fate::Refused,
            reason: None,
            hints: Vec::new(),
            found: Counts::default(),
            kept: Counts::default(),
            resumable: 0,
            approved: None,
            files: Vec::new(),
            drift: Vec::new(),
            findings: Vec::new(),
        };
        if let Err(refusal) = self.take(source, &mut item) {
            (item.reason, item.hints) = (Some(super::hint::chain(&refusal)), refusal.hints());
            item.fate = Fate::Refused;
        }
        item
    }

    fn take(&mut self, source: &Source, item: &mut Item) -> Result<(), Refusal> {
        let store = Store::open(&source.dir, self.workspace.clock);
        let older = store.read_older()?;
        item.found = older.found;
        let old_id = source.id.clone().unwrap_or_else(|| older.loaded.stream.id.clone());
        let here = self.taken.iter().find(|id| is_same(&self.workspace.stream_dir(id), &source.dir)).cloned();
        if let Some(id) = here {
            return self.in_place(&id, source, &older, item);
        }
        let id = self.choose(&old_id, source)?;
        item.stream = Some(id.clone());
        let mut stream = older.loaded.stream.clone();
        let plan = OldPlan::read(&source.dir);
        item.findings = state_findings(&source.dir, &older);
        self.fit(&mut stream, &old_id, source, &plan, item);
        stream.id = id.clone();
        if let Some(name) = &self.name {
            stream.name.clone_from(name);
        }
        let (files, odd) = place::files(&source.dir, &older)?;
        item.files = files.iter().map(|file| file.to.clone()).collect();
        item.findings.extend(odd);
        item.measure(&stream, &older);
        if !self.request.dry_run {
            place::put(self.workspace, &stream, &source.dir, &files)?;
        }
        item.fate = Fate::Imported;
        self.taken.push(id);
        Ok(())
    }

    /// A stream whose folder is here already: rewritten where it lies, in one transaction.
    fn in_place(
        &self,
        id: &StreamId,
        source: &Source,
        older: &Older,
        item: &mut Item,
    ) -> Result<(), Refusal> {
        item.stream = Some(id.clone());
        if older.loaded.format != Format::V1 {
            item.fate = Fate::Here;
            item.approved = compare::approved(&older.loaded.stream, None);
            item.measure(&older.loaded.stream, older);
            return Ok(());
        }
        item.findings = state_findings(&source.dir, older);
        let plan = OldPlan::read(&source.dir);
        let mut after = older.loaded.stream.clone();
        self.fit(&mut after, id, source, &plan, item);
        item.measure(&after, older);
        item.files = older.bytes.iter().map(|_| PathBuf::from("tasks.v1.json")).collect();
        if !self.request.dry_run {
            let upgraded = self.workspace.store(id).upgrade(|stream| {
                let mut again = item.clone();
                self.fit(stream, id, source, &plan, &mut again);
                Ok::<_, std::convert::Infallible>(())
            });
            match upgraded {
                Ok(()) => {}
                Err(crate::store::TransactError::Store(error)) => return Err(error.into()),
                Err(crate::store::TransactError::Refused(never)) => match never {},
            }
        }
        item.fate = Fate::Upgraded;
        Ok(())
    }

    /// The id that it gets here: its own where nobody has its number, else the next number.
    fn choose(&self, old: &StreamId, source: &Source) -> Result<StreamId, Refusal> {
        let wanted = match &self.name {
            Some(name) => StreamId::from_name(old.number(), name).map_err(|_| Refusal::NoId)?,
            None if source.id.is_none() && old.slug() == "imported" => return Err(Refusal::NoId),
            None => old.clone(),
        };
        let same = |id: &&StreamId| {
            let origin = || origin(&self.workspace.store(id)).is_some_and(|origin| origin == old.as_str());
            id.slug() == wanted.slug() || (self.name.is_none() && origin())
        };
        if let Some(same) = self.taken.iter().find(same) {
            return Err(Refusal::Exists(same.clone()));
        }
        if self.taken.iter().all(|id| id.number() != wanted.number()) {
            return Ok(wanted);
        }
        // Behind those that are still to come as well, so that as many as can keep their numbers.
        let numbers =
            self.taken.iter().chain(self.found.sources.iter().filter_map(|other| other.id.as_ref()));
        let next = numbers.map(StreamId::number).max().map_or(1, |last| last + 1);
        format!("{next:03}-{}", wanted.slug()).parse().map_err(|_| Refusal::NoId)
    }

    /// Makes the state fit into this house, and notes what is odd.
    fn fit(&self, stream: &mut Stream, old: &StreamId, source: &Source, plan: &OldPlan, item: &mut Item) {
        mark(stream, old, source, self.request.now);
        let mut odd = close(stream);
        let compared = compare(stream, plan);
        odd.extend(compared.state);
        odd.extend(compare::unknown_agents(stream, self.workspace, &source.dir));
        item.approved = compared.approved;
        item.drift = compared.drift;
        if let Some(findings) = plan.findings(compared.plan) {
            item.findings.push(findings);
        }
        compare::add_to_state(&mut item.findings, &source.dir, odd);
    }
}

impl Item {
    fn measure(&mut self, stream: &Stream, older: &Older) {
        self.kept = Counts::of(stream);
        let records = stream.threads.iter().flat_map(|thread| &thread.sessions);
        self.resumable = records.filter(|record| matches!(record.session, SessionRef::Known(_))).count();
        let (found, kept) = (older.found, self.kept);
        let lost = [
            ("threads", found.threads, kept.threads),
            ("tasks", found.tasks, kept.tasks),
            ("reports", found.reports, kept.reports),
            ("sessions", found.sessions, kept.sessions),
        ];
        let lost = lost.into_iter().filter(|(_, found, kept)| kept < found);
        let odd = lost.map(|(what, found, kept)| {
            Diagnostic::error("I009", format!("the files hold {found} {what}, and {kept} would be kept"))
                .help("please report this with the old files")
        });
        compare::add_to_state(&mut self.findings, &self.from, odd.collect());
    }
}

/// The key below which a stream tells where it came from.
const ORIGIN: &str = "importedFrom";

/// The id that an imported stream had before.
fn origin(store: &Store) -> Option<String> {
    let stream = store.read().ok()?;
    Some(stream.stream_extra.get(ORIGIN)?.get("stream")?.as_str()?.to_owned())
}

/// Writes into the stream where it came from, with all that the old index knew of it.
fn mark(stream: &mut Stream, old: &StreamId, source: &Source, now: DateTime<Utc>) {
    let mut index = source.entry.clone();
    // These are taken over by the reader of the state.
    for known in ["id", "approval", "github"] {
        index.shift_remove(known);
    }
    let mut origin = serde_json::json!({ "stream": old, "at": now });
    if !index.is_empty() {
        origin["index"] = index.into();
    }
    stream.stream_extra.entry(ORIGIN).or_insert(origin);
    let approvals = &mut stream.approvals;
    for approval in approvals.plan.iter_mut().chain(approvals.stages.values_mut()) {
        approval.extra.insert("imported".to_owned(), true.into());
    }
}

/// Ends the attempts that the old tool never did. When they ended, nobody knows.
fn close(stream: &mut Stream) -> Vec<Diagnostic> {
    let mut odd = Vec::new();
    for thread in &mut stream.threads {
        let open = thread.sessions.iter().filter(|record| record.is_open());
        for attempt in open.map(|record| record.attempt).collect::<Vec<_>>() {
            let by = Some("nobody recorded its end; it was imported".to_owned());
            let end = End { interrupted_by: by, ..End::default() };
            if model::end_session(thread, attempt, Outcome::Interrupted, end).is_ok() {
                let id = thread.id;
                let message =
                    format!("attempt {attempt} of thread `{id}` was never ended; it is interrupted now");
                odd.push(Diagnostic::note("I007", message));
            }
        }
    }
    odd
}

fn is_same(a: &Path, b: &Path) -> bool {
    a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}
