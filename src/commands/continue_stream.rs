//! `work continue`

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::batch::Windowed;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::fix_run::{first, nothing as changed_nothing};
use super::headless::Headless;
use super::how::{How, Watching, Would};
use crate::engine::batch::{BatchPlan, prepare_some};
use crate::engine::fix::Case;
use crate::engine::next::{Next, outlook};
use crate::engine::{StreamHandle, Workspace};
use crate::model::{BatchId, Mode, StageId, Thread, ThreadId};
use crate::ui::{cases_table, choose, printable};

/// Run the next batch that was not begun; where earlier threads are not done, ask what to do with them
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Leave threads that failed or stopped as they are, and go on
    #[arg(long, conflicts_with_all = ["fix_first", "abort"])]
    skip_failed: bool,
    /// Take those up first: on a terminal by asking, else as `work fix` proposes
    #[arg(long, conflicts_with = "abort")]
    fix_first: bool,
    /// Stop when there are such threads
    #[arg(long)]
    abort: bool,
    /// Go on batch after batch, up to the end of the stage, or of the stream
    #[arg(long, value_name = "HOW FAR")]
    until: Option<Until>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    watching: Watching,
    /// Say what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Until {
    /// To the end of the stage
    Stage,
    /// To the end of the stream
    End,
}

/// What `--dry-run` tells: what would run, and what is not done up to there.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WouldContinue<'a> {
    batch: BatchId,
    threads: Vec<Would<'a>>,
    unfinished: &'a [Case],
}

/// What is to become of threads that are not done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Skip,
    FixFirst,
    Abort,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    args.how.allowed(ctx)?;
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let mut stage = None;
    let mut skip = args.skip_failed;
    let mut worst = Exit::Done;
    loop {
        let outlook = outlook(&handle.store.read()?);
        if !outlook.unfinished.is_empty() && !skip && !args.dry_run {
            match choice(ctx, args, &outlook.unfinished)? {
                None => return Ok(changed_nothing(ctx)),
                Some(Choice::Abort) => return Ok(Exit::Failed),
                Some(Choice::Skip) => skip = true,
                Some(Choice::FixFirst) => {
                    let exit =
                        first(ctx, (&workspace, &handle), &args.how, &args.watching, &outlook.unfinished)?;
                    if exit != Exit::Done {
                        return Ok(exit);
                    }
                    // What still is not done then has had its chance.
                    skip = true;
                    continue;
                }
            }
        }
        let unfinished = outlook.unfinished.len();
        let (batch, threads) = match outlook.next {
            Next::Batch { id, .. }
                if args.until == Some(Until::Stage) && stage.is_some_and(|s| s != id.stage) =>
            {
                return Ok(worst);
            }
            Next::Batch { id, threads } => (id, threads),
            Next::Gate { .. } if args.until == Some(Until::Stage) && stage.is_some() => return Ok(worst),
            Next::Gate { stage, name } => return Err(gate(stage, &name)),
            Next::Running(threads) => return Err(running(&threads)),
            Next::Nothing if worst != Exit::Done => return Ok(worst),
            Next::Nothing => return nothing(ctx, unfinished),
        };
        stage = Some(batch.stage);
        let round = Round { ctx, workspace: &workspace, handle: &handle, args, batch, threads: &threads };
        let exit = round.run(&outlook.unfinished)?;
        if exit != Exit::Done {
            worst = exit;
        }
        // What comes after begins with what was applied, or not at all.
        let skips = exit == Exit::Failed && args.skip_failed && !args.watching.apply;
        let goes_on = exit == Exit::Done || skips;
        if exit == Exit::Failed && args.until.is_some() && args.watching.apply {
            ctx.screen.hint(&format!(
                "not all of batch {batch} is done and applied, so the next one does not begin"
            ));
        }
        if args.until.is_none() || args.dry_run || !goes_on {
            return Ok(worst);
        }
    }
}

/// One batch of it.
struct Round<'a> {
    ctx: &'a Context,
    workspace: &'a Workspace,
    handle: &'a StreamHandle,
    args: &'a Args,
    batch: BatchId,
    threads: &'a [ThreadId],
}

