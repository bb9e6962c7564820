//! What the commands that add to a plan have in common: where to, and how it is told.

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::StreamHandle;
use crate::engine::edits::{Added, StateOf};
use crate::model::NodeId;
use crate::ui::{one_line, printable};

/// The stream whose plan is meant.
pub(super) fn stream(ctx: &Context) -> Result<StreamHandle, Failed> {
    ctx.stream(&ctx.ready()?)
}

/// Tells what was added, or would be, and what to do next.
pub(super) fn tell(ctx: &Context, added: &Added, dry_run: bool) -> CommandResult {
    ctx.print(added, || words(added, dry_run))?;
    if !ctx.json && !dry_run {
        hints(ctx, added);
    }
    Ok(Exit::Done)
}

fn words(added: &Added, dry_run: bool) -> String {
    let verb = if dry_run { "would add" } else { "added" };
    let mut text = String::new();
    for part in &added.added {
        text.push_str(&format!("{verb} {} {} {}\n", kind(part.id), part.id, one_line(&part.name)));
    }
    for moved in &added.moved {
        let verb = if dry_run { "would become" } else { "is now" };
        text.push_str(&format!("stage {} {verb} {}\n", moved.from, moved.to));
    }
    if dry_run {
        text.push_str(&format!("\n{}\n", printable(&added.text)));
    }
    text
}

pub(super) fn kind(id: NodeId) -> &'static str {
    match id {
        NodeId::Stage(_) => "stage",
        NodeId::Batch(_) => "batch",
        NodeId::Thread(_) => "thread",
        NodeId::Task(_) => "task",
    }
}

fn hints(ctx: &Context, added: &Added) {
    let Some(outer) = added.added.first().map(|part| part.id) else { return };
    let is_whole = added.added.len() > 1;
    match outer {
        NodeId::Stage(id) if !is_whole => {
            ctx.screen.hint(&format!("`work edit` fills it in; `work add-batch --stage {id} NAME` goes on"));
        }
        NodeId::Batch(id) => {
            ctx.screen.hint(&format!("`work edit` fills it in; `work add-thread --batch {id} NAME` goes on"));
        }
        NodeId::Thread(_) if added.text.contains("TODO:") => ctx.screen.hint("`work edit` fills it in"),
        _ => {}
    }
    match added.state {
        StateOf::TakenOver => {}
        StateOf::NotApproved => ctx.screen.hint("`work approve plan` approves the plan when it is ready"),
        StateOf::NeedsApproval => {
            ctx.screen.hint("`work approve plan` takes it over; until then it does not run");
        }
    }
    if !added.moved.is_empty() {
        ctx.screen
            .hint("ids that stand in texts of PLAN.md are as they were; `work review` shows what drifted");
    }
}
