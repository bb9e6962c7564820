//! `work add-stage NAME`

use super::context::Context;
use super::failed::CommandResult;
use super::{Exit, added};
use crate::engine::StreamHandle;
use crate::engine::edits::{add_fix_stage, add_stage};
use crate::model::NodeId;

/// Add a stage to PLAN.md; an approved plan has to be approved again before it runs
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its name
    name: String,
    /// Make a stage that can run as it is: one thread for each that was begun, or passed over, and is not done
    #[arg(long)]
    fix: bool,
    /// Put it behind this stage instead of the last one; those that follow move on by one where its number
    /// is taken, which is refused when something is recorded of them
    #[arg(long, value_name = "ID", conflicts_with = "fix")]
    after: Option<String>,
    /// Say what would be added, and add nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    if !args.fix {
        let new = add_stage(&workspace, &handle, &args.name, args.after.as_deref(), args.dry_run)?;
        return added::tell(ctx, &new, args.dry_run);
    }
    fix_stage(ctx, &handle, &args.name, args.dry_run)
}

/// Adds a stage of what is left, and tells.
pub(super) fn fix_stage(ctx: &Context, handle: &StreamHandle, name: &str, dry_run: bool) -> CommandResult {
    let new = add_fix_stage(handle, name, dry_run)?;
    added::tell(ctx, &new, dry_run)?;
    let batch = new.added.iter().find_map(|part| match part.id {
        NodeId::Batch(id) => Some(id),
        _ => None,
    });
    if let Some(batch) = batch.filter(|_| !ctx.json && !dry_run) {
        ctx.screen.hint(&format!("then `work multi --batch {batch}` runs it"));
    }
    Ok(Exit::Done)
}
