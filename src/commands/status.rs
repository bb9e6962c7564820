//! `work status`

use std::collections::BTreeMap;
use std::time::Duration;

use super::Exit;
use super::connect::endpoint;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::agents::load_settings;
use crate::engine::budget;
use crate::engine::changes::{Desk, has_any};
use crate::engine::drift::drift_or_trouble;
use crate::engine::hint::chain;
use crate::engine::jobs::{Queue, mark};
use crate::engine::status::{StatusReport, report};
use crate::engine::windows::{WindowPlace, places};
use crate::engine::{StreamHandle, Workspace};
use crate::model::{Stream, ThreadId};
use crate::sys::watch::Watch;
use crate::ui::{StatusView, status_table};

/// Show how the stream stands: progress by stage, and each thread with its last session
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show the record of every attempt instead: session, model, time, tokens, cost
    #[arg(long)]
    sessions: bool,
    /// Stay, and show every change as it comes; Ctrl-C ends it
    #[arg(short, long)]
    watch: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let view = if args.sessions { StatusView::Sessions } else { StatusView::Threads };
    if args.watch {
        return watch(ctx, view);
    }
    let (workspace, handle, stream) = ctx.state()?;
    let mut status = look(ctx, &workspace, &stream, &handle);
    Windows::default().tell(ctx, &workspace, &mut status);
    ctx.print(&status, || status_table(&ctx.screen, &status, view))?;
    if ctx.json {
        return Ok(Exit::Done);
    }
    if let Some(why) = &status.plan_unreadable {
        ctx.screen
            .warn(&format!("cannot read `{}`, so nothing of it runs: {why}", handle.plan_file().display()));
        ctx.screen
            .hint("bring it back with git, or from the copy of what was approved in `.git/work/approved`");
        return Ok(Exit::Done);
    }
    for drift in &status.drift {
        ctx.screen.warn(&format!("thread {} `{}` {}", drift.id, drift.name, drift.kind.words()));
    }
    if !status.drift.is_empty() {
        ctx.screen.hint("`work approve plan` approves the plan as it is now");
    } else if !status.approved {
        ctx.screen.hint("`work validate plan`, then `work approve plan`");
    }
    unapplied(ctx, &workspace, &handle);
    Ok(Exit::Done)
}

/// Tells of changes that lie in worktrees: no other thread can see them.
fn unapplied(ctx: &Context, workspace: &Workspace, handle: &StreamHandle) {
    if !has_any(workspace) {
        return;
    }
    match Desk::open(workspace).and_then(|desk| desk.threads()) {
        Ok(threads) => {
            let pending = threads.iter().filter(|refs| refs.stream == handle.id && refs.pending().is_some());
            let ids: Vec<String> = pending.map(|refs| refs.thread.to_string()).collect();
            if !ids.is_empty() {
                let ids = ids.join(", ");
                ctx.screen.hint(&format!(
                    "what {ids} changed is not applied, and no other thread can see it: `work changes`"
                ));
            }
        }
        Err(error) => ctx.screen.warn(&chain(&error)),
    }
}

/// The report of a stream, with what is wrong with its plan.
fn look(ctx: &Context, workspace: &Workspace, stream: &Stream, handle: &StreamHandle) -> StatusReport {
    let mut report = match drift_or_trouble(stream, handle) {
        Ok(drift) => report(stream, drift),
        Err(error) => StatusReport { plan_unreadable: Some(error.to_string()), ..report(stream, Vec::new()) },
    };
    match Queue::new(workspace).read() {
        Ok(jobs) => mark(&mut report, &jobs),
        // The threads stand as they stand, whatever is queued.
        Err(error) => ctx.screen.warn(&chain(&error)),
    }
    match load_settings(workspace) {
        Ok(settings) => budget::mark(&mut report, &settings.budget),
        Err(error) => ctx.screen.warn(&format!("no budget is shown: {}", chain(&error))),
    }
    report
}

/// The windows of what runs. tmux is asked only when something runs, and again only when something else does.
#[derive(Default)]
struct Windows {
    running: Vec<(ThreadId, u32)>,
    found: BTreeMap<ThreadId, WindowPlace>,
}

impl Windows {
    fn tell(&mut self, ctx: &Context, workspace: &Workspace, status: &mut StatusReport) {
        let running = status.running();
        if running != self.running {
            // Where a window is, is no reason to fail: the records are what counts.
            let asked = endpoint(ctx, workspace).ok().filter(|_| !running.is_empty());
            self.found = asked.map(|at| places(&ctx.env, &at, &status.stream)).unwrap_or_default();
            self.running = running;
        }
        status.place(&self.found);
    }
}

/// How soon the death of whoever runs a thread is seen: no file tells of it.
const RUNNING: Duration = Duration::from_secs(1);

/// How long nothing needs to be looked at while nothing runs.
const RESTING: Duration = Duration::from_secs(3_600);

/// Draws anew when the stream's folder changes, or the queue of jobs. With `--json` it prints a document for every change.
fn watch(ctx: &Context, view: StatusView) -> CommandResult {
    if !ctx.json && ctx.screen.room.is_none() {
        return Err(Failed::new(Exit::Usage, "usage", "`--watch` needs a terminal")
            .hint("`--watch --json` prints a document for every change"));
    }
    let (workspace, handle, _) = ctx.state()?;
    let mut windows = Windows::default();
    // Its jobs stand in the queue.
    let folder = Watch::dir(&handle.dir).and_replaced_in(&workspace.private);
    let mut shown = String::new();
    loop {
        let stream = handle.store.read()?;
        let mut status = look(ctx, &workspace, &stream, &handle);
        windows.tell(ctx, &workspace, &mut status);
        let runs = !status.running().is_empty();
        let screen = ctx.screen.at(ctx.env.clock.now());
        let text =
            if ctx.json { serde_json::to_string(&status)? } else { status_table(&screen, &status, view) };
        if text != shown {
            if ctx.json {
                screen.out(&text);
            } else {
                screen.redraw(&text);
            }
            shown = text;
        }
        folder.wait(if runs { RUNNING } else { RESTING });
    }
}
