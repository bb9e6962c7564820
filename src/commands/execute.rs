//! `work execute --thread ID`

use clap::ValueEnum;

use super::Exit;
use super::batch::agent_program;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::headless::Headless;
use super::how::{How, Would};
use super::turn::run_turn;
use crate::engine::jobs::{NewJob, Queue};
use crate::engine::status::status_of;
use crate::engine::{prepare, thread};
use crate::ipc::{LaunchReport, Launched};
use crate::model::{Mode, ThreadStatus};

/// Run one thread: one turn of its agent, recorded as an attempt
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The thread, by id or unique name
    #[arg(short, long, value_name = "ID")]
    thread: String,
    #[command(flatten)]
    how: How,
    /// How to watch it (default: tui on a terminal, else plain); headless queues it as a background job
    #[arg(long)]
    mode: Option<Watch>,
    /// With `--mode headless`: wait until the job has ended
    #[arg(short, long)]
    wait: bool,
    /// Say what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
}

/// How a person watches a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Watch {
    /// In the agent's own terminal UI
    Tui,
    /// As streamed text
    Plain,
    /// In the session that you have open and connected (`work session connect`)
    Primary,
    /// Not at all: it is queued as a background job
    Headless,
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
            Some(Self::Headless) => Ok(Mode::Headless),
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

fn usage(message: &str) -> Failed {
    Failed::new(Exit::Usage, "usage", message)
}

/// The job that goes on in the session of a turn that runs or is queued; none when there is no such turn. Whether
/// it can, is checked when it starts.
fn after_the_one_before(headless: &Headless<'_>, how: &How, wanted: &str) -> Result<Option<NewJob>, Failed> {
    let Headless { workspace, handle, .. } = headless;
    let stream = handle.store.read()?;
    let thread = thread(&stream, wanted)?;
    let queued = Queue::new(workspace).active(&handle.id)?.iter().any(|(of, ..)| *of == thread.id);
    let runs = matches!(status_of(thread), ThreadStatus::Running | ThreadStatus::Waiting);
    if !queued && !runs {
        return Ok(None);
    }
    let order = headless.order(&how.request(wanted))?;
    Ok(Some(NewJob { thread: thread.id, name: thread.name.clone(), order }))
}

/// The `work multi` that opened this window hears why there is no turn.
fn refuse(ctx: &Context, args: &Args, failed: &Failed) {
    if let Ok(thread) = args.thread.parse() {
        let mut launched = Launched::to(ctx.env.launch.as_deref(), thread);
        launched.report(&LaunchReport::Refused { message: failed.messages.join(": ") });
    }
}

fn execute(ctx: &Context, args: &Args) -> CommandResult {
    args.how.allowed(ctx)?;
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let agents = ctx.agents(&workspace)?;
    let mode = Watch::mode(args.mode, ctx)?;
    if mode != Mode::Headless && args.wait {
        return Err(usage("`--wait` is for `--mode headless`: every other mode waits by itself"));
    }
    if mode == Mode::Headless && args.how.no_supervisor {
        return Err(usage("`--mode headless` needs the supervisor, and `--no-supervisor` goes without it"));
    }
    let headless = Headless {
        ctx,
        workspace: &workspace,
        handle: &handle,
        max_parallel: None,
        wait: args.wait,
        apply: false,
    };
    if mode == Mode::Headless
        && args.how.resume
        && !args.dry_run
        && let Some(next) = after_the_one_before(&headless, &args.how, &args.thread)?
    {
        return headless.queue(vec![next], &[]);
    }
    let prepared = prepare(&workspace, &handle, &agents, &args.how.request(&args.thread), mode)?;
    prepared.warnings.iter().for_each(|warning| ctx.screen.warn(warning));
    if args.dry_run {
        let settings = ctx.settings(&workspace)?;
        let would = Would::of(&prepared, &settings, &args.how, ctx.screen.interactive);
        ctx.print(&would, || would.words())?;
        return Ok(Exit::Done);
    }
    if mode == Mode::Headless {
        let (thread, name) = (prepared.spec.thread, prepared.name.clone());
        agent_program(ctx, &prepared)?;
        let order = headless.order(&prepared.request)?;
        return headless.queue(vec![NewJob { thread, name, order }], &[]);
    }
    run_turn(ctx, &workspace, &handle, &prepared, args.how.no_supervisor)
}
