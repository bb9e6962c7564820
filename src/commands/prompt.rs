//! `work prompt --thread ID`

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::{PromptOf, prompt_of};
use crate::model::ThreadId;

/// Print the prompt that the agent of a thread would get
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The thread, by id or unique name
    #[arg(short, long, value_name = "ID")]
    thread: String,
    /// The prompt of another agent that would take over: with last words, last deeds, changes on disk
    #[arg(long, conflicts_with = "resume")]
    handover: bool,
    /// The prompt that its last session would go on with
    #[arg(long)]
    resume: bool,
    /// Add these words to its end
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

/// A prompt.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document {
    thread: ThreadId,
    prompt: String,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let which = match (args.handover, args.resume) {
        (true, _) => PromptOf::HandOver,
        (false, true) => PromptOf::Resume,
        (false, false) => PromptOf::NewSession,
    };
    let (thread, prompt) = prompt_of(&workspace, &handle, &args.thread, which, args.message.as_deref())?;
    let document = Document { thread, prompt };
    ctx.print(&document, || document.prompt.clone())?;
    Ok(Exit::Done)
}
