//! `work unhold`

use super::context::Context;
use super::failed::CommandResult;
use super::{Exit, added, hold};
use crate::engine::standing::unhold;

/// Take a stream up again that was put on hold, or completed
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(ctx: &Context, _args: &Args) -> CommandResult {
    ctx.needs_person("take a stream up again")?;
    let standing = unhold(&added::stream(ctx)?.store)?;
    ctx.print(&standing, || hold::words(&standing, "open"))?;
    Ok(Exit::Done)
}
