//! `work supervisor status|stop|logs|run`

use std::time::Duration;

use clap::Subcommand;
use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::connect::{endpoint, host_settings, runtime_settings};
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::left::tidy;
use crate::engine::Workspace;
use crate::engine::jobs::{Queue, rows};
use crate::engine::owner;
use crate::ipc::{Client, ClientError, ClientMessage, Endpoint, ServerMessage, SupervisorStatus};
use crate::supervisor::{self, Left};
use crate::sys::identity::Liveness;
use crate::sys::process;
use crate::ui::processes_table;

/// Look at the background process that runs the agents, or stop it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell whether it runs, with which turns and agents
    Status,
    /// Cancel its turns, end its agents, then end it
    Stop,
    /// Print its log
    Logs,
    /// Run it in this terminal; commands start it by themselves when they need it
    Run {
        /// Leave the terminal, and report on standard output
        #[arg(long, hide = true)]
        detached: bool,
    },
}

/// What `status` tells.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    /// Whether a supervisor runs.
    running: bool,
    /// How things stand with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<SupervisorStatus>,
}

/// What `logs` tells.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Log {
    /// The lines of the log, oldest first.
    lines: Vec<String>,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.workspace()?;
    let endpoint = endpoint(ctx, &workspace)?;
    match args.what {
        What::Run { detached } => {
            let settings = ctx.settings(&workspace)?;
            let runtime = runtime_settings(ctx, &workspace, &settings);
            let mut host = host_settings(&workspace, &settings);
            host.queue = Some(Queue::new(&workspace));
            supervisor::run(&workspace, &endpoint, runtime, host, detached)?;
            Ok(Exit::Done)
        }
        What::Logs => logs(ctx, &endpoint),
        What::Status => {
            let asked = Client::connect(&endpoint.serving_socket())
                .and_then(|mut client| client.ask(&ClientMessage::Status));
            match asked {
                Ok(ServerMessage::Status(status)) => {
                    let text = text(ctx, &status);
                    ctx.print(&Document { running: true, status: Some(status) }, || text)?;
                    Ok(Exit::Done)
                }
                Ok(_) => Err(ClientError::NoAnswer(None).into()),
                Err(error) if supervisor::is_gone(&endpoint, &error) => not_running(ctx),
                Err(error) => Err(error.into()),
            }
        }
        What::Stop => stop(ctx, &workspace, &endpoint),
    }
}

/// The log of this supervisor and of those before it.
fn logs(ctx: &Context, endpoint: &Endpoint) -> CommandResult {
    let path = endpoint.log();
    let text = match std::fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            ctx.screen.note("there is no log: no supervisor has run here yet");
            String::new()
        }
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", path.display());
            return Err(Failed::new(Exit::Failed, "unreadable", message));
        }
    };
    let document = Log { lines: text.lines().map(str::to_owned).collect() };
    ctx.print(&document, || text)?;
    Ok(Exit::Done)
}

fn not_running(ctx: &Context) -> CommandResult {
    ctx.print(&Document { running: false, status: None }, || {
        "no supervisor is running; it starts when it is needed".to_owned()
    })?;
    Ok(Exit::Done)
}

/// How long it may take to end all turns and agents.
const FAREWELL: Duration = Duration::from_secs(60);

fn stop(ctx: &Context, workspace: &Workspace, endpoint: &Endpoint) -> CommandResult {
    let socket = endpoint.serving_socket();
    let mut client = match Client::connect(&socket) {
        Ok(client) => client,
        Err(error) if supervisor::is_gone(endpoint, &error) => {
            tidy(ctx, workspace, Left::All)?;
            return not_running(ctx);
        }
        Err(ClientError::OtherVersion { .. }) => {
            if Client::retire(&socket).is_err() {
                // Its turns keep it, and it does not speak our language; a signal it understands.
                ask_to_end(endpoint)?;
            }
            return stopped(ctx, workspace, endpoint);
        }
        Err(error) => return Err(error.into()),
    };
    client.ask(&ClientMessage::Stop)?;
    let _ = client.wait_until_gone(FAREWELL);
    stopped(ctx, workspace, endpoint)
}

/// Asks the process that wrote itself down, if it still is that process, to end.
fn ask_to_end(endpoint: &Endpoint) -> Result<(), Failed> {
    let serving = endpoint.serving().filter(|record| owner::liveness(&record.owner) == Liveness::Alive);
    let Some(record) = serving else { return Err(ClientError::NoAnswer(None).into()) };
    process::ask_to_end(record.owner.pid);
    Ok(())
}

/// It has hung up; its lock tells when the process is gone.
fn stopped(ctx: &Context, workspace: &Workspace, endpoint: &Endpoint) -> CommandResult {
    if !supervisor::wait_until_free(endpoint, FAREWELL) {
        return Err(Failed::new(Exit::Busy, "supervisor", "the supervisor has not ended"));
    }
    ctx.print(&serde_json::json!({ "stopped": true }), || "stopped".to_owned())?;
    // What was pending stays so, and nothing starts it by surprise.
    let held = rows(&Queue::new(workspace).read()?).iter().filter(|job| job.held).count();
    if held > 0 {
        let jobs = if held == 1 { "1 job waits".to_owned() } else { format!("{held} jobs wait") };
        ctx.screen.note(&format!("{jobs} for `work jobs start`"));
    }
    Ok(Exit::Done)
}

fn text(ctx: &Context, status: &SupervisorStatus) -> String {
    let minutes = (ctx.screen.now - status.started_at).num_minutes();
    let mut text = format!("process {}, version {}, up for {minutes} min\n", status.pid, status.version);
    for turn in &status.turns {
        let seconds = (ctx.screen.now - turn.since).num_seconds();
        let job = turn.job.map(|job| format!(", job {job}")).unwrap_or_default();
        let line = format!("turn: {} {} by {}, for {seconds} s{job}\n", turn.stream, turn.thread, turn.agent);
        text.push_str(&line);
    }
    if status.waiting_jobs > 0 {
        text.push_str(&format!("{} jobs wait for a place\n", status.waiting_jobs));
    }
    if status.turns.is_empty() {
        text.push_str("no turn is running\n");
    }
    if !status.agents.is_empty() {
        text.push_str(&format!("\n{}", processes_table(&ctx.screen, &status.agents)));
    }
    text
}
