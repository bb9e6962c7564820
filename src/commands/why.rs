//! `work why THREAD`

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::thread;
use crate::engine::why::why;
use crate::ui::why_text;

/// Show the evidence for the status of a thread, in plain words
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The thread, by id or unique name
    thread: String,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let (workspace, handle, stream) = ctx.state()?;
    let thread = thread(&stream, &args.thread)?;
    let why = why(&workspace, &handle, &stream, thread);
    ctx.print(&why, || why_text(&ctx.screen, &why))?;
    if let (Some(next), false) = (&why.next, ctx.json) {
        ctx.screen.hint(next);
    }
    Ok(Exit::Done)
}
