//! `work session connect [WHICH]`

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::connect::connect;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::Workspace;
use crate::engine::connected::{self, connected};
use crate::engine::session::find;
use crate::ipc::{ClientError, ClientMessage, ServerMessage};
use crate::model::{KnownSession, SessionId};
use crate::ui::{choose, sessions_lines};

/// How long the agent's server may take to start.
const PATIENCE: Duration = Duration::from_secs(90);

/// What `work session connect` did, or found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    /// The session that is connected now.
    connected: Option<&'a SessionId>,
    /// The sessions that opencode knows here, the last used one first; empty where nothing was asked of it.
    sessions: &'a [KnownSession],
}

/// Makes the session that the person means the one that `--mode primary` talks to.
pub(super) fn run(ctx: &Context, which: Option<&str>, none: bool, list: bool) -> CommandResult {
    let workspace = ctx.ready()?;
    if none {
        connected::disconnect(&workspace)?;
        return told(ctx, None, &[]);
    }
    let known = sessions(ctx, &workspace)?;
    if list {
        let now = connected(&workspace)?;
        ctx.print(&Document { connected: now.as_ref(), sessions: &known }, || {
            sessions_lines(&ctx.screen, &known, now.as_ref()).join("\n")
        })?;
        return Ok(Exit::Done);
    }
    let session = match which {
        Some(which) => named(ctx, which, &known)?,
        None => match picked(ctx, &workspace, &known)? {
            Some(session) => session,
            None => {
                ctx.screen.note("nothing was changed");
                return Ok(Exit::Interrupted);
            }
        },
    };
    connected::connect(&workspace, &session)?;
    told(ctx, Some(&session), &known)
}

fn told(ctx: &Context, session: Option<&SessionId>, known: &[KnownSession]) -> CommandResult {
    ctx.print(&Document { connected: session, sessions: known }, || match session {
        Some(session) => format!("connected {session}"),
        None => "no session is connected".to_owned(),
    })?;
    if session.is_some() {
        ctx.screen
            .hint("`work session attach` opens it; `work execute --thread ID --mode primary` talks to it");
    }
    Ok(Exit::Done)
}

/// What opencode knows in the main checkout.
fn sessions(ctx: &Context, workspace: &Workspace) -> Result<Vec<KnownSession>, Failed> {
    let (client, finish) = connect(ctx, workspace, false)?;
    let ask = ClientMessage::ListSessions { directory: workspace.root.clone() };
    let answer = client.ask_within(&ask, PATIENCE);
    drop(client);
    finish();
    match answer? {
        ServerMessage::Sessions { sessions } => Ok(sessions),
        _ => Err(ClientError::NoAnswer(None).into()),
    }
}

/// A session by its own id, or by thread, as everywhere. opencode must know it.
fn named(ctx: &Context, which: &str, known: &[KnownSession]) -> Result<SessionId, Failed> {
    if let Some(session) = known.iter().find(|session| session.id.0 == which) {
        return Ok(session.id.clone());
    }
    let unknown = |id: &str| {
        Failed::new(Exit::Usage, "unknown-id", format!("opencode knows no session `{id}` in this folder"))
            .hint("`work session connect --list` lists those that it knows")
    };
    if which.starts_with("ses_") {
        return Err(unknown(which));
    }
    let (_, _, stream) = ctx.state()?;
    let (thread, record) = find(&stream, which)?;
    let session = record.session.known().ok_or_else(|| {
        let message = format!("attempt {} of thread `{}` has no session", record.attempt, thread.id);
        Failed::new(Exit::Failed, "no-session", message)
    })?;
    let found = known.iter().find(|known| known.id == *session);
    found.map(|known| known.id.clone()).ok_or_else(|| unknown(&session.0))
}

/// Asks. `None` when the person wants none.
fn picked(ctx: &Context, workspace: &Workspace, known: &[KnownSession]) -> Result<Option<SessionId>, Failed> {
    if !ctx.screen.interactive || ctx.json {
        return Err(Failed::new(Exit::Usage, "usage", "which session is to be connected was not said")
            .hint("`work session connect SESSION`; `--list` lists them"));
    }
    if known.is_empty() {
        return Err(Failed::new(Exit::Failed, "no-session", "opencode has no session in this folder yet")
            .hint("begin one with `opencode`, then connect it"));
    }
    let now = connected(workspace)?;
    let _last_words = ctx.while_asking();
    let chosen = choose("which session", &sessions_lines(&ctx.screen, known, now.as_ref()), 0);
    Ok(chosen.and_then(|index| known.get(index)).map(|session| session.id.clone()))
}
