//! `work close THREAD|STREAM`

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::connect::endpoint;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::left::tidy;
use crate::engine::{StreamHandle, Workspace, owner, select, thread};
use crate::ipc::{Client, ClientError, ClientMessage, Refusal, ServerMessage, SupervisorStatus};
use crate::model::{AgentState, ClosedAgent, KeptFor, StreamId, ThreadId};
use crate::supervisor::{Left, is_gone};
use crate::ui::confirm;

/// End the warm agents of a thread or stream; its records stay, and its next turn starts them anew
///
/// Only agents with backend `acp` are kept warm for a thread. The server of opencode is shared by all, and
/// stays until the supervisor ends.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A thread, by id or unique name, or a stream
    #[arg(value_name = "THREAD|STREAM")]
    what: String,
    /// Cancel the turns that run; each is recorded as interrupted
    #[arg(long)]
    cancel: bool,
    /// Cancel them without being asked; needed where there is no terminal
    #[arg(short, long)]
    yes: bool,
    /// Say what would end, and end nothing
    #[arg(long)]
    dry_run: bool,
}

/// What was ended, or would be.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    /// The stream.
    stream: StreamId,
    /// The thread; none when the whole stream was meant.
    thread: Option<ThreadId>,
    /// The agents.
    agents: Vec<ClosedAgent>,
    /// The threads whose turns were cancelled first.
    cancelled: Vec<ThreadId>,
    /// Nothing was done.
    dry_run: bool,
}

/// How long a cancelled turn and its agent may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    ctx.needs_person("end agents")?;
    let workspace = ctx.ready()?;
    let (handle, only) = meant(ctx, &workspace, &args.what)?;
    let closing = Closing { ctx, handle: &handle, only };
    let endpoint = endpoint(ctx, &workspace)?;
    let mut client = match Client::connect(&endpoint.serving_socket()) {
        Ok(client) => client,
        Err(error) if is_gone(&endpoint, &error) => {
            closing.nobody_else(&[])?;
            if !args.dry_run {
                tidy(ctx, &workspace, Left::Agents)?;
            }
            return closing.tell(Vec::new(), Vec::new(), args.dry_run);
        }
        Err(error) => return Err(error.into()),
    };
    let ServerMessage::Status(status) = client.ask(&ClientMessage::Status)? else {
        return Err(ClientError::NoAnswer(None).into());
    };
    let running = closing.running(&status);
    closing.nobody_else(&running)?;
    if !running.is_empty() && !closing.may_cancel(args, &running)? {
        ctx.screen.say("nothing was ended");
        return Ok(Exit::Failed);
    }
    if args.dry_run {
        return closing.tell(closing.warm(status), running, true);
    }
    let close = ClientMessage::Close { stream: handle.id.clone(), thread: only, cancel: !running.is_empty() };
    match client.ask_within(&close, PATIENCE) {
        Ok(ServerMessage::Closed { agents, cancelled }) => closing.tell(agents, cancelled, false),
        // One has begun since we asked.
        Err(ClientError::Refused { reason: Refusal::Busy, message }) => Err(busy(&message)),
        Ok(_) => Err(ClientError::NoAnswer(None).into()),
        Err(error) => Err(error.into()),
    }
}

/// A thread of the stream that is meant, or else a stream.
fn meant(
    ctx: &Context,
    workspace: &Workspace,
    what: &str,
) -> Result<(StreamHandle, Option<ThreadId>), Failed> {
    let of_thread = || -> Result<(StreamHandle, Option<ThreadId>), Failed> {
        let handle = ctx.stream(workspace)?;
        let stream = handle.store.read()?;
        let id = thread(&stream, what)?.id;
        Ok((handle, Some(id)))
    };
    match of_thread() {
        Ok(found) => Ok(found),
        // Where it is no stream either, why it is no thread tells more.
        Err(no_thread) => {
            select(workspace, Some(what), None).map(|handle| (handle, None)).map_err(|_| no_thread)
        }
    }
}

