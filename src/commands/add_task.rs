//! `work add-task --thread ID NAME`

use super::added;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::edits::{Who, add_task};

/// Add a task to a thread in PLAN.md, behind its last one
///
/// A thread that is approved as it stands stays so, and tasks.json gets the task, too. One that changed
/// after its approval has to be approved again, and so has any when an agent adds to it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The thread, by id or unique name
    #[arg(short, long, value_name = "ID")]
    thread: String,
    /// What is to be done, on one line
    name: String,
    /// Say what would be added, and add nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    // What an agent adds is approved by nobody.
    let who = if ctx.env.thread.is_some() { Who::Agent } else { Who::Person };
    let new = add_task(&workspace, &handle, (&args.thread, &args.name), who, args.dry_run)?;
    added::tell(ctx, &new, args.dry_run)
}
