//! Workstreams: created, listed, chosen.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Hint, Workspace};
use crate::model::{IdError, Progress, Stream, StreamId, StreamState};
use crate::plan;
use crate::store::private::PrivateError;
use crate::store::{Private, Store, StoreError};
use crate::sys::atomic;
use crate::sys::lock::{self, LockError};

/// How long a new stream waits for another that is being made.
const PATIENCE: Duration = Duration::from_secs(10);

/// A stream and where it lies.
#[derive(Debug, Clone)]
pub struct StreamHandle {
    /// Its id.
    pub id: StreamId,
    /// Its folder, absolute.
    pub dir: PathBuf,
    /// Its state.
    pub store: Store,
}

impl StreamHandle {
    /// The stream with this id, whether it is there or not.
    #[must_use]
    pub fn of(workspace: &Workspace, id: &StreamId) -> Self {
        Self { id: id.clone(), dir: workspace.stream_dir(id), store: workspace.store(id) }
    }

    /// Its plan.
    #[must_use]
    pub fn plan_file(&self) -> PathBuf {
        self.dir.join("PLAN.md")
    }
}

/// Why no stream was chosen, or none made.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// There is none at all.
    #[error("there is no stream yet")]
    None,
    /// None has that id, number or name.
    #[error("no stream `{wanted}`")]
    Unknown {
        /// What was asked for.
        wanted: String,
        /// Those that there are.
        known: Vec<StreamId>,
        /// The most similar one.
        similar: Option<StreamId>,
    },
    /// Several fit.
    #[error("{}", ambiguous(wanted.as_deref()))]
    Ambiguous {
        /// What was asked for, if anything.
        wanted: Option<String>,
        /// Those that fit.
        fitting: Vec<StreamId>,
    },
    /// The name can't become an id.
    #[error(transparent)]
    Name(#[from] IdError),
    /// A stream of that name is there.
    #[error("stream `{0}` exists already")]
    Exists(StreamId),
    /// Something could not be written or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the stream could not be written.
    #[error(transparent)]
    Write(#[from] atomic::WriteError),
    /// Its folder could not be made.
    #[error("cannot make `{path}`")]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Somebody else makes a stream for too long, or the lock can't be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The current stream could not be remembered or recalled.
    #[error(transparent)]
    Current(#[from] PrivateError),
}

fn ambiguous(wanted: Option<&str>) -> String {
    match wanted {
        Some(wanted) => format!("`{wanted}` fits several streams"),
        None => "several streams are open, and none is chosen".to_owned(),
    }
}

fn ids(ids: &[StreamId]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

impl Hint for StreamError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::None => vec!["`work create NAME` makes one".to_owned()],
            Self::Unknown { known, similar, .. } => similar
                .iter()
                .map(|id| format!("did you mean `{id}`?"))
                .chain((!known.is_empty()).then(|| format!("there are {}", ids(known))))
                .collect(),
            Self::Ambiguous { fitting, .. } => vec![
                format!("name one with `--stream`: {}", ids(fitting)),
                "`work use STREAM` makes one the current stream".to_owned(),
            ],
            Self::Exists(id) => vec![format!("`work use {id}` goes on with it, or choose another name")],
            Self::Store(error) => error.hint().into_iter().collect(),
            Self::Current(_) => vec!["`work use STREAM` chooses one".to_owned()],
            Self::Write(error) => error.hint().into_iter().collect(),
            Self::Name(_) | Self::Io { .. } | Self::Lock(_) => Vec::new(),
        }
    }
}

fn handle(workspace: &Workspace, id: StreamId) -> StreamHandle {
    StreamHandle { dir: workspace.stream_dir(&id), store: workspace.store(&id), id }
}

