//! Budgets that are nearly or quite used up, told below what became of several turns.

use super::context::Context;
use crate::engine::Workspace;
use crate::engine::agents::load_settings;
use crate::engine::budget::warnings;
use crate::engine::hint::chain;
use crate::model::{StreamId, ThreadId};

/// Warns of the limits of these threads and their stream. What can't be read is said, and is no failure: the
/// turns went as they went.
pub(super) fn warn(ctx: &Context, workspace: &Workspace, stream: &StreamId, threads: &[ThreadId]) {
    let budget = match load_settings(workspace) {
        Ok(settings) => settings.budget,
        Err(error) => return ctx.screen.warn(&format!("no budget is shown: {}", chain(&error))),
    };
    if !budget.is_set() {
        return;
    }
    match workspace.store(stream).read() {
        Ok(state) => warnings(&state, threads, &budget).iter().for_each(|text| ctx.screen.warn(text)),
        Err(error) => ctx.screen.warn(&format!("no budget is shown: {}", chain(&error))),
    }
}
