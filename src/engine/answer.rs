//! What waits for a person in a stream, and a person's answer on its way to the turn that waits.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Hint, ResolveError, owner};
use crate::ipc::{Client, ClientError, ClientMessage, Refusal, ServerMessage};
use crate::model::{AgentName, Ask, Owner, Reply, Stream, StreamId, ThreadId, Unfit, Wish};

/// A request that waits.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The thread whose agent asks.
    pub thread: ThreadId,
    /// Its name.
    pub name: String,
    /// The agent.
    pub agent: AgentName,
    /// The attempt.
    pub attempt: u32,
    /// What it asks.
    #[serde(flatten)]
    pub ask: Ask,
    /// Who runs the turn.
    #[serde(skip)]
    owner: Owner,
}

/// Why there was no answer. Nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// There is no such thread.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// Its agent asks nothing.
    #[error("nothing waits for an answer in thread `{0}`")]
    NothingWaits(ThreadId),
    /// It was answered meanwhile, or its turn ended.
    #[error("nothing waits any more: {0}")]
    NoLonger(String),
    /// The thread's agent asks several things.
    #[error("the agent of thread `{thread}` asks {} things", requests.len())]
    Several {
        /// The thread.
        thread: ThreadId,
        /// What, and the ids to answer with.
        requests: Vec<(String, String)>,
    },
    /// Threads of that id or name wait in several streams.
    #[error("`{wanted}` waits in several streams")]
    Streams {
        /// What was asked for.
        wanted: String,
        /// The streams.
        fitting: Vec<StreamId>,
    },
    /// The answer is none to what is asked.
    #[error("that is no answer to `{asked}`")]
    Unfit {
        /// What is asked.
        asked: String,
        /// How it is answered.
        how: String,
        /// Why not.
        #[source]
        source: Unfit,
    },
    /// The supervisor does not run the turn.
    #[error("the turn of thread `{thread}` runs within process {pid}, which can't be answered from outside")]
    Elsewhere {
        /// The thread.
        thread: ThreadId,
        /// The command that runs it.
        pid: u32,
    },
    /// The supervisor can't be reached.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Hint for AnswerError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Resolve(error) => error.hints(),
            Self::NothingWaits(_) | Self::NoLonger(_) => {
                vec!["`work answer` lists what waits".to_owned()]
            }
            Self::Several { requests, .. } => {
                requests.iter().map(|(asked, how)| format!("{asked}: {how}")).collect()
            }
            Self::Streams { fitting, .. } => {
                let ids: Vec<String> = fitting.iter().map(|id| format!("`{id}`")).collect();
                vec![format!("name one with `--stream`: {}", ids.join(", "))]
            }
            Self::Unfit { how, .. } => vec![how.clone()],
            Self::Elsewhere { .. } => vec![
                "answer in the agent's own UI there, or wait until it is denied".to_owned(),
                "without `--no-supervisor` it could be answered here".to_owned(),
            ],
            Self::Client(_) => vec!["`work supervisor logs` tells more".to_owned()],
        }
    }
}

/// Everything that waits, in the order of the threads. Who is dead waits for nothing.
#[must_use]
pub fn waiting(stream: &Stream) -> Vec<Request> {
    let mut all = Vec::new();
    for thread in &stream.threads {
        let Some(record) = thread.open_record() else { continue };
        let Some(owner) = record.owner().filter(|owner| owner::is_alive(owner)) else { continue };
        all.extend(record.asks().iter().map(|ask| Request {
            thread: thread.id,
            name: thread.name.clone(),
            agent: record.agent.clone(),
            attempt: record.attempt,
            ask: ask.clone(),
            owner: owner.clone(),
        }));
    }
    all
}

/// The command lines that answer `ask`; `id` is the thread's, or the request's where there are several.
#[must_use]
pub fn how(id: &str, ask: &Ask) -> String {
    match &ask.wish {
        Wish::Permission { always, .. } => {
            let more =
                if always.is_empty() { String::new() } else { format!(" (allows {})", always.join(" ")) };
            format!("`work answer {id} --allow`, or `--always`{more}, or `--deny REASON`")
        }
        Wish::Question { questions } => {
            let each = if questions.len() > 1 { ", with a `--text` for each question" } else { "" };
            format!("`work answer {id} --text TEXT`{each}, or `--deny REASON`")
        }
        Wish::Unknown => "only a newer version of work can answer it".to_owned(),
    }
}

