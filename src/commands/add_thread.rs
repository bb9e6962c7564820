//! `work add-thread --batch ID NAME`

use std::io::Read as _;

use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::{Exit, added};
use crate::engine::assign::known_agent;
use crate::engine::edits::{NewThread, add_thread};

/// Add a thread to a batch in PLAN.md; an approved plan has to be approved again before it runs
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The batch
    #[arg(short, long, value_name = "ID")]
    batch: String,
    /// Its name
    name: String,
    /// The agent that it names, by its name in agents.yaml
    #[arg(short, long)]
    agent: Option<String>,
    /// What it is to achieve (default: a line to fill in)
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
    /// How, as Markdown; `-` reads it from standard input (default: a line to fill in)
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    details: Option<String>,
    /// A task; may be given several times
    #[arg(long = "task", value_name = "TEXT")]
    tasks: Vec<String>,
    /// Say what would be added, and add nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let agent = match &args.agent {
        Some(agent) => Some(known_agent(&ctx.agents(&workspace)?, agent)?),
        None => None,
    };
    let mut new = NewThread::named(&args.batch, &args.name, agent);
    new.draft.summary.clone_from(&args.summary);
    new.draft.tasks.clone_from(&args.tasks);
    new.draft.details = match args.details.as_deref() {
        Some("-") => Some(standard_input()?),
        details => details.map(str::to_owned),
    };
    let new = add_thread(&handle, &new, args.dry_run)?;
    added::tell(ctx, &new, args.dry_run)
}

fn standard_input() -> Result<String, Failed> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).map_err(|error| {
        Failed::new(Exit::Usage, "usage", format!("cannot read the details from standard input: {error}"))
    })?;
    Ok(text)
}
