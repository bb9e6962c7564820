//! `work multi`

use std::ffi::OsString;
use std::time::Duration;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::connect::{endpoint, program};
use super::context::Context;
use super::execute::{How, Would};
use super::failed::{CommandResult, Failed};
use super::multi_watch::{Watched, watch};
use crate::adapters::tmux::{Program, Server, SessionName, Title, WindowSpec};
use crate::config::Window;
use crate::engine::batch::{BatchPlan, Skipped, prepare_batch};
use crate::engine::{Prepared, StreamHandle, Workspace};
use crate::ipc::{Endpoint, LaunchHost};
use crate::model::{BatchId, Mode, StreamId, ThreadId};
use crate::supervisor::{EnsureError, connect_or_start};
use crate::sys::{lock, process};

/// Run all threads of a batch side by side, each in a tmux window
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The batch, e.g. `01.02` (default: the first one that is not done)
    #[arg(short, long, value_name = "ID")]
    batch: Option<String>,
    #[command(flatten)]
    how: How,
    /// What the windows show (default: `window` of config.yaml, else the agent's own UI)
    #[arg(long)]
    window: Option<Shown>,
    /// Wait until all turns have ended; their progress is shown meanwhile
    #[arg(short, long)]
    wait: bool,
    /// Go to the windows once they have started (Ctrl-B d comes back)
    #[arg(long)]
    attach: bool,
    /// Say what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shown {
    /// The agent's own terminal UI
    Tui,
    /// The turn as streamed text
    Stream,
}

/// What became of a batch.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    stream: &'a StreamId,
    batch: BatchId,
    threads: Vec<Watched>,
    skipped: &'a [Skipped],
    session: &'a str,
    attach: Vec<String>,
}

/// What `--dry-run` tells.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WouldRun<'a> {
    batch: BatchId,
    name: &'a str,
    threads: Vec<Would<'a>>,
    skipped: &'a [Skipped],
}

/// Where the windows are.
struct Windows {
    server: Server,
    session: SessionName,
    endpoint: Endpoint,
}

/// How long another `work multi` of the stream may take to start its threads.
const LAUNCH: Duration = Duration::from_secs(120);

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let agents = ctx.agents(&workspace)?;
    let shown = match (args.window, ctx.settings(&workspace)?.window) {
        (Some(Shown::Tui), _) | (None, Window::Tui) => Mode::Tui,
        (Some(Shown::Stream), _) | (None, Window::Stream) => Mode::Plain,
    };
    let request = args.how.request("");
    let prepared = || prepare_batch(&workspace, &handle, &agents, args.batch.as_deref(), &request, shown);
    if args.dry_run {
        return dry_run(ctx, &prepared()?);
    }
    let windows = windows(ctx, &workspace, &handle)?;
    // Held until every thread has its record: then nobody starts it a second time.
    let launching = lock::acquire(&workspace.private.join(format!("launch-{}.lock", handle.id)), LAUNCH)
        .map_err(|error| Failed::new(Exit::Busy, "locked", crate::engine::hint::chain(&error)))?;
    let batch = prepared()?;
    agent_program(ctx)?;
    if !args.how.no_supervisor {
        match connect_or_start(&windows.endpoint, &program()?, &workspace.root) {
            Err(error @ EnsureError::NotReady { .. }) => {
                let why = crate::engine::hint::chain(&error);
                ctx.screen.warn(&format!("{why}; each window runs its turn by itself"));
            }
            started => drop(started?),
        }
    }
    let host = LaunchHost::bind(windows.endpoint.own_socket("launch")).map_err(|error| {
        Failed::new(Exit::Failed, "socket", format!("cannot listen for the windows: {error}"))
    })?;
    warn(ctx, &batch);
    for prepared in &batch.threads {
        open(ctx, &workspace, &handle, args, &windows, &host, prepared)?;
    }
    let threads: Vec<(ThreadId, String)> =
        batch.threads.iter().map(|prepared| (prepared.spec.thread, prepared.name.clone())).collect();
    let watched =
        watch(ctx, &handle, &host, &threads, args.wait, launching, || attach_now(ctx, args, &windows));
    finish(ctx, &handle, &batch, &windows, args, watched)
}

fn dry_run(ctx: &Context, batch: &BatchPlan) -> CommandResult {
    warnings(ctx, batch);
    let threads = batch.threads.iter().map(Would::of).collect();
    let would = WouldRun { batch: batch.id, name: &batch.name, threads, skipped: &batch.skipped };
    ctx.print(&would, || {
        let lines: Vec<String> = would.threads.iter().map(Would::words).collect();
        let skipped: Vec<String> = batch
            .skipped
            .iter()
            .map(|one| format!("would leave {} {}: {}\n", one.id, one.name, one.status.name()))
            .collect();
        format!("batch {} {}\n{}{}", batch.id, batch.name, lines.concat(), skipped.concat())
    })?;
    Ok(Exit::Done)
}

