//! `work execute --thread ID`

use std::time::{Duration, Instant};

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::connect::{connect, endpoint};
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::report::WindowReporter;
use crate::engine::status::status_of;
use crate::engine::turn::{Finished, run as run_turn};
use crate::engine::{Prepared, StreamHandle, TurnRequest, Workspace, prepare, recover};
use crate::ipc::{LaunchReport, Launched, Refusal};
use crate::model::{Mode, ThreadId, TurnOutcome};
use crate::supervisor::wait_until_free;
use crate::ui::one_line;

/// Run one thread: one turn of its agent, recorded as an attempt
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The thread, by id or unique name
    #[arg(short, long, value_name = "ID")]
    thread: String,
    #[command(flatten)]
    pub(super) how: How,
    /// How to watch it (default: tui on a terminal, else plain)
    #[arg(long)]
    mode: Option<Watch>,
    /// Say what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
}

/// What `execute` and `multi` have in common.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct How {
    /// Use this agent, this time, instead of the assigned one
    #[arg(short, long, value_name = "NAME")]
    pub(super) agent: Option<String>,
    /// Use this model instead of the agent's own: `provider/model` or `provider/model#variant`
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// Add these words to the end of the prompt
    #[arg(short, long, value_name = "TEXT")]
    pub(super) message: Option<String>,
    /// Run a thread though PLAN.md changed it after it was approved
    #[arg(long)]
    pub(super) allow_drift: bool,
    /// Run the agent within this command instead of in the supervisor
    #[arg(long)]
    pub(super) no_supervisor: bool,
}

