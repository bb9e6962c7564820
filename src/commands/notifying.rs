//! Who is told of what becomes of a turn, besides whoever looks at it.

use super::connect::endpoint;
use super::context::Context;
use super::failed::Failed;
use crate::adapters::tmux;
use crate::config::Notify;
use crate::engine::Workspace;
use crate::ipc::Notifying;

/// As the project says, unless the run is to be quiet. In tmux, those are told who look at the windows of this
/// repository, and at the server that this command runs in.
pub(super) fn notifying(
    ctx: &Context,
    workspace: &Workspace,
    how: Notify,
    quiet: bool,
) -> Result<Option<Notifying>, Failed> {
    if quiet || how.on.is_empty() {
        return Ok(None);
    }
    let own = endpoint(ctx, workspace)?.tmux_socket();
    let around = ctx.env.tmux_server.as_deref().and_then(tmux::socket_of).filter(|socket| *socket != own);
    let tmux = [own].into_iter().chain(around).collect();
    Ok(Some(Notifying { how, tmux }))
}
