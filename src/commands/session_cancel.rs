//! `work session cancel WHICH`

use std::time::Duration;

use super::Exit;
use super::connect::endpoint;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::owner;
use crate::engine::session::{find, view};
use crate::ipc::{Client, ClientError, ClientMessage, Refusal, ServerMessage};

/// How long an agent may take to end a turn.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks the supervisor to cancel the turn, and returns when its end is on record.
pub(super) fn run(ctx: &Context, which: &str) -> CommandResult {
    let (workspace, handle, stream) = ctx.state()?;
    let (thread, record) = find(&stream, which)?;
    let (id, attempt) = (thread.id, record.attempt);
    let Some(owner) = thread.holder().map(|(_, owner)| owner).filter(|owner| owner::is_alive(owner)) else {
        return Err(Failed::new(Exit::Failed, "nothing-to-do", format!("thread `{id}` does not run"))
            .hint(format!("`work why {id}` tells how it stands")));
    };
    let elsewhere = || {
        let message = format!("thread `{id}` is run by process {}, not by the supervisor", owner.pid);
        Failed::new(Exit::Failed, "elsewhere", message).hint("Ctrl-C in its own terminal cancels it")
    };
    let mut client = match Client::connect(&endpoint(ctx, &workspace)?.serving_socket()) {
        Ok(client) => client,
        Err(ClientError::Unreachable { .. }) => return Err(elsewhere()),
        Err(error) => return Err(error.into()),
    };
    let cancel = ClientMessage::CancelTurn { stream: handle.id.clone(), thread: id };
    match client.ask_within(&cancel, PATIENCE) {
        Ok(ServerMessage::Cancelled) => {}
        Err(ClientError::Refused { reason: Refusal::NothingRuns, .. }) => return Err(elsewhere()),
        Err(error) => return Err(error.into()),
        Ok(_) => return Err(ClientError::NoAnswer(None).into()),
    }
    let stream = handle.store.read()?;
    let (thread, record) = find(&stream, &format!("{id}/{attempt}"))?;
    ctx.print(&view(thread, record), || {
        format!("cancelled {id}; `work fix --thread {id} --resume` goes on")
    })?;
    Ok(Exit::Done)
}
