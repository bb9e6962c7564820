//! What `work validate --restore` says and asks of the engine.

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::connect::endpoint;
use super::context::Context;
use super::failed::Failed;
use crate::engine::restore::{self, CopyRow, RestoreError, Restored};
use crate::engine::{StreamHandle, Workspace};
use crate::ipc::Client;
use crate::store::JobStore;
use crate::ui::copies_table;

/// The copies of tasks.json that can be read, newest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document {
    copies: Vec<CopyRow>,
}

/// Brings the queue of jobs back where it can't be read, and says so. Tells whether it was.
pub(super) fn restore_jobs(ctx: &Context, workspace: &Workspace) -> Result<bool, Failed> {
    let store = JobStore::new(&workspace.private);
    let Err(error) = store.read() else { return Ok(false) };
    let Some(copy) = store.newest_copy() else { return Err(error.into()) };
    // A supervisor has jobs in mind that the copy may not have.
    if Client::connect(&endpoint(ctx, workspace)?.serving_socket()).is_ok() {
        let message = "a supervisor is running, and may be at work on jobs of the queue";
        return Err(Failed::new(Exit::Failed, "running", message).hint("`work supervisor stop`, then again"));
    }
    let kept = store.restore(&copy)?;
    ctx.screen.note(&format!(
        "restored the queue of {} jobs; the file that was there is kept as `{}`",
        copy.jobs,
        kept.display()
    ));
    ctx.screen.hint("`work jobs` lists them; none starts before `work jobs start`");
    Ok(true)
}

/// Brings a copy back and says so, or lists them where nothing needs to be brought back. Tells whether
/// something was.
pub(super) fn restore(ctx: &Context, handle: &StreamHandle, wanted: Option<&str>) -> Result<bool, Failed> {
    if wanted.is_none() && restore::is_sound(handle) {
        let copies = restore::copies(handle);
        if copies.is_empty() {
            return Err(RestoreError::NoCopy(handle.store.path()).into());
        }
        let document = Document { copies };
        ctx.print(&document, || copies_table(&ctx.screen, &document.copies))?;
        ctx.screen.note("tasks.json can be read; nothing was restored");
        ctx.screen.hint(
            "`work validate --restore COPY` brings one of these back, and keeps the file that is there",
        );
        return Ok(false);
    }
    let Restored { copy, kept } = restore::restore(handle, wanted)?;
    let what =
        format!("restored the copy of {} ({} tasks, {} session records)", copy.at, copy.tasks, copy.sessions);
    ctx.screen.note(&match kept {
        Some(kept) => format!("{what}; the file that was there is kept as `{}`", kept.display()),
        None => what,
    });
    let others = restore::copies(handle).iter().filter(|copy| !copy.same).count();
    if wanted.is_none() && others > 0 {
        ctx.screen.hint(&format!("`work validate --restore` lists the other copies ({others})"));
    }
    Ok(true)
}
