//! `work status`

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::drift::drift_of;
use crate::engine::status::report;
use crate::ui::{StatusView, status_table};

/// Show how the stream stands: progress by stage, and each thread with its last session
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show the record of every attempt instead: session, model, time, tokens, cost
    #[arg(long)]
    sessions: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let (_, handle, stream) = ctx.state()?;
    let status = report(&stream, drift_of(&stream, &handle));
    let view = if args.sessions { StatusView::Sessions } else { StatusView::Threads };
    ctx.print(&status, || status_table(&ctx.screen, &status, view))?;
    if ctx.json {
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
    Ok(Exit::Done)
}
