//! `work prompt --thread ID`

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::prompt_of;
use crate::model::ThreadId;

/// Print the prompt that the agent of a thread would get
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The thread, by id or unique name
    #[arg(short, long, value_name = "ID")]
    thread: String,
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
    let (thread, prompt) = prompt_of(&handle, &args.thread, args.message.as_deref())?;
    let document = Document { thread, prompt };
    ctx.print(&document, || document.prompt.clone())?;
    Ok(Exit::Done)
}
