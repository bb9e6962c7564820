//! From what a person typed to what is meant: ids in any spelling, and unique names.

use super::Hint;
use crate::model::{BatchId, NodeId, StageId, Stream, Thread, ThreadId};

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// It is no id, and no name of that kind.
    #[error("no {kind} `{wanted}` in stream `{stream}`")]
    Unknown {
        /// What was looked for: stage, batch, thread, task.
        kind: &'static str,
        /// What was typed.
        wanted: String,
        /// The stream.
        stream: String,
        /// The most similar id or name.
        similar: Option<String>,
        /// The ids that there are.
        known: Vec<String>,
    },
    /// Several threads have that name.
    #[error("several threads are called `{wanted}`")]
    Ambiguous {
        /// The name.
        wanted: String,
        /// The threads.
        fitting: Vec<ThreadId>,
    },
    /// The state has no threads, since no plan was approved.
    #[error("stream `{0}` has no threads yet")]
    NotApproved(String),
}

impl Hint for ResolveError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Unknown { similar, known, .. } => {
                let mut hints: Vec<String> =
                    similar.iter().map(|text| format!("did you mean `{text}`?")).collect();
                if known.len() <= 12 && !known.is_empty() {
                    hints.push(format!("there are {}", known.join(", ")));
                } else {
                    hints.push("`work tree` shows all ids".to_owned());
                }
                hints
            }
            Self::Ambiguous { fitting, .. } => {
                let ids: Vec<String> = fitting.iter().map(|id| format!("`{id}`")).collect();
                vec![format!("name one by its id: {}", ids.join(", "))]
            }
            Self::NotApproved(_) => vec!["`work approve plan` takes them over from PLAN.md".to_owned()],
        }
    }
}

/// The candidate most similar to `wanted`, if any is similar enough to be meant.
pub(super) fn similar<'a>(wanted: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(&wanted.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

fn unknown(
    stream: &Stream,
    kind: &'static str,
    wanted: &str,
    mut known: Vec<String>,
    names: &[&str],
) -> ResolveError {
    if stream.threads.is_empty() {
        return ResolveError::NotApproved(stream.id.to_string());
    }
    known.dedup();
    // `1.2.3` is as much like `01.02.04` as `01.02.03` is.
    let canonical = wanted.parse().map_or_else(|_| wanted.to_owned(), |id: NodeId| id.to_string());
    let similar = similar(&canonical, known.iter().map(String::as_str).chain(names.iter().copied()));
    ResolveError::Unknown { kind, wanted: wanted.to_owned(), stream: stream.id.to_string(), similar, known }
}

/// A thread by its id, or by its name when that is unique.
///
/// # Errors
/// [`ResolveError`].
pub fn thread<'a>(stream: &'a Stream, wanted: &str) -> Result<&'a Thread, ResolveError> {
    if let Some(thread) = wanted.parse().ok().and_then(|id| stream.thread(id)) {
        return Ok(thread);
    }
    let named: Vec<&Thread> =
        stream.threads.iter().filter(|thread| thread.name.eq_ignore_ascii_case(wanted)).collect();
    match named[..] {
        [only] => Ok(only),
        [] => {
            let names: Vec<&str> = stream.threads.iter().map(|thread| thread.name.as_str()).collect();
            let known = stream.threads.iter().map(|thread| thread.id.to_string()).collect();
            Err(unknown(stream, "thread", wanted, known, &names))
        }
        _ => Err(ResolveError::Ambiguous {
            wanted: wanted.to_owned(),
            fitting: named.iter().map(|thread| thread.id).collect(),
        }),
    }
}

/// A batch by its id.
///
/// # Errors
/// [`ResolveError`].
pub fn batch(stream: &Stream, wanted: &str) -> Result<BatchId, ResolveError> {
    let has = |id: &BatchId| stream.threads.iter().any(|thread| thread.id.batch == *id);
    wanted.parse().ok().filter(has).ok_or_else(|| {
        let known = stream.threads.iter().map(|thread| thread.id.batch.to_string()).collect();
        unknown(stream, "batch", wanted, known, &[])
    })
}

/// A stage by its id.
///
/// # Errors
/// [`ResolveError`].
pub fn stage(stream: &Stream, wanted: &str) -> Result<StageId, ResolveError> {
    let has = |id: &StageId| stream.threads.iter().any(|thread| thread.id.stage() == *id);
    wanted.parse().ok().filter(has).ok_or_else(|| {
        let known = stream.threads.iter().map(|thread| thread.id.stage().to_string()).collect();
        unknown(stream, "stage", wanted, known, &[])
    })
}

/// Anything by its id; threads also by their unique name.
///
/// # Errors
/// [`ResolveError`].
pub fn node(stream: &Stream, wanted: &str) -> Result<NodeId, ResolveError> {
    match wanted.parse() {
        Ok(NodeId::Stage(_)) => stage(stream, wanted).map(NodeId::Stage),
        Ok(NodeId::Batch(_)) => batch(stream, wanted).map(NodeId::Batch),
        Ok(NodeId::Task(id)) => {
            let tasks = || stream.threads.iter().flat_map(|thread| &thread.tasks);
            if tasks().any(|task| task.id == id) {
                return Ok(NodeId::Task(id));
            }
            Err(unknown(stream, "task", wanted, tasks().map(|task| task.id.to_string()).collect(), &[]))
        }
        Ok(NodeId::Thread(_)) | Err(_) => thread(stream, wanted).map(|thread| NodeId::Thread(thread.id)),
    }
}
