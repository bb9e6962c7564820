//! `work delete stage|batch|thread|task|stream ID`

use clap::Subcommand;

use super::Exit;
use super::context::Context;
use super::deleted::{DONE, part_words, stream_words};
use super::failed::{CommandResult, Failed};
use crate::engine::edits::{StateOf, delete_part, delete_stream};
use crate::engine::select;
use crate::ui::confirm;

/// Delete a part of PLAN.md, or a whole stream; says before what goes and where it can be got back
///
/// Threads of which something is recorded stay in tasks.json, as no longer in the plan. What is not
/// committed is kept in the trash of the private folder, `.git/work/trash/`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Delete a stage with its batches
    Stage(Of),
    /// Delete a batch with its threads
    Batch(Of),
    /// Delete a thread, by id or unique name
    Thread(Of),
    /// Delete a task
    Task(Of),
    /// Delete a stream: its folder with plan, state and all session records
    Stream(OfStream),
}

#[derive(Debug, clap::Args)]
struct Of {
    /// Its id
    id: String,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
struct OfStream {
    /// The stream, by id, number or name; or named with `--stream`
    #[arg(value_name = "STREAM")]
    id: Option<String>,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, clap::Args)]
struct How {
    /// Delete without being asked; needed where there is no terminal
    #[arg(short, long)]
    yes: bool,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    ctx.needs_person("delete parts of a plan, or a stream")?;
    match &args.what {
        What::Stage(of) => part(ctx, "stage", of),
        What::Batch(of) => part(ctx, "batch", of),
        What::Thread(of) => part(ctx, "thread", of),
        What::Task(of) => part(ctx, "task", of),
        What::Stream(of) => stream(ctx, of),
    }
}

fn part(ctx: &Context, kind: &'static str, Of { id, how }: &Of) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let would = delete_part(&workspace, &handle, kind, id, true)?;
    if how.dry_run {
        ctx.print(&would, || part_words(&would, "would delete"))?;
        return Ok(Exit::Done);
    }
    if !agreed(ctx, how, &part_words(&would, "this deletes"), &would.deleted.id.to_string())? {
        return Ok(Exit::Failed);
    }
    let deleted = delete_part(&workspace, &handle, kind, id, false)?;
    ctx.print(&deleted, || part_words(&deleted, DONE))?;
    if !ctx.json && deleted.state == StateOf::NeedsApproval {
        ctx.screen.hint("`work approve plan` takes the rest over");
    }
    Ok(Exit::Done)
}

fn stream(ctx: &Context, OfStream { id, how }: &OfStream) -> CommandResult {
    let workspace = ctx.ready()?;
    let Some(wanted) = id.as_deref().or(ctx.asked_stream()) else {
        return Err(Failed::new(Exit::Usage, "usage", "name the stream that is to be deleted")
            .hint("`work list` shows them; the current one is not taken unasked"));
    };
    let handle = select(&workspace, Some(wanted), None)?;
    let would = delete_stream(&workspace, &handle, true)?;
    if how.dry_run {
        ctx.print(&would, || stream_words(&would, "would delete"))?;
        return Ok(Exit::Done);
    }
    if !agreed(ctx, how, &stream_words(&would, "this deletes"), would.deleted.as_str())? {
        return Ok(Exit::Failed);
    }
    let deleted = delete_stream(&workspace, &handle, false)?;
    ctx.print(&deleted, || stream_words(&deleted, DONE))?;
    Ok(Exit::Done)
}

/// Shows what goes, and asks. Without a person at a terminal nobody can give their word.
fn agreed(ctx: &Context, how: &How, what: &str, id: &str) -> Result<bool, Failed> {
    if how.yes {
        return Ok(true);
    }
    if !ctx.screen.interactive || ctx.json {
        return Err(Failed::new(
            Exit::Waiting,
            "needs-confirmation",
            format!("deleting `{id}` needs a person's word"),
        )
        .hint("`--yes` gives it; `--dry-run` says what would go, and where it can be got back"));
    }
    ctx.screen.say(what.trim_end());
    let agreed = confirm(&ctx.screen, &format!("delete {id}?"));
    if !agreed {
        ctx.screen.say("nothing was deleted");
    }
    Ok(agreed)
}
