//! `work add-batch --stage ID NAME`

use super::added;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::edits::add_batch;

/// Add a batch to a stage in PLAN.md, behind its last one
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The stage
    #[arg(long, value_name = "ID")]
    stage: String,
    /// Its name
    name: String,
    /// Say what would be added, and add nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let handle = added::stream(ctx)?;
    let new = add_batch(&handle, &args.stage, &args.name, args.dry_run)?;
    added::tell(ctx, &new, args.dry_run)
}
