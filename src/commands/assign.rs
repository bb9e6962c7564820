//! `work assign`

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::assign::{assign, known_agent};
use crate::model::{AgentName, ThreadId};

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

/// What was assigned.
#[derive(Serialize, JsonSchema)]
pub(super) struct Assigned {
    agent: AgentName,
    threads: Vec<ThreadId>,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let (workspace, handle, _) = ctx.state()?;
    let agent = known_agent(&ctx.agents(&workspace)?, &args.agent)?;
    let Target { thread, batch, stage } = &args.target;
    let target = thread.as_ref().or(batch.as_ref()).or(stage.as_ref()).map_or("", String::as_str);
    let threads = assign(&handle.store, target, &agent)?;
    let assigned = Assigned { agent, threads };
    ctx.print(&assigned, || {
        let ids: Vec<String> = assigned.threads.iter().map(ToString::to_string).collect();
        format!("{} works on {}\n", assigned.agent, ids.join(", "))
    })?;
    Ok(Exit::Done)
}
