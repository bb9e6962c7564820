//! `work multi`

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::batch::Windowed;
use super::context::Context;
use super::failed::CommandResult;
use super::how::{How, Would};
use crate::config::Window;
use crate::engine::batch::{BatchPlan, Skipped, prepare_batch};
use crate::model::{BatchId, Mode};

/// Run all threads of a batch side by side, each in a tmux window
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The batch, e.g. `01.02` (default: the first one that is not done)
    #[arg(short, long, value_name = "ID")]
    batch: Option<String>,
    #[command(flatten)]
    how: How,
    /// What the windows show (default: `window` of config.yaml, else the agent's own UI)
    #[arg(long)]
    window: Option<Shown>,
    /// Wait until all turns have ended; their progress is shown meanwhile
    #[arg(short, long)]
    wait: bool,
    /// Go to the windows once they have started (Ctrl-B d comes back)
    #[arg(long)]
    attach: bool,
    /// Say what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shown {
    /// The agent's own terminal UI
    Tui,
    /// The turn as streamed text
    Stream,
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
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let agents = ctx.agents(&workspace)?;
    let shown = match (args.window, ctx.settings(&workspace)?.window) {
        (Some(Shown::Tui), _) | (None, Window::Tui) => Mode::Tui,
        (Some(Shown::Stream), _) | (None, Window::Stream) => Mode::Plain,
    };
    let request = args.how.request("");
    let prepare = || prepare_batch(&workspace, &handle, &agents, args.batch.as_deref(), &request, shown);
    if args.dry_run {
        return dry_run(ctx, &prepare()?);
    }
    Windowed {
        ctx,
        workspace: &workspace,
        handle: &handle,
        how: &args.how,
        wait: args.wait,
        attach: args.attach,
    }
    .run(|| Ok(prepare()?))
}

fn dry_run(ctx: &Context, batch: &BatchPlan) -> CommandResult {
    batch.warnings().iter().for_each(|warning| ctx.screen.warn(warning));
    let threads = batch.threads.iter().map(Would::of).collect();
    let would = WouldRun { batch: batch.id, name: &batch.name, threads, skipped: &batch.skipped };
    ctx.print(&would, || {
        let lines: Vec<String> = would.threads.iter().map(Would::words).collect();
        let skipped: Vec<String> = batch
            .skipped
            .iter()
            .map(|one| format!("would leave {} {}: {}\n", one.id, one.name, one.status.name()))
            .collect();
        format!("batch {} {}\n{}{}", batch.id, batch.name, lines.concat(), skipped.concat())
    })?;
    Ok(Exit::Done)
}
