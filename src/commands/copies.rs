//! What `work validate --restore` says and asks of the engine.

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::failed::Failed;
use crate::engine::StreamHandle;
use crate::engine::restore::{self, CopyRow, RestoreError, Restored};
use crate::ui::copies_table;

/// The copies of tasks.json that can be read, newest first.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document {
    copies: Vec<CopyRow>,
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
