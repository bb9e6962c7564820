//! How a command reaches the runtime: through the supervisor, or within itself.

use std::path::PathBuf;

use super::Exit;
use super::context::Context;
use super::failed::Failed;
use crate::config::Settings;
use crate::engine::Workspace;
use crate::ipc::{Client, Endpoint};
use crate::runtime::RuntimeSettings;
use crate::supervisor::{HostSettings, connect_or_start, in_process};

/// Where the supervisor of this workspace is.
pub(super) fn endpoint(ctx: &Context, workspace: &Workspace) -> Result<Endpoint, Failed> {
    Endpoint::new(&workspace.private, ctx.env.runtime_dir.as_deref()).map_err(|error| {
        Failed::new(Exit::Unreachable, "supervisor", format!("there is no place for sockets: {error}"))
    })
}

/// This program's own path, for processes that it starts.
pub(super) fn program() -> Result<PathBuf, Failed> {
    std::env::current_exe()
        .map_err(|error| Failed::new(Exit::Bug, "program", format!("cannot tell where `work` lies: {error}")))
}

pub(super) fn runtime_settings(ctx: &Context, workspace: &Workspace, settings: &Settings) -> RuntimeSettings {
    RuntimeSettings {
        root: workspace.root.clone(),
        private: workspace.private.clone(),
        opencode: ctx.env.opencode.clone(),
        stall_timeout: settings.stall_timeout,
        turn_timeout: settings.turn_timeout,
        wait_for_limit: settings.wait_for_limit,
        tmux: ctx.env.tmux.clone(),
        pool: settings.pool,
        clock: workspace.clock,
    }
}

pub(super) fn host_settings(workspace: &Workspace, settings: &Settings) -> HostSettings {
    HostSettings { idle: settings.supervisor_idle_timeout, clock: workspace.clock, queue: None }
}

/// The supervisor, which is started if there is none. What needs it can't do without.
pub(super) fn supervisor(ctx: &Context, workspace: &Workspace) -> Result<Client, Failed> {
    connect_or_start(&endpoint(ctx, workspace)?, &program()?, &workspace.root).map_err(|error| {
        let mut failed = Failed::from(error);
        failed.hints = vec![
            "background jobs need the supervisor; `work supervisor logs` tells more".to_owned(),
            "`work execute --no-supervisor` runs a thread inside of the command".to_owned(),
        ];
        failed
    })
}

/// A connection to the supervisor that comes after one that died. None within this command: what goes on
/// at an agent is no turn of it.
pub(super) fn connect_again(ctx: &Context, workspace: &Workspace) -> Option<Client> {
    let endpoint = endpoint(ctx, workspace).ok()?;
    connect_or_start(&endpoint, &program().ok()?, &workspace.root).ok()
}

/// What to do when a connection is no longer needed: waits until the agents of this command are gone.
pub(super) type Finish = Box<dyn FnOnce()>;

/// A connection to the runtime.
pub(super) fn connect(
    ctx: &Context,
    workspace: &Workspace,
    no_supervisor: bool,
) -> Result<(Client, Finish), Failed> {
    let settings = ctx.settings(workspace)?;
    if !no_supervisor {
        match connect_or_start(&endpoint(ctx, workspace)?, &program()?, &workspace.root) {
            Ok(client) => return Ok((client, Box::new(|| {}))),
            Err(error @ crate::supervisor::EnsureError::NotReady { .. }) => {
                ctx.screen
                    .warn(&format!("{}; running within this command", crate::engine::hint::chain(&error)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let runtime = runtime_settings(ctx, workspace, &settings);
    let (client, join) = in_process(workspace, runtime, host_settings(workspace, &settings))?;
    Ok((client, Box::new(join)))
}
