//! `work complete`

use super::context::Context;
use super::failed::CommandResult;
use super::{Exit, added, hold};
use crate::engine::standing::complete;

/// Call the stream completed: nothing of it is started any more; `work unhold` opens it again
///
/// It changes the stream's state and nothing else: no file of yours, no branch, nothing elsewhere.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Though threads are not done; they are listed
    #[arg(long)]
    force: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    ctx.needs_person("call a stream completed")?;
    let standing = complete(&added::stream(ctx)?.store, args.force)?;
    ctx.print(&standing, || hold::words(&standing, "completed"))?;
    for open in &standing.open {
        let name = crate::ui::one_line(&open.name);
        ctx.screen.warn(&format!("thread {} `{name}` is {}", open.id, open.status.name()));
    }
    Ok(Exit::Done)
}
