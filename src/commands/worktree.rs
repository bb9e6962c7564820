//! `work worktree list|path|open|remove|prune`, and `work gc`

use std::path::PathBuf;

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::changes::meant;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::changes::{ChangeError, Collected, Desk, Preparation};
use crate::model::{AgentEvent, CommandStep, ThreadId};
use crate::sys::env::raw;
use crate::sys::shell::Stop;
use crate::sys::{process, signals};
use crate::ui::{LogPrinter, worktrees_table};

/// Look at the worktrees of threads, open one, remove one
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What lies in a worktree is kept in a snapshot before it is removed, or it stays, and says why."
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them, with what they take on the disk
    List,
    /// Print the folder of a thread's worktree
    Path {
        /// The thread, by id or name
        thread: String,
    },
    /// Start a shell in the worktree of a thread, which is made when it is not there
    Open {
        /// The thread, by id or name
        thread: String,
    },
    /// Remove the worktree of a thread; its pending change stays pending
    Remove {
        /// The thread, by id or name
        thread: String,
        /// Give up the ignored files in it, too, which are in no snapshot
        #[arg(long)]
        ignored: bool,
    },
    /// Remove those of streams and threads that are done or gone, an hour after their last change
    Prune {
        /// Only say which
        #[arg(long)]
        dry_run: bool,
    },
}

/// Tidy up: remove what nobody needs any more, an hour after its last change
#[derive(Debug, clap::Args)]
pub(super) struct GcArgs {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// The worktree of a thread.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    thread: ThreadId,
    /// Its folder.
    #[serde(serialize_with = "crate::engine::lossy::path")]
    #[schemars(with = "String")]
    path: PathBuf,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let desk = Desk::open(&workspace)?;
    match args.what.as_ref().unwrap_or(&What::List) {
        What::List => {
            let rows = desk.worktrees_in_use()?;
            ctx.print(&rows, || worktrees_table(&ctx.screen, &rows))?;
        }
        What::Path { thread } => {
            let (stream, thread) = meant(ctx, &workspace, thread)?;
            let path = desk.ready_path(&stream, thread)?.ok_or(ChangeError::NoWorktree(thread))?;
            ctx.print(&Place { thread, path: path.clone() }, || path.display().to_string())?;
        }
        What::Open { thread } => {
            let (stream, thread) = meant(ctx, &workspace, thread)?;
            let settings = ctx.settings(&workspace)?.worktree;
            let stop = Stop::default();
            let stopped_by = stop.clone();
            // Without it, the commands in their own process groups would outlive us.
            let watched = signals::watch(move |_| stop.stop());
            if let Err(error) = watched {
                ctx.screen.warn(&format!("signals can't be watched: {error}"));
            }
            let mut printer = LogPrinter::new(ctx.screen);
            let desk = desk.stopped_by(stopped_by);
            let path = desk.ensure_worktree(&stream, thread, &settings, &mut |what| match what {
                Preparation::Doing(what) => ctx.screen.note(&what),
                Preparation::Command(event) if ctx.screen.interactive && !ctx.json => printer.event(&event),
                // What a script reads is the folder alone.
                Preparation::Command(AgentEvent::Command { step: CommandStep::Wrote { line }, .. }) => {
                    ctx.screen.note(&line);
                }
                Preparation::Command(_) => {}
            })?;
            return open(ctx, &Place { thread, path });
        }
        What::Remove { thread, ignored } => {
            ctx.needs_person("remove a worktree")?;
            let (stream, thread) = meant(ctx, &workspace, thread)?;
            let path = desk.remove_worktree(&stream, thread, *ignored)?;
            ctx.print(&Place { thread, path: path.clone() }, || {
                format!(
                    "removed `{}`; what was in it is kept, and is there again when the thread runs",
                    path.display()
                )
            })?;
        }
        What::Prune { dry_run } => return collect(ctx, &desk, *dry_run),
    }
    Ok(Exit::Done)
}

pub(super) fn gc(ctx: &Context, args: &GcArgs) -> CommandResult {
    let workspace = ctx.ready()?;
    let desk = Desk::open(&workspace)?;
    collect(ctx, &desk, args.dry_run)
}

fn collect(ctx: &Context, desk: &Desk, dry_run: bool) -> CommandResult {
    let collected = desk.collect(dry_run)?;
    ctx.print(&collected, || words(&collected))?;
    Ok(Exit::Done)
}

fn words(collected: &Collected) -> String {
    let verb = if collected.dry_run { "would remove" } else { "removed" };
    let gone = collected.removed.iter().map(|one| format!("{verb} `{}`: {}\n", one.path.display(), one.why));
    let stays = collected.stays.iter().map(|one| format!("`{}` stays: {}\n", one.path.display(), one.why));
    let all: String = gone.chain(stays).collect();
    if all.is_empty() { "nothing to remove\n".to_owned() } else { all }
}

/// A shell in it, where somebody sits; else where it is.
fn open(ctx: &Context, place: &Place) -> CommandResult {
    if ctx.json || !ctx.screen.interactive {
        ctx.print(place, || place.path.display().to_string())?;
        return Ok(Exit::Done);
    }
    let shell = raw("SHELL").unwrap_or_else(|| "/bin/sh".into());
    let status = process::foreground(&shell).current_dir(&place.path).status();
    match status {
        // How the last command in it ended is nobody's business.
        Ok(_) => Ok(Exit::Done),
        Err(error) => {
            let message = format!("cannot start `{}`: {error}", shell.to_string_lossy());
            Err(Failed::new(Exit::Program, "shell", message))
        }
    }
}
