//! `work agents`

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::agents::rows;
use crate::ui::agents_table;

/// List the agents of agents.yaml, and whether their programs are installed
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(ctx: &Context, _args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let agents = rows(&ctx.agents(&workspace)?, ctx.env.opencode.as_deref());
    ctx.print(&agents, || agents_table(&ctx.screen, &agents))?;
    Ok(Exit::Done)
}