fn windows(ctx: &Context, workspace: &Workspace, handle: &StreamHandle) -> Result<Windows, Failed> {
    let endpoint = endpoint(ctx, workspace)?;
    let tmux = Program::find(ctx.env.tmux.as_deref())?;
    let inside = ctx.env.tmux_server.as_deref();
    let inside = inside.and_then(|server| Server::inside(&tmux, server, ctx.env.tmux_pane.as_deref()));
    let server = match inside {
        Some(server) => server,
        None => Server::private(&tmux, &endpoint.tmux_socket())?,
    };
    Ok(Windows { server, session: SessionName::new(&format!("work-{}", handle.id)), endpoint })
}

/// A missing agent is told before any window opens.
fn agent_program(ctx: &Context) -> Result<(), Failed> {
    let wanted = ctx.env.opencode.clone().unwrap_or_else(|| "opencode".into());
    process::find(&wanted).map(|_| ()).map_err(|error| {
        Failed::new(Exit::Program, "agent-missing", error.to_string())
            .hint(crate::model::FailureKind::AgentMissing.advice())
    })
}

fn warn(ctx: &Context, batch: &BatchPlan) {
    for skipped in &batch.skipped {
        ctx.screen.note(&format!("leaving {} {}: it is {}", skipped.id, skipped.name, skipped.status.name()));
    }
    warnings(ctx, batch);
}

/// What a person should know; each thing once.
fn warnings(ctx: &Context, batch: &BatchPlan) {
    let mut said = std::collections::BTreeSet::new();
    for warning in batch.threads.iter().flat_map(|prepared| &prepared.warnings) {
        if said.insert(warning) {
            ctx.screen.warn(warning);
        }
    }
}

/// Opens the window of one thread.
fn open(
    ctx: &Context,
    workspace: &Workspace,
    handle: &StreamHandle,
    args: &Args,
    windows: &Windows,
    host: &LaunchHost,
    prepared: &Prepared,
) -> Result<(), Failed> {
    let thread = prepared.spec.thread.to_string();
    let mode = prepared.spec.mode.name();
    let mut argv: Vec<OsString> = vec![program()?.into(), "--repo".into(), workspace.root.clone().into()];
    argv.extend(
        ["--stream", handle.id.as_str(), "execute", "--thread", &thread, "--mode", mode].map(OsString::from),
    );
    let How { agent, model, message, allow_drift, no_supervisor } = &args.how;
    for (flag, value) in [("--agent", agent), ("--model", model), ("--message", message)] {
        // One word each, so that a value that begins with a hyphen stays a value.
        argv.extend(value.iter().map(|value| OsString::from(format!("{flag}={value}"))));
    }
    for (flag, set) in [("--allow-drift", *allow_drift), ("--no-supervisor", *no_supervisor)] {
        argv.extend(set.then(|| OsString::from(flag)));
    }
    let spec = WindowSpec {
        session: windows.session.clone(),
        title: Title::new(&format!("{thread} {}", prepared.name)),
        directory: workspace.root.clone(),
        argv,
        environment: ctx.window_environment(host.socket()),
        tags: vec![("work_stream", handle.id.to_string()), ("work_thread", thread)],
    };
    windows.server.open_window(&spec)?;
    Ok(())
}

/// Goes to the windows: from within tmux by switching, from outside by attaching, when that was asked.
fn attach_now(ctx: &Context, args: &Args, windows: &Windows) {
    let result = if !windows.server.is_private() {
        if args.wait && !args.attach {
            Ok(())
        } else {
            windows.server.switch_client(&windows.session).map_err(|e| e.to_string())
        }
    } else if args.attach && ctx.screen.interactive {
        windows.server.attach(&windows.session).status().map(|_| ()).map_err(|error| error.to_string())
    } else {
        Ok(())
    };
    if let Err(why) = result {
        ctx.screen.warn(&format!("cannot go to the windows: {why}"));
    }
}

fn finish(
    ctx: &Context,
    handle: &StreamHandle,
    batch: &BatchPlan,
    windows: &Windows,
    args: &Args,
    watched: Vec<Watched>,
) -> CommandResult {
    let attach = windows.server.attach(&windows.session);
    let attach: Vec<String> = std::iter::once(attach.get_program())
        .chain(attach.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let exit = if watched.iter().all(|thread| thread.is_good(args.wait)) { Exit::Done } else { Exit::Failed };
    let document = Document {
        stream: &handle.id,
        batch: batch.id,
        threads: watched,
        skipped: &batch.skipped,
        session: windows.session.as_str(),
        attach: attach.clone(),
    };
    ctx.print(&document, || {
        let lines = document.threads.iter().map(Watched::words);
        format!("batch {} {}\n{}", batch.id, batch.name, lines.collect::<String>())
    })?;
    if !ctx.json {
        ctx.screen.hint(&format!("watch and step in: {}", shell_words(&attach)));
    }
    Ok(exit)
}

/// A command line for people to copy: words with other characters than plain ones are quoted.
fn shell_words(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    let word = |word: &String| match word.chars().all(plain) {
        true if !word.is_empty() => word.clone(),
        _ => format!("'{}'", word.replace('\'', r"'\''")),
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}
