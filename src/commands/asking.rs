//! Who decides what an agent may: the command line, its entry, the project, or whether somebody is there.

use super::context::Context;
use crate::config::{Settings, duration_words};
use crate::engine::Prepared;
use crate::ipc::Asking;
use crate::model::{Mode, Policy};

/// A turn within this command is reached by nobody but who sits here, or before the agent's own UI.
fn is_reachable(prepared: &Prepared, here: bool, no_supervisor: bool) -> bool {
    !no_supervisor || here || prepared.spec.mode == Mode::Tui
}

/// What happens when the agent of this turn asks, the most specific word first. Where nothing is said, a
/// person is asked if one can see it and can answer. `watched` says whether somebody sees the turn.
pub(super) fn policy_of(
    settings: &Settings,
    prepared: &Prepared,
    watched: bool,
    no_supervisor: bool,
) -> Policy {
    let usual =
        if watched && is_reachable(prepared, watched, no_supervisor) { Policy::Ask } else { Policy::Deny };
    prepared.permissions.or(settings.permissions).unwrap_or(usual)
}

/// The policy of a turn that begins here, with its timeout.
pub(super) fn asking(ctx: &Context, settings: &Settings, prepared: &Prepared, no_supervisor: bool) -> Asking {
    // What is typed is an answer only where text is shown.
    let here = ctx.screen.interactive && !ctx.json;
    let policy = policy_of(settings, prepared, ctx.screen.interactive, no_supervisor);
    let timeout = settings.ask_timeout;
    if policy == Policy::Ask && !is_reachable(prepared, here, no_supervisor) {
        let time = duration_words(timeout);
        let words = "with `--no-supervisor` nobody can answer what the agent asks";
        ctx.screen.warn(&format!("{words}; each request is denied after {time}"));
    }
    Asking { policy, timeout }
}
