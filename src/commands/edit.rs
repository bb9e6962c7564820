//! `work edit`

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Drawn, Failed};
use crate::diag::Severity;
use crate::engine::edits::{PlanEditError, edit_by_hand};
use crate::sys::env::raw;
use crate::ui::{one_line, tally};

/// Open PLAN.md in your editor, and say what changed
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(ctx: &Context, _args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let path = handle.plan_file();
    if !ctx.screen.interactive {
        return Err(PlanEditError::NoEditor { why: "an editor needs a terminal", path }.into());
    }
    let edited = edit_by_hand(&handle, raw("VISUAL").or_else(|| raw("EDITOR")).as_ref())?;
    let (screen, name) = (&ctx.screen, path.display().to_string());
    let doubts = edited.parsed.diagnostics.iter().filter(|finding| finding.severity != Severity::Note);
    let errors: Vec<_> = edited
        .parsed
        .diagnostics
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .cloned()
        .collect();
    if !errors.is_empty() {
        let what =
            if edited.changed { "the plan was changed, and has errors" } else { "the plan has errors" };
        let mut failed = Failed::new(Exit::Invalid, "plan", what);
        failed.drawn = Some(Drawn { name, source: edited.source.clone(), diagnostics: errors });
        return Err(failed.hint("`work edit` opens it again; `work validate plan` shows all findings"));
    }
    ctx.print(&edited, || {
        if edited.changed { "changed PLAN.md\n" } else { "nothing was changed\n" }.to_owned()
    })?;
    if let Some(tally) = tally(doubts) {
        screen.warn(&format!("the plan has {tally}; `work validate plan` shows them"));
    }
    for drift in &edited.drift {
        screen.warn(&format!("thread {} `{}` {}", drift.id, one_line(&drift.name), drift.kind.words()));
    }
    match (edited.approved, edited.drift.is_empty()) {
        _ if ctx.json => {}
        (true, true) => {}
        (true, false) => {
            screen
                .hint("`work review` shows what changed; `work approve plan` approves the plan as it is now");
        }
        (false, _) => screen.hint("`work validate plan` checks it; `work approve plan` lets it run"),
    }
    Ok(Exit::Done)
}
