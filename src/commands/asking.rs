//! Who decides what an agent may: the command line, its entry, the project, or whether somebody is there.

use super::context::Context;
use crate::config::{Settings, duration_words};
use crate::engine::Prepared;
use crate::ipc::Asking;
use crate::model::{Mode, Policy};

/// What happens when the agent of this turn asks, the most specific word first. Where nothing is said, a
/// person is asked if one can see it and can answer.
pub(super) fn asking(ctx: &Context, settings: &Settings, prepared: &Prepared, no_supervisor: bool) -> Asking {
    // A turn within this command is reached by nobody but who sits here, or before the agent's own UI.
    let here = ctx.screen.interactive && !ctx.json;
    let reachable = !no_supervisor || here || prepared.spec.mode == Mode::Tui;
    let usual = if ctx.screen.interactive && reachable { Policy::Ask } else { Policy::Deny };
    let policy = prepared.permissions.or(settings.permissions).unwrap_or(usual);
    let timeout = settings.ask_timeout;
    if policy == Policy::Ask && !reachable {
        let time = duration_words(timeout);
        let words = "with `--no-supervisor` nobody can answer what the agent asks";
        ctx.screen.warn(&format!("{words}; each request is denied after {time}"));
    }
    Asking { policy, timeout }
}
