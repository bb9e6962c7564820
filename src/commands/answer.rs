//! `work answer`

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::connect::endpoint;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::answer::{Request, answer, choose_among, how, waiting};
use crate::engine::hint::chain;
use crate::engine::{Workspace, open_streams};
use crate::model::{Reply, Stream, StreamId, ThreadId};
use crate::ui::{asks_text, one_line};

/// Answer what the agent of a running thread asks, or list all that waits
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The thread, by id or unique name; or the request's own id, where a thread asks several things
    /// (default: list what waits)
    id: Option<String>,
    /// Allow it, this once
    #[arg(long, group = "reply", requires = "id")]
    allow: bool,
    /// Allow it and all of its kind, for every session in the same directory, until opencode ends
    #[arg(long, group = "reply", requires = "id")]
    always: bool,
    /// Deny it; the agent is told why, and goes on
    #[arg(long, group = "reply", requires = "id", value_name = "REASON")]
    #[arg(num_args = 0..=1, default_missing_value = "")]
    deny: Option<String>,
    /// Answer a question, with an option or with words of your own; once for each question
    #[arg(long, group = "reply", requires = "id", value_name = "TEXT")]
    text: Vec<String>,
}

impl Args {
    fn reply(&self) -> Option<Reply> {
        match (&self.deny, self.allow, self.always) {
            (Some(reason), ..) => {
                Some(Reply::Deny { reason: Some(reason.clone()).filter(|reason| !reason.trim().is_empty()) })
            }
            (None, true, _) => Some(Reply::Allow),
            (None, false, true) => Some(Reply::Always),
            (None, false, false) if self.text.is_empty() => None,
            (None, false, false) => Some(Reply::Text { answers: self.text.clone() }),
        }
    }
}

/// All that waits.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Waiting<'a> {
    /// The streams that were looked through.
    streams: Vec<&'a StreamId>,
    waiting: Vec<InStream<'a>>,
}

/// A request, and the stream whose thread it is of.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct InStream<'a> {
    stream: &'a StreamId,
    #[serde(flatten)]
    request: Request,
}

/// An answer that was taken.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answered<'a> {
    stream: &'a StreamId,
    thread: ThreadId,
    /// The request's id at the agent.
    request: &'a str,
    /// What was answered.
    answer: String,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let streams = streams(ctx, &workspace)?;
    let Some(id) = &args.id else { return list(ctx, &streams) };
    let (stream, request) = choose_among(&streams, id)?;
    let asked = one_line(&request.ask.words());
    let Some(reply) = args.reply() else {
        let failed = Failed::new(Exit::Usage, "usage", format!("say what to answer to `{asked}`"));
        return Err(failed.hint(how(id, &request.ask)));
    };
    let socket = endpoint(ctx, &workspace)?.serving_socket();
    let reply = answer(&socket, stream, &request, id, &reply)?;
    let document = Answered {
        stream,
        thread: request.thread,
        request: &request.ask.id,
        answer: match reply {
            Reply::Allow => "allowed".to_owned(),
            Reply::Always => "always allowed".to_owned(),
            Reply::Deny { .. } => "denied".to_owned(),
            Reply::Text { answers } => answers.join(", "),
        },
    };
    ctx.print(&document, || format!("{} {asked}: {}", request.thread, one_line(&document.answer)))?;
    Ok(Exit::Done)
}

/// Where to look: in the stream that was named, else in every open one, since a person who is asked need not
/// know who asks.
fn streams(ctx: &Context, workspace: &Workspace) -> Result<Vec<Stream>, Failed> {
    let open = open_streams(workspace);
    if ctx.asked_stream().is_some() || ctx.env.stream.is_some() || open.is_empty() {
        return Ok(vec![ctx.stream(workspace)?.store.read()?]);
    }
    let alone = open.len() == 1;
    let mut readable = Vec::new();
    for (handle, stream) in open {
        match stream {
            Err(error) if !alone => {
                ctx.screen.warn(&format!("stream `{}` was not looked through: {}", handle.id, chain(&error)));
            }
            stream => readable.push(stream?),
        }
    }
    Ok(readable)
}

fn list(ctx: &Context, streams: &[Stream]) -> CommandResult {
    let found: Vec<(StreamId, Request)> = streams
        .iter()
        .flat_map(|stream| waiting(stream).into_iter().map(|request| (stream.id.clone(), request)))
        .collect();
    let waiting = found.iter().map(|(stream, request)| InStream { stream, request: request.clone() });
    let document =
        Waiting { streams: streams.iter().map(|stream| &stream.id).collect(), waiting: waiting.collect() };
    ctx.print(&document, || match (found.as_slice(), streams) {
        ([], [only]) => format!("nothing waits for a person in {}\n", only.id),
        ([], _) => "nothing waits for a person in any open stream\n".to_owned(),
        (found, _) => {
            found.chunk_by(|a, b| a.0 == b.0).map(|group| asked(ctx, group, streams.len() > 1)).collect()
        }
    })?;
    Ok(Exit::Done)
}

/// What waits in one stream, below its name where there are others.
fn asked(ctx: &Context, group: &[(StreamId, Request)], named: bool) -> String {
    let asks: Vec<_> = group.iter().map(|(_, one)| (one.thread, one.name.as_str(), &one.ask)).collect();
    let head = group.first().filter(|_| named).map(|(stream, _)| format!("{stream}\n")).unwrap_or_default();
    format!("{head}{}", asks_text(&ctx.screen, &asks))
}
