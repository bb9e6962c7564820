//! `work list`

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::list;
use crate::ui::streams_table;

/// List all streams, with their progress
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(ctx: &Context, _args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let streams = list(&workspace);
    if streams.is_empty() && !ctx.json {
        ctx.screen.note("there is no stream yet");
        ctx.screen.hint("`work create NAME` makes one");
        return Ok(Exit::Done);
    }
    ctx.print(&streams, || streams_table(&ctx.screen, &streams))?;
    for stream in &streams {
        if let Some(error) = &stream.error {
            ctx.screen.warn(error);
        }
    }
    Ok(Exit::Done)
}
