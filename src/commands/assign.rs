//! `work assign`

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::assign::{assign, known_agent};

/// Give a thread, or all threads of a batch or stage, to another agent
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    target: Target,
    /// The agent, by its name in agents.yaml
    #[arg(short, long)]
    agent: String,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// One thread, by id or unique name
    #[arg(short, long, value_name = "ID")]
    thread: Option<String>,
    /// All threads of a batch
    #[arg(short, long, value_name = "ID")]
    batch: Option<String>,
    /// All threads of a stage
    #[arg(long, value_name = "ID")]
    stage: Option<String>,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let (workspace, handle, _) = ctx.state()?;
    let agent = known_agent(&ctx.agents(&workspace)?, &args.agent)?;
    let Target { thread, batch, stage } = &args.target;
    let target = thread.as_ref().or(batch.as_ref()).or(stage.as_ref()).map_or("", String::as_str);
    let assigned = assign(&handle, target, &agent)?;
    ctx.print(&assigned, || {
        let ids: Vec<String> = assigned.threads.iter().map(ToString::to_string).collect();
        format!("{} works on {}\n", assigned.agent, ids.join(", "))
    })?;
    if !assigned.plan.is_empty() {
        let ids: Vec<String> = assigned.plan.iter().map(ToString::to_string).collect();
        ctx.screen.note(&format!("PLAN.md named another agent for {}; it was changed", ids.join(", ")));
    }
    Ok(Exit::Done)
}
