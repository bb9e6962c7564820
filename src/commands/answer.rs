//! `work answer`

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::connect::endpoint;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::answer::{Request, answer, choose, how, waiting};
use crate::model::{Reply, StreamId, ThreadId};
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
    stream: &'a StreamId,
    waiting: Vec<Request>,
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
    let (workspace, handle, stream) = ctx.state()?;
    let Some(id) = &args.id else { return list(ctx, &handle.id, waiting(&stream)) };
    let request = choose(&stream, id)?;
    let asked = one_line(&request.ask.words());
    let Some(reply) = args.reply() else {
        let failed = Failed::new(Exit::Usage, "usage", format!("say what to answer to `{asked}`"));
        return Err(failed.hint(how(id, &request.ask)));
    };
    let socket = endpoint(ctx, &workspace)?.serving_socket();
    let reply = answer(&socket, &handle.id, &request, id, &reply)?;
    let document = Answered {
        stream: &handle.id,
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

fn list(ctx: &Context, stream: &StreamId, waiting: Vec<Request>) -> CommandResult {
    let document = Waiting { stream, waiting };
    ctx.print(&document, || {
        let asks: Vec<_> =
            document.waiting.iter().map(|one| (one.thread, one.name.as_str(), &one.ask)).collect();
        let text = asks_text(&ctx.screen, &asks);
        if text.is_empty() { format!("nothing waits for a person in {stream}\n") } else { text }
    })?;
    Ok(Exit::Done)
}