/// The stream that is meant: the one that was asked for (id, number, name or slug), else the one of
/// `WORK_STREAM`, else the current one, else the only open one.
///
/// # Errors
/// [`StreamError`] with what there is.
pub fn select(
    workspace: &Workspace,
    asked: Option<&str>,
    env: Option<&str>,
) -> Result<StreamHandle, StreamError> {
    let known = workspace.stream_ids();
    if known.is_empty() {
        return Err(StreamError::None);
    }
    if let Some(wanted) = asked.or(env) {
        return find(workspace, &known, wanted);
    }
    if let Some(current) = current(workspace)?.filter(|id| known.contains(id)) {
        return Ok(handle(workspace, current));
    }
    let mut open: Vec<StreamId> = known.iter().filter(|id| is_open(&workspace.store(id))).cloned().collect();
    match (open.pop(), open.is_empty()) {
        (Some(only), true) => Ok(handle(workspace, only)),
        (None, _) => Err(StreamError::Ambiguous { wanted: None, fitting: known }),
        (Some(last), false) => {
            open.push(last);
            Err(StreamError::Ambiguous { wanted: None, fitting: open })
        }
    }
}

/// Every stream that is not completed, with its state as far as that can be read, in order.
#[must_use]
pub fn open_streams(workspace: &Workspace) -> Vec<(StreamHandle, Result<Stream, StoreError>)> {
    let with_state = |id| {
        let handle = handle(workspace, id);
        let stream = handle.store.read();
        (handle, stream)
    };
    let open = |(_, stream): &(StreamHandle, Result<Stream, StoreError>)| {
        stream.as_ref().map_or(true, |stream| stream.state != StreamState::Completed)
    };
    workspace.stream_ids().into_iter().map(with_state).filter(open).collect()
}

/// A stream whose state can't be read counts as open: it wants attention.
fn is_open(store: &Store) -> bool {
    store.read().map_or(true, |stream| stream.state != StreamState::Completed)
}

fn find(workspace: &Workspace, known: &[StreamId], wanted: &str) -> Result<StreamHandle, StreamError> {
    let fits = |id: &&StreamId| {
        id.as_str() == wanted
            || id.slug() == wanted
            || wanted.parse().is_ok_and(|number: u32| number == id.number())
    };
    let mut fitting: Vec<StreamId> = known.iter().filter(fits).cloned().collect();
    if fitting.is_empty() {
        let named = |id: &&StreamId| workspace.store(id).read().is_ok_and(|stream| stream.name == wanted);
        fitting = known.iter().filter(named).cloned().collect();
    }
    match (fitting.len(), fitting.pop()) {
        (1, Some(id)) => Ok(handle(workspace, id)),
        (_, None) => Err(StreamError::Unknown {
            wanted: wanted.to_owned(),
            known: known.to_vec(),
            similar: super::resolve::similar(wanted, known.iter().map(StreamId::as_str))
                .and_then(|text| text.parse().ok()),
        }),
        (_, Some(last)) => {
            fitting.push(last);
            Err(StreamError::Ambiguous { wanted: Some(wanted.to_owned()), fitting })
        }
    }
}

/// A name as it can stand in a title: on one line, and without what would drive a terminal.
pub(super) fn title(name: &str) -> Result<String, IdError> {
    let title = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.contains(char::is_control) {
        let text = title.chars().filter(|c| !c.is_control()).collect();
        return Err(IdError { text, expected: "a name: it held control characters" });
    }
    Ok(title)
}

/// Makes a new stream with a plan to fill in (or `from`, a plan that is there already) and makes it
/// the current one.
///
/// # Errors
/// [`StreamError`].
pub fn create(
    workspace: &Workspace,
    name: &str,
    stages: u8,
    from: Option<&str>,
    now: DateTime<Utc>,
) -> Result<StreamHandle, StreamError> {
    let name = title(name)?;
    // Two at once would both take the next number.
    let private = Private::open(&workspace.private)?;
    let _making = lock::acquire(&private.root().join("create.lock"), PATIENCE)?;
    let number = workspace.stream_ids().iter().map(StreamId::number).max().map_or(1, |last| last + 1);
    let id = StreamId::from_name(number, &name)?;
    if let Some(same) = workspace.stream_ids().into_iter().find(|other| other.slug() == id.slug()) {
        return Err(StreamError::Exists(same));
    }
    let text = match from {
        Some(text) => text.to_owned(),
        None => plan::template(&name, &id, &now.date_naive().to_string(), stages),
    };
    // Beside its place, so that it is there as a whole or not at all.
    let unfinished = workspace.work_dir.join(format!(".new-{id}"));
    let made = make(workspace, &unfinished, &Stream::new(id.clone(), name, now), &text);
    if made.is_err() {
        let _ = std::fs::remove_dir_all(&unfinished);
    }
    made?;
    make_current(workspace, &id)?;
    Ok(handle(workspace, id))
}