impl How {
    pub(super) fn request(&self, thread: &str) -> TurnRequest {
        TurnRequest {
            thread: thread.to_owned(),
            agent: self.agent.clone(),
            model: self.model.clone(),
            message: self.message.clone(),
            allow_drift: self.allow_drift,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Watch {
    /// In the agent's own terminal UI
    Tui,
    /// As streamed text
    Plain,
}

/// What `--dry-run` tells.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Would<'a> {
    thread: ThreadId,
    name: &'a str,
    agent: &'a str,
    models: Vec<String>,
    mode: Mode,
    #[serde(serialize_with = "crate::engine::lossy::path")]
    directory: &'a std::path::Path,
    prompt_bytes: usize,
    warnings: &'a [String],
}

impl<'a> Would<'a> {
    pub(super) fn of(prepared: &'a Prepared) -> Self {
        Self {
            thread: prepared.spec.thread,
            name: &prepared.name,
            agent: &prepared.spec.agent.name.0,
            models: prepared.spec.models.iter().map(ToString::to_string).collect(),
            mode: prepared.spec.mode,
            directory: &prepared.spec.directory,
            prompt_bytes: prepared.spec.prompt.len(),
            warnings: &prepared.warnings,
        }
    }

    pub(super) fn words(&self) -> String {
        format!(
            "would run {} {} with {} ({}) in {}, {}; `work prompt --thread {}` shows its {} bytes of prompt\n",
            self.thread,
            one_line(self.name),
            self.agent,
            self.models.join(", then "),
            self.directory.display(),
            self.mode.name(),
            self.thread,
            self.prompt_bytes
        )
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
    let mode = match args.mode {
        Some(Watch::Tui) if !ctx.screen.interactive => {
            return Err(
                Failed::new(Exit::Usage, "usage", "`--mode tui` needs a terminal").hint("use `--mode plain`")
            );
        }
        Some(Watch::Tui) => Mode::Tui,
        None if ctx.screen.interactive && !ctx.json => Mode::Tui,
        Some(Watch::Plain) | None => Mode::Plain,
    };
    let prepared = prepare(&workspace, &handle, &agents, &args.how.request(&args.thread), mode)?;
    prepared.warnings.iter().for_each(|warning| ctx.screen.warn(warning));
    if args.dry_run {
        let would = Would::of(&prepared);
        ctx.print(&would, || would.words())?;
        return Ok(Exit::Done);
    }
    let thread = prepared.spec.thread;
    let mut reporter = WindowReporter::new(ctx, &prepared);
    let mut finished = turn(ctx, &workspace, args, &prepared, &mut reporter)?;
    if matches!(finished, Finished::Refused { reason: Refusal::Stopping, .. }) {
        // It was about to exit when we came; the next one takes us.
        let _ = wait_until_free(&endpoint(ctx, &workspace)?, Duration::from_secs(60));
        finished = turn(ctx, &workspace, args, &prepared, &mut reporter)?;
    }
    if finished == Finished::Lost {
        close_lost(&handle, thread);
        // The next supervisor ends the agent that the dead one left.
        drop(connect(ctx, &workspace, args.how.no_supervisor));
    }
    let result = told(ctx, &handle, thread, finished);
    reporter.wait_for_a_person(&result);
    result
}

fn turn(
    ctx: &Context,
    workspace: &Workspace,
    args: &Args,
    prepared: &Prepared,
    reporter: &mut WindowReporter,
) -> Result<Finished, Failed> {
    let (client, finish) = connect(ctx, workspace, args.how.no_supervisor)?;
    let finished = run_turn(client, prepared.spec.clone(), reporter);
    finish();
    Ok(finished?)
}

/// Writes the end of an attempt whose supervisor has just died, so that what is said next is on record.
fn close_lost(handle: &StreamHandle, thread: ThreadId) {
    let deadline = Instant::now() + Duration::from_secs(2);
    let is_open =
        || handle.store.read().is_ok_and(|s| s.thread(thread).is_some_and(|t| t.open_record().is_some()));
    // A process that is killed hangs up a moment before it counts as dead.
    while is_open() && Instant::now() < deadline {
        if recover(&handle.store, handle.store.now()).unwrap_or(0) == 0 {
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

/// The exit code, and what is said, for a turn that is over.
fn told(ctx: &Context, handle: &StreamHandle, thread: ThreadId, finished: Finished) -> CommandResult {
    match finished {
        Finished::Ended { outcome, unrecorded, .. } => {
            if let Some(why) = unrecorded {
                ctx.screen.warn(&format!("the end of the session could not be recorded yet: {why}"));
            }
            match outcome {
                TurnOutcome::Completed => completed(ctx, handle, thread),
                TurnOutcome::Failed { failure } => {
                    let exit = if failure.kind.is_program() { Exit::Program } else { Exit::Failed };
                    let message = format!("thread `{thread}` failed: {}", failure.message);
                    Err(Failed::new(exit, failure.kind.name(), message).hint(failure.kind.advice()))
                }
                TurnOutcome::Cancelled { cause } => {
                    ctx.screen.note(&format!("thread {thread} was interrupted: {}", cause.words()));
                    Ok(Exit::Interrupted)
                }
            }
        }
        Finished::Refused { reason, message } => {
            let exit = if reason == Refusal::AlreadyRunning { Exit::Failed } else { Exit::Unreachable };
            Err(Failed::new(exit, "refused", message))
        }
        Finished::Lost => {
            let message = format!("the supervisor died; thread `{thread}` was interrupted");
            Err(Failed::new(Exit::Interrupted, "supervisor-died", message)
                .hint("`work supervisor logs` tells more"))
        }
        Finished::Abandoned => {
            ctx.screen.warn("the end of the turn was not waited for; the supervisor records it");
            Ok(Exit::Interrupted)
        }
    }
}

/// The agent ended well; whether the thread is done, its tasks tell.
fn completed(ctx: &Context, handle: &StreamHandle, thread: ThreadId) -> CommandResult {
    let stream = handle.store.read()?;
    let Some(thread) = stream.thread(thread) else { return Ok(Exit::Done) };
    let open: Vec<String> = thread
        .tasks
        .iter()
        .filter(|task| !task.status.is_settled())
        .map(|task| format!("{} ({})", task.id, task.status.name()))
        .collect();
    if open.is_empty() {
        ctx.screen.note(&format!("thread {} is {}", thread.id, status_of(thread).name()));
        return Ok(Exit::Done);
    }
    let message = format!(
        "the agent ended its turn, and tasks of thread `{}` are open: {}",
        thread.id,
        open.join(", ")
    );
    Err(Failed::new(Exit::Failed, "incomplete", message)
        .hint(format!("`work execute --thread {} --message TEXT` goes on", thread.id)))
}