impl Round<'_> {
    fn prepared(&self, mode: Mode) -> Result<BatchPlan, Failed> {
        let Self { ctx, workspace, handle, args, batch, threads } = self;
        let agents = ctx.agents(workspace)?;
        let request = |thread: &Thread| args.how.request(&thread.id.to_string());
        Ok(prepare_some(workspace, handle, &agents, (*batch, threads), &request, mode)?)
    }

    fn run(&self, unfinished: &[Case]) -> CommandResult {
        let Self { ctx, workspace, handle, args, .. } = *self;
        let mode = args.watching.mode(ctx, workspace)?;
        if args.dry_run {
            let plan = self.prepared(mode)?;
            let settings = ctx.settings(workspace)?;
            let threads = plan.threads.iter().map(|one| Would::of(one, &settings, &args.how, true)).collect();
            let would = WouldContinue { batch: self.batch, threads, unfinished };
            ctx.print(&would, || {
                let left = |case: &Case| {
                    format!(
                        "would leave {} {}: {}\n",
                        case.thread.id,
                        case.thread.name,
                        case.thread.status.name()
                    )
                };
                let lines = would.threads.iter().map(Would::words).chain(unfinished.iter().map(left));
                printable(&format!("batch {} {}\n{}", plan.id, plan.name, lines.collect::<String>()))
            })?;
            return Ok(Exit::Done);
        }
        // The next batch begins when this one has ended.
        let watching = if args.until.is_some() { args.watching.waiting() } else { args.watching.clone() };
        if watching.headless {
            let Watching { max_parallel, wait, apply, .. } = watching;
            return Headless { ctx, workspace, handle, max_parallel, wait, apply }
                .batch(&self.prepared(mode)?);
        }
        Windowed { ctx, workspace, handle, how: &args.how, watching: &watching }.run(|| self.prepared(mode))
    }
}

/// Shows what is not done, and asks; a flag answers. `None` for Escape and Ctrl-C, which choose nothing.
fn choice(ctx: &Context, args: &Args, unfinished: &[Case]) -> Result<Option<Choice>, Failed> {
    let count = unfinished.len();
    let threads = if count == 1 { "1 incomplete thread" } else { &format!("{count} incomplete threads") };
    if !ctx.json {
        ctx.screen.say(&format!("{threads} from the previous run:\n"));
        ctx.screen.say(&cases_table(&ctx.screen, unfinished));
    }
    if args.fix_first {
        return Ok(Some(Choice::FixFirst));
    }
    if args.abort {
        return Ok(Some(Choice::Abort));
    }
    if !ctx.screen.interactive || ctx.json {
        let message = format!("{threads} from the previous run: what becomes of them is a person's choice");
        return Err(Failed::new(Exit::Waiting, "needs-choice", message)
            .hint("`--skip-failed` leaves them, `--fix-first` takes them up, `--abort` stops"));
    }
    let asking = ctx.while_asking();
    let items = ["Continue (skip failed)", "Fix first", "Abort"].map(str::to_owned);
    let chosen = choose("what now", &items, 1);
    drop(asking);
    Ok(chosen.map(|index| match index {
        0 => Choice::Skip,
        1 => Choice::FixFirst,
        _ => Choice::Abort,
    }))
}

fn gate(stage: StageId, name: &str) -> Failed {
    let message = format!("stage {stage} `{name}` comes before, and nobody has approved its result");
    Failed::new(Exit::Waiting, "needs-approval", message)
        .hint(format!("`work approve stage {stage}`, when it is good; `work show {stage}` tells of it"))
}

fn running(threads: &[ThreadId]) -> Failed {
    let ids: Vec<String> = threads.iter().map(ToString::to_string).collect();
    Failed::new(Exit::Failed, "running", format!("threads are running: {}", ids.join(", ")))
        .hint("`work status --watch` follows them; `work logs THREAD -f` shows what one does")
}

fn nothing(ctx: &Context, unfinished: usize) -> CommandResult {
    if unfinished == 0 {
        ctx.screen.note("all threads are done");
        return Ok(Exit::Done);
    }
    Err(Failed::new(
        Exit::Failed,
        "nothing-to-do",
        "nothing is left to begin; threads that were begun are not done",
    )
    .hint("`work fix` takes them up"))
}
