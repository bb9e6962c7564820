//! `work review`

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::read_text;
use crate::engine::review::review;
use crate::ui::review_text;

/// Show what changed in PLAN.md since it was approved: per thread, and in the texts of stages and batches
///
/// The exit code is 0 whether something changed or not.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(ctx: &Context, _args: &Args) -> CommandResult {
    let (workspace, handle, stream) = ctx.state()?;
    let path = handle.plan_file();
    let source = read_text(&path).map_err(|error| Failed::unreadable_plan(&path, &error))?;
    let review = review(&workspace, &handle, &stream, &source);
    ctx.print(&review, || review_text(&ctx.screen, &review))?;
    if !ctx.json && (review.approved_at.is_none() || !review.threads.is_empty() || !review.texts.is_empty()) {
        ctx.screen.hint("`work approve plan` approves the plan as it is now");
    }
    Ok(Exit::Done)
}
