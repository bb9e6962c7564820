//! `work changes apply [THREAD…] [--batch SS.BB] [--all] [--commit]`

use super::Exit;
use super::changes::meant;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::changes::{Applied, ChangeError, Desk};
use crate::engine::hint::chain;
use crate::engine::{Hint as _, StreamHandle, Workspace};
use crate::model::{BatchId, StreamId, ThreadId};

/// Which changes, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The threads, by id or name, in the order in which they are applied
    #[arg(required_unless_present_any = ["batch", "all"], conflicts_with_all = ["batch", "all"])]
    threads: Vec<String>,
    /// All of this batch
    #[arg(long, value_name = "SS.BB", conflicts_with = "all")]
    batch: Option<BatchId>,
    /// All of the stream
    #[arg(long)]
    all: bool,
    /// Make a commit of it, with this title; else it is left uncommitted, and the index is not touched
    #[arg(long, value_name = "TITLE", num_args = 0..=1, default_missing_value = "")]
    commit: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(ctx: &Context, workspace: &Workspace, desk: &Desk, args: &Args) -> CommandResult {
    ctx.needs_person("apply a change")?;
    let wanted = if args.threads.is_empty() {
        pending(desk, &ctx.stream(workspace)?.id, args.batch)?
    } else {
        args.threads.iter().map(|wanted| meant(ctx, workspace, wanted)).collect::<Result<Vec<_>, _>>()?
    };
    let applied = if args.dry_run {
        desk.plan_apply(&wanted, args.commit.is_some())?.would()
    } else {
        let title = args.commit.as_deref().map(|title| titled(title, &wanted));
        desk.apply(&wanted, title.as_deref())?
    };
    ctx.print(&applied, || words(&applied))?;
    Ok(Exit::Done)
}

/// The threads of a stream, or of a batch of it, that have something pending.
fn pending(
    desk: &Desk,
    stream: &StreamId,
    batch: Option<BatchId>,
) -> Result<Vec<(StreamId, ThreadId)>, Failed> {
    let found = desk.pending(stream, batch)?;
    if found.is_empty() {
        return Err(Failed::new(Exit::Failed, "nothing-to-do", "no thread has a pending change")
            .hint("`work changes` lists what is pending"));
    }
    Ok(found)
}

/// Applies what the threads of a batch changed, if there is anything, and tells it; false when that is refused.
pub(super) fn apply_batch(
    ctx: &Context,
    workspace: &Workspace,
    handle: &StreamHandle,
    batch: BatchId,
) -> bool {
    let apply = || -> Result<Option<Applied>, ChangeError> {
        let desk = Desk::open(workspace)?;
        let wanted = desk.pending(&handle.id, Some(batch))?;
        if wanted.is_empty() { Ok(None) } else { desk.apply(&wanted, None).map(Some) }
    };
    match apply() {
        Ok(None) => ctx.screen.note("there is no change to apply"),
        Ok(Some(applied)) => ctx.screen.note(words(&applied).trim_end()),
        Err(error) => {
            ctx.screen.warn(&chain(&error));
            error.hints().iter().for_each(|hint| ctx.screen.hint(hint));
            return false;
        }
    }
    true
}

fn titled(title: &str, threads: &[(StreamId, ThreadId)]) -> String {
    if !title.trim().is_empty() {
        return title.to_owned();
    }
    let ids: Vec<String> = threads.iter().map(|(_, thread)| thread.to_string()).collect();
    format!("Apply {}", ids.join(", "))
}

/// What was done, in words.
pub(super) fn words(applied: &Applied) -> String {
    let threads: Vec<String> = applied.threads.iter().map(ToString::to_string).collect();
    let (verb, undo) = match applied.dry_run {
        true => ("would apply", ""),
        false => ("applied", "; `work changes undo` takes it back"),
    };
    let files = match applied.files.len() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    let commit =
        applied.commit.as_ref().map(|commit| format!(" in commit {}", commit.short())).unwrap_or_default();
    let mut text = format!("{verb} {}: {files}{commit}{undo}\n", threads.join(", "));
    applied.files.iter().for_each(|file| text.push_str(&format!("  {}\n", file.display())));
    text
}