/// The request that `wanted` means: a thread's only one, or the one with that id.
///
/// # Errors
/// [`AnswerError`].
pub fn choose(stream: &Stream, wanted: &str) -> Result<Request, AnswerError> {
    let all = waiting(stream);
    if let Some(request) = all.iter().find(|request| request.ask.id == wanted) {
        return Ok(request.clone());
    }
    let thread = super::thread(stream, wanted)?.id;
    let mut of_thread: Vec<Request> = all.into_iter().filter(|request| request.thread == thread).collect();
    match (of_thread.pop(), of_thread.is_empty()) {
        (None, _) => Err(AnswerError::NothingWaits(thread)),
        (Some(request), true) => Ok(request),
        (Some(last), false) => {
            of_thread.push(last);
            let told = |request: &Request| (request.ask.words(), how(&request.ask.id, &request.ask));
            Err(AnswerError::Several { thread, requests: of_thread.iter().map(told).collect() })
        }
    }
}

/// The request that `wanted` means in one of several streams, with that stream.
///
/// # Errors
/// [`AnswerError::Streams`] when it waits in more than one of them; else what [`choose`] says, of the stream
/// that came closest.
pub fn choose_among<'a>(streams: &'a [Stream], wanted: &str) -> Result<(&'a StreamId, Request), AnswerError> {
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for stream in streams {
        match choose(stream, wanted) {
            Ok(request) => found.push((&stream.id, request)),
            Err(error) => refused.push((&stream.id, error)),
        }
    }
    // One that asks several things waits as well.
    let several = |error: &AnswerError| matches!(error, AnswerError::Several { .. });
    let waits = found.iter().map(|(id, _)| *id);
    let waits = waits.chain(refused.iter().filter(|(_, error)| several(error)).map(|(id, _)| *id));
    let mut fitting: Vec<StreamId> = waits.cloned().collect();
    if fitting.len() > 1 {
        fitting.sort();
        return Err(AnswerError::Streams { wanted: wanted.to_owned(), fitting });
    }
    if let Some(only) = found.pop() {
        return Ok(only);
    }
    let closeness = |error: &AnswerError| match error {
        AnswerError::Several { .. } => 0,
        AnswerError::NothingWaits(_) => 1,
        _ => 2,
    };
    let closest = refused.into_iter().map(|(_, error)| error).min_by_key(closeness);
    Err(closest.unwrap_or_else(|| AnswerError::NoLonger("no stream is open".to_owned())))
}

/// Answers a request, which `wanted` means: when this returns, its agent has the answer.
///
/// # Errors
/// [`AnswerError`].
pub fn answer(
    socket: &Path,
    stream: &StreamId,
    request: &Request,
    wanted: &str,
    reply: &Reply,
) -> Result<Reply, AnswerError> {
    let reply = request.ask.fit(reply).map_err(|source| AnswerError::Unfit {
        asked: request.ask.words(),
        how: how(wanted, &request.ask),
        source,
    })?;
    let elsewhere = || AnswerError::Elsewhere { thread: request.thread, pid: request.owner.pid };
    let client = match Client::connect(socket) {
        Err(ClientError::Unreachable { .. }) => return Err(elsewhere()),
        connected => connected?,
    };
    match client.ask(&ClientMessage::Status)? {
        ServerMessage::Status(status) if status.pid != request.owner.pid => return Err(elsewhere()),
        _ => {}
    }
    let message = ClientMessage::Answer {
        stream: stream.clone(),
        thread: request.thread,
        request: Some(request.ask.id.clone()),
        reply: reply.clone(),
    };
    match client.ask(&message) {
        Ok(ServerMessage::Answered) => Ok(reply),
        Ok(_) => Err(ClientError::NoAnswer(None).into()),
        Err(ClientError::Refused { reason: Refusal::NothingWaits | Refusal::WrongAnswer, message }) => {
            Err(AnswerError::NoLonger(message))
        }
        Err(error) => Err(error.into()),
    }
}
