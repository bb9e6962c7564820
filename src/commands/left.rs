//! What a command says that finds no supervisor, and what one that died has left.

use super::Exit;
use super::context::Context;
use super::failed::Failed;
use crate::engine::Workspace;
use crate::supervisor::{Left, end_left};

/// Ends it, and says so where there was something.
pub(super) fn tidy(ctx: &Context, workspace: &Workspace, what: Left) -> Result<(), Failed> {
    let failed = |error: std::io::Error| {
        let message = format!("what a dead supervisor may have left could not be ended: {error}");
        Failed::new(Exit::Failed, "agents-left", message)
    };
    match end_left(&workspace.private, what).map_err(failed)? {
        0 => {}
        1 => ctx.screen.note("ended the agent that a supervisor which died had left"),
        many => ctx.screen.note(&format!("ended the {many} agents that a supervisor which died had left")),
    }
    Ok(())
}
