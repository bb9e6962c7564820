//! `work session attach WHICH`

use std::path::PathBuf;
use std::time::Duration;

use super::Exit;
use super::connect::connect;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::config::{Agents, Place};
use crate::engine::Workspace;
use crate::engine::connected::connected;
use crate::engine::session::find;
use crate::engine::turn::foreground_ui;
use crate::ipc::{ClientError, ClientMessage, ServerMessage};
use crate::model::{AgentName, BackendKind, SessionId};

/// Whether an agent is opencode over ACP: its sessions are those of opencode's own server.
fn is_opencode(agents: &Agents, name: &AgentName) -> bool {
    let Some(agent) = agents.get(name) else { return false };
    let is = |word: &String| std::path::Path::new(word).file_name().is_some_and(|name| name == "opencode");
    agent.command.windows(2).any(|words| is(&words[0]) && words[1] == "acp")
}

/// How long the agent's server may take to start.
const PATIENCE: Duration = Duration::from_secs(90);

/// The session that is meant, the folder that it works in, and where its server is.
fn meant(ctx: &Context, which: Option<&str>) -> Result<(Workspace, SessionId, PathBuf, Place), Failed> {
    let Some(which) = which else {
        let workspace = ctx.ready()?;
        let Some(session) = connected(&workspace)? else {
            return Err(Failed::new(Exit::Usage, "usage", "which session is to be opened was not said")
                .hint("name a thread or a session, or connect one with `work session connect`"));
        };
        let directory = workspace.root.clone();
        return Ok((workspace, session, directory, Place::Here));
    };
    let (workspace, _, stream) = ctx.state()?;
    let (thread, record) = find(&stream, which)?;
    let Some(session) = record.session.known().cloned() else {
        let message = format!("attempt {} of thread `{}` has no session to open", record.attempt, thread.id);
        return Err(Failed::new(Exit::Failed, "no-session", message)
            .hint(format!("`work why {}` tells why", thread.id)));
    };
    let agents = ctx.agents(&workspace)?;
    let place = agents.get(&record.agent).map_or(Place::Here, |agent| agent.place.clone());
    let opens = match place {
        Place::Here | Place::Server(_) => is_opencode(&agents, &record.agent),
        // Its sessions are in the store of another machine.
        Place::Launched(_) => false,
    };
    if record.backend == Some(BackendKind::Acp) && !opens {
        let message = format!("agent `{}` has no UI of its own that could be opened", record.agent);
        return Err(Failed::new(Exit::Failed, "no-ui", message).hint(format!(
            "`work logs {id} -f` shows what it does; `work execute --thread {id} --resume --message TEXT` goes on \
             in the session",
            id = thread.id
        )));
    }
    let directory = record.directory.clone().unwrap_or_else(|| workspace.root.clone());
    Ok((workspace, session, directory, place))
}

/// Opens the agent's own UI on a session. The supervisor keeps the server for as long as it is open.
pub(super) fn run(ctx: &Context, which: Option<&str>) -> CommandResult {
    let (workspace, session, directory, place) = meant(ctx, which)?;
    if !ctx.screen.interactive {
        return Err(Failed::new(Exit::Usage, "usage", "the agent's own UI needs a terminal")
            .hint("`work logs THREAD`, or `work session export THREAD`"));
    }
    let (mut client, finish) = connect(ctx, &workspace, false)?;
    let open = ClientMessage::OpenUi { session, directory, place };
    let ServerMessage::Ui(ui) = client.ask_within(&open, PATIENCE)? else {
        return Err(ClientError::NoAnswer(None).into());
    };
    let status = foreground_ui(&ui).and_then(|mut child| child.wait());
    drop(client);
    finish();
    match status {
        Ok(_) => Ok(Exit::Done),
        Err(error) => {
            Err(Failed::new(Exit::Program, "agent-missing", format!("the UI could not be opened: {error}")))
        }
    }
}