fn busy(words: &str) -> Failed {
    Failed::new(Exit::Failed, "running", format!("its agent works: {words}"))
        .hint("`--cancel` cancels that first; `work supervisor status` shows what runs")
}

/// Whose agents are to end.
struct Closing<'a> {
    ctx: &'a Context,
    handle: &'a StreamHandle,
    only: Option<ThreadId>,
}

impl Closing<'_> {
    fn means(&self, stream: &StreamId, thread: ThreadId) -> bool {
        *stream == self.handle.id && self.only.is_none_or(|only| only == thread)
    }

    /// The threads that the supervisor runs.
    fn running(&self, status: &SupervisorStatus) -> Vec<ThreadId> {
        let meant = status.turns.iter().filter(|turn| self.means(&turn.stream, turn.thread));
        meant.map(|turn| turn.thread).collect()
    }

    /// The agents that are warm.
    fn warm(&self, status: SupervisorStatus) -> Vec<ClosedAgent> {
        let ends = |agent: crate::model::AgentProcess| {
            let kept_for: KeptFor = agent.kept_for?;
            let meant = self.means(&kept_for.stream, kept_for.thread) && agent.state != AgentState::Ending;
            meant.then_some(ClosedAgent { what: agent.what, kept_for, pid: agent.pid? })
        };
        status.agents.into_iter().filter_map(ends).collect()
    }

    /// What runs within another command is out of our reach.
    fn nobody_else(&self, ours: &[ThreadId]) -> Result<(), Failed> {
        let stream = self.handle.store.read()?;
        let elsewhere = |thread: &&crate::model::Thread| {
            self.means(&self.handle.id, thread.id)
                && !ours.contains(&thread.id)
                && thread.holder().is_some_and(|(_, owner)| owner::is_alive(owner))
        };
        match stream.threads.iter().find(elsewhere) {
            None => Ok(()),
            Some(thread) => {
                let message =
                    format!("thread `{}` is run by another command, not by the supervisor", thread.id);
                Err(Failed::new(Exit::Failed, "elsewhere", message)
                    .hint("Ctrl-C in its own terminal cancels it, and ends its agent"))
            }
        }
    }

    /// Whether running turns may be cancelled. Without a person at a terminal nobody can be asked.
    fn may_cancel(&self, args: &Args, running: &[ThreadId]) -> Result<bool, Failed> {
        let threads: Vec<String> = running.iter().map(ToString::to_string).collect();
        let threads = threads.join(", ");
        if !args.cancel {
            return Err(busy(&format!("{threads} is running")));
        }
        if args.yes || args.dry_run {
            return Ok(true);
        }
        if !self.ctx.screen.interactive || self.ctx.json {
            let message = format!("cancelling {threads} needs a person's word");
            return Err(Failed::new(Exit::Waiting, "needs-confirmation", message)
                .hint("`--yes` gives it; `--dry-run` says what would end"));
        }
        Ok(confirm(&self.ctx.screen, &format!("cancel what runs ({threads})?")))
    }

    fn tell(&self, agents: Vec<ClosedAgent>, cancelled: Vec<ThreadId>, dry_run: bool) -> CommandResult {
        let (stream, thread) = (self.handle.id.clone(), self.only);
        let document = Document { stream, thread, agents, cancelled, dry_run };
        self.ctx.print(&document, || document.words())?;
        Ok(Exit::Done)
    }
}

impl Document {
    fn words(&self) -> String {
        let (cancelled, ended) =
            if self.dry_run { ("would cancel", "would end") } else { ("cancelled", "ended") };
        let turns = self
            .cancelled
            .iter()
            .map(|id| format!("{cancelled} {id}; `work fix --thread {id} --resume` goes on\n"));
        let agents = self.agents.iter().map(|ClosedAgent { what, kept_for, pid }| {
            format!("{ended} `{what}` of {} by {}, process {pid}\n", kept_for.thread, kept_for.agent)
        });
        let all: String = turns.chain(agents).collect();
        let of = self.thread.map_or_else(|| self.stream.to_string(), |thread| thread.to_string());
        if all.is_empty() { format!("no agent is kept warm for {of}\n") } else { all }
    }
}