fn make(workspace: &Workspace, unfinished: &Path, stream: &Stream, plan: &str) -> Result<(), StreamError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| StreamError::Io { path, source }
    };
    if unfinished.exists() {
        // What a `create` that was killed left; we hold the lock, so nobody works on it.
        std::fs::remove_dir_all(unfinished).map_err(failed(unfinished))?;
    }
    Store::open(unfinished, workspace.clock).create(stream)?;
    atomic::write_atomic(&unfinished.join("PLAN.md"), plan.as_bytes())?;
    let dir = workspace.stream_dir(&stream.id);
    std::fs::rename(unfinished, &dir).map_err(failed(&dir))?;
    std::fs::File::open(&workspace.work_dir).and_then(|dir| dir.sync_all()).map_err(failed(&dir))
}

/// Makes a stream the current one.
///
/// # Errors
/// [`StreamError::Current`].
pub fn make_current(workspace: &Workspace, id: &StreamId) -> Result<(), StreamError> {
    Ok(Private::open(&workspace.private)?.set_current(Some(id))?)
}

/// The current stream. Looking makes no folder.
pub(super) fn current(workspace: &Workspace) -> Result<Option<StreamId>, StreamError> {
    if workspace.private.is_dir() { Ok(Private::open(&workspace.private)?.current()?) } else { Ok(None) }
}

/// One line about a stream.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamSummary {
    /// Its id.
    pub id: StreamId,
    /// Its name.
    pub name: String,
    /// Whether it is the current one.
    pub current: bool,
    /// What was said of it as a whole: `open`, `on_hold` or `completed`.
    pub state: &'static str,
    /// Whether its plan is approved.
    pub approved: bool,
    /// Its tasks.
    pub tasks: Progress,
    /// How many threads it has.
    pub threads: usize,
    /// When its state last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// Why its state can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// All streams. One whose state can't be read is listed with the reason.
#[must_use]
pub fn list(workspace: &Workspace) -> Vec<StreamSummary> {
    // A pointer that can't be read points nowhere; `select` tells why.
    let current = current(workspace).ok().flatten();
    let summary = |id: StreamId| {
        let is_current = current.as_ref() == Some(&id);
        match workspace.store(&id).read() {
            Ok(stream) => StreamSummary {
                name: stream.name.clone(),
                current: is_current,
                state: stream.state.name(),
                approved: stream.approvals.plan.is_some(),
                tasks: Progress::of(stream.threads.iter().flat_map(|thread| &thread.tasks)),
                threads: stream.threads.len(),
                updated_at: Some(stream.updated_at),
                error: None,
                id,
            },
            Err(error) => StreamSummary {
                name: id.slug().to_owned(),
                current: is_current,
                state: StreamState::Open.name(),
                approved: false,
                tasks: Progress::default(),
                threads: 0,
                updated_at: None,
                error: Some(super::hint::chain(&error)),
                id,
            },
        }
    };
    workspace.stream_ids().into_iter().map(summary).collect()
}

/// Reads a plan that is to become a stream's.
///
/// # Errors
/// The reason, with the path.
pub fn read_text(path: &Path) -> std::io::Result<String> {
    let bytes = std::fs::read(path)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        let message = format!("line {line} is not UTF-8 text (byte {at})");
        std::io::Error::new(std::io::ErrorKind::InvalidData, message)
    })
}
