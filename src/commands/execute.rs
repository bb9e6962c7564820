//! `work execute --thread ID`

use clap::ValueEnum;

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::how::{How, Would};
use super::turn::run_turn;
use crate::engine::prepare;
use crate::ipc::{LaunchReport, Launched};
use crate::model::Mode;

/// Run one thread: one turn of its agent, recorded as an attempt
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The thread, by id or unique name
    #[arg(short, long, value_name = "ID")]
    thread: String,
    #[command(flatten)]
    how: How,
    /// How to watch it (default: tui on a terminal, else plain)
    #[arg(long)]
    mode: Option<Watch>,
    /// Say what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
}

/// How a person watches a turn.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Watch {
    /// In the agent's own terminal UI
    Tui,
    /// As streamed text
    Plain,
    /// In the session that you have open and connected (`work session connect`)
    Primary,
}

impl Watch {
    /// The mode of a turn in this terminal.
    pub(super) fn mode(wanted: Option<Self>, ctx: &Context) -> Result<Mode, Failed> {
        match wanted {
            Some(Self::Tui) if !ctx.screen.interactive => {
                let failed = Failed::new(Exit::Usage, "usage", "`--mode tui` needs a terminal");
                Err(failed.hint("use `--mode plain`"))
            }
            Some(Self::Tui) => Ok(Mode::Tui),
            Some(Self::Primary) => Ok(Mode::Primary),
            None if ctx.screen.interactive && !ctx.json => Ok(Mode::Tui),
            Some(Self::Plain) | None => Ok(Mode::Plain),
        }
    }
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let result = execute(ctx, args);
    if let (Err(failed), Some(_)) = (&result, &ctx.env.launch) {
        refuse(ctx, args, failed);
    }
    result
}

/// The `work multi` that opened this window hears why there is no turn.
fn refuse(ctx: &Context, args: &Args, failed: &Failed) {
    if let Ok(thread) = args.thread.parse() {
        let mut launched = Launched::to(ctx.env.launch.as_deref(), thread);
        launched.report(&LaunchReport::Refused { message: failed.messages.join(": ") });
    }
}

fn execute(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let agents = ctx.agents(&workspace)?;
    let mode = Watch::mode(args.mode, ctx)?;
    let prepared = prepare(&workspace, &handle, &agents, &args.how.request(&args.thread), mode)?;
    prepared.warnings.iter().for_each(|warning| ctx.screen.warn(warning));
    if args.dry_run {
        let would = Would::of(&prepared);
        ctx.print(&would, || would.words())?;
        return Ok(Exit::Done);
    }
    run_turn(ctx, &workspace, &handle, &prepared, args.how.no_supervisor)
}
