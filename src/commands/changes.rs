//! `work changes [list|show|apply|drop|restore|undo]`

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::changes_apply;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::Workspace;
use crate::engine::changes::{ChangeRow, Desk, Source};
use crate::engine::thread;
use crate::model::{ObjectId, StreamId, ThreadId, TurnMark, TurnNumber};
use crate::sys::process;
use crate::ui::{change_text, changes_table, turn_line};

/// Look at what threads changed in their worktrees, and bring it into the main checkout
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a subcommand it lists them. Nothing is lost by any of these: whatever is dropped, undone or \
                  removed stays in a snapshot."
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the pending changes, by whom they are, and what they would conflict with
    List,
    /// Show a pending change: its files, its turns and its diff
    Show {
        /// The thread, by id or name
        thread: String,
        /// Only what this turn changed
        #[arg(long, value_name = "N")]
        turn: Option<TurnNumber>,
        /// Only what the turns of this agent changed
        #[arg(long, value_name = "AGENT")]
        by: Option<String>,
        /// Only the files, without the diff
        #[arg(long)]
        files: bool,
    },
    /// Bring pending changes into the main checkout: all of them, or none
    Apply(changes_apply::Args),
    /// Give a pending change up, with its worktree; its snapshot stays
    Drop {
        /// The thread, by id or name
        thread: String,
        /// Give up the ignored files in its worktree, too, which are in no snapshot
        #[arg(long)]
        ignored: bool,
    },
    /// Make a snapshot the pending change of its thread again (default: what was dropped last)
    Restore {
        /// The thread, by id or name
        thread: String,
        /// What this turn left
        #[arg(long, value_name = "N", conflicts_with = "dropped")]
        turn: Option<TurnNumber>,
        /// What was dropped under this number
        #[arg(long, value_name = "K")]
        dropped: Option<u32>,
        /// Give up the ignored files in its worktree, too, which are in no snapshot
        #[arg(long)]
        ignored: bool,
    },
    /// Take the last apply back, byte for byte
    Undo {
        /// Only say what would be taken back
        #[arg(long)]
        dry_run: bool,
    },
}

/// A snapshot that was kept.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Snapshot {
    thread: ThreadId,
    /// The number under which what was pending is kept; none when nothing was.
    dropped: Option<u32>,
}

/// A thread's change and its snapshots.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    /// What is pending.
    change: Option<ChangeRow>,
    /// All turns of which there is a snapshot.
    turns: Vec<Turn>,
    /// The numbers of what was dropped.
    dropped: Vec<u32>,
}

/// A snapshot of a turn.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Turn {
    commit: ObjectId,
    #[serde(flatten)]
    mark: TurnMark,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let desk = Desk::open(&workspace)?;
    match args.what.as_ref().unwrap_or(&What::List) {
        What::List => {
            let only =
                ctx.asked_stream().map(|_| ctx.stream(&workspace)).transpose()?.map(|handle| handle.id);
            let rows = desk.list(only.as_ref())?;
            ctx.print(&rows, || changes_table(&ctx.screen, &rows))?;
        }
        What::Show { thread, turn, by, files } => {
            let (stream, thread) = meant(ctx, &workspace, thread)?;
            return show(ctx, &desk, &stream, thread, *turn, by.as_deref(), *files);
        }
        What::Apply(args) => return changes_apply::run(ctx, &workspace, &desk, args),
        What::Drop { thread, ignored } => {
            ctx.needs_person("give a change up")?;
            let (stream, thread) = meant(ctx, &workspace, thread)?;
            let dropped = Some(desk.drop_change(&stream, thread, *ignored)?);
            ctx.print(&Snapshot { thread, dropped }, || {
                format!("dropped the change of {thread}; `work changes restore {thread}` brings it back")
            })?;
        }
        What::Restore { thread, turn, dropped, ignored } => {
            ctx.needs_person("bring a change back")?;
            let (stream, thread) = meant(ctx, &workspace, thread)?;
            let source = turn.map_or(Source::Dropped(*dropped), Source::Turn);
            let dropped = desk.restore_change(&stream, thread, source, *ignored)?;
            ctx.print(&Snapshot { thread, dropped }, || match dropped {
                Some(number) => format!(
                    "restored; what was pending is kept: `work changes restore {thread} --dropped {number}` brings \
                     it back"
                ),
                None => format!("restored; `work changes show {thread}` shows it"),
            })?;
        }
        What::Undo { dry_run } => {
            ctx.needs_person("take an apply back")?;
            let undone = desk.undo(*dry_run)?;
            let (verb, count) = (if *dry_run { "would take" } else { "took" }, undone.files.len());
            let threads: Vec<String> = undone.threads.iter().map(ToString::to_string).collect();
            ctx.print(&undone, || {
                let files = if count == 1 {
                    "1 file is as it was"
                } else {
                    &format!("{count} files are as they were")
                };
                format!("{verb} {} back: {files}", threads.join(", "))
            })?;
        }
    }
    Ok(Exit::Done)
}

/// A thread of the stream that is meant; one that its stream no longer has is known by its id.
pub(super) fn meant(
    ctx: &Context,
    workspace: &Workspace,
    wanted: &str,
) -> Result<(StreamId, ThreadId), Failed> {
    let handle = ctx.stream(workspace)?;
    match thread(&handle.store.read()?, wanted) {
        Ok(thread) => Ok((handle.id, thread.id)),
        Err(error) => wanted.parse().map(|id| (handle.id, id)).map_err(|_| error.into()),
    }
}

fn show(
    ctx: &Context,
    desk: &Desk,
    stream: &StreamId,
    thread: ThreadId,
    turn: Option<TurnNumber>,
    by: Option<&str>,
    files: bool,
) -> CommandResult {
    let refs = desk.thread(stream, thread)?;
    let change = desk.list(Some(stream))?.into_iter().find(|row| row.thread == thread);
    let turns = refs.turns.values();
    let turns =
        turns.map(|found| Turn { commit: found.at.commit.clone(), mark: found.turn.clone() }).collect();
    let shown = Shown { change, turns, dropped: refs.dropped.keys().copied().collect() };
    let pairs = desk.diffs(&refs, turn, by);
    if ctx.json {
        ctx.print(&shown, String::new)?;
        return Ok(Exit::Done);
    }
    if turn.is_none() && by.is_none() && (shown.change.is_some() || !shown.turns.is_empty()) {
        let text = match &shown.change {
            Some(row) => change_text(&ctx.screen, row),
            None => {
                let marks = shown.turns.iter().map(|turn| turn_line(&turn.mark));
                format!("{thread}: nothing is pending; its turns are kept\n{}", marks.collect::<String>())
            }
        };
        let dropped: Vec<String> = shown.dropped.iter().map(ToString::to_string).collect();
        let dropped = match dropped.is_empty() {
            true => String::new(),
            false => format!(
                "dropped: {}; `work changes restore {thread} --dropped N` brings one back\n",
                dropped.join(", ")
            ),
        };
        ctx.screen.out(&format!("{text}{dropped}"));
        if files || shown.change.is_none() {
            return Ok(Exit::Done);
        }
    }
    let pairs = pairs?;
    if files {
        return Ok(Exit::Done);
    }
    for (old, new) in pairs {
        // git's own pager and colours.
        let mut diff = process::foreground("git");
        diff.args(["diff", old.as_str(), new.as_str()]).current_dir(desk.root());
        let status = diff.status();
        if !status.as_ref().is_ok_and(std::process::ExitStatus::success) {
            let message = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            return Err(Failed::new(Exit::Program, "git", format!("`git diff` failed: {message}")));
        }
    }
    Ok(Exit::Done)
}
