//! `work multi`

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::batch::Windowed;
use super::context::Context;
use super::failed::CommandResult;
use super::headless::Headless;
use super::how::{How, Watching, Would};
use crate::config::Settings;
use crate::engine::batch::{BatchPlan, Skipped, prepare_batch};
use crate::model::BatchId;
use crate::ui::printable;

/// Run all threads of a batch side by side, each in a tmux window, or in the background
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The batch, e.g. `01.02` (default: the first one that is not done)
    #[arg(short, long, value_name = "ID")]
    batch: Option<String>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    watching: Watching,
    /// Say what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
}

/// What `--dry-run` tells.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WouldRun<'a> {
    batch: BatchId,
    name: &'a str,
    threads: Vec<Would<'a>>,
    skipped: &'a [Skipped],
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    args.how.allowed(ctx)?;
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let agents = ctx.agents(&workspace)?;
    let mode = args.watching.mode(ctx, &workspace)?;
    let request = args.how.request("");
    let prepare = || prepare_batch(&workspace, &handle, &agents, args.batch.as_deref(), &request, mode);
    if args.dry_run {
        return dry_run(ctx, &prepare()?, &ctx.settings(&workspace)?, &args.how);
    }
    let how = &args.how;
    let watching = &args.watching;
    if watching.headless {
        let Watching { max_parallel, wait, apply, .. } = *watching;
        return Headless { ctx, workspace: &workspace, handle: &handle, max_parallel, wait, apply }
            .batch(&prepare()?);
    }
    Windowed { ctx, workspace: &workspace, handle: &handle, how, watching }.run(|| Ok(prepare()?))
}

fn dry_run(ctx: &Context, batch: &BatchPlan, settings: &Settings, how: &How) -> CommandResult {
    batch.warnings().iter().for_each(|warning| ctx.screen.warn(warning));
    let threads = batch.threads.iter().map(|one| Would::of(one, settings, how, true)).collect();
    let would = WouldRun { batch: batch.id, name: &batch.name, threads, skipped: &batch.skipped };
    ctx.print(&would, || {
        let lines: Vec<String> = would.threads.iter().map(Would::words).collect();
        let skipped: Vec<String> = batch
            .skipped
            .iter()
            .map(|one| format!("would leave {} {}: {}\n", one.id, one.name, one.status.name()))
            .collect();
        printable(&format!("batch {} {}\n{}{}", batch.id, batch.name, lines.concat(), skipped.concat()))
    })?;
    Ok(Exit::Done)
}
