//! A batch in windows: opened, watched until its threads have started or ended, and told.

use std::cell::RefCell;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::budgets;
use super::changes_apply::apply_batch;
use super::connect::{endpoint, program};
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::how::{How, Watching};
use crate::engine::agents::program as program_of;
use crate::engine::batch::{BatchPlan, Skipped};
use crate::engine::hint::chain;
use crate::engine::launch::{Launch, Launches, Step};
use crate::engine::windows::{WindowProgram, Windows};
use crate::engine::{Prepared, StreamHandle, Workspace};
use crate::ipc::{Endpoint, LaunchHost};
use crate::model::{BatchId, FailureKind, StreamId, ThreadId};
use crate::supervisor::{EnsureError, connect_or_start};
use crate::sys::lock::{self, Lock};
use crate::sys::signals;
use crate::ui::{LiveBatch, command_line, one_line, printable};

/// What became of a batch.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    stream: &'a StreamId,
    batch: BatchId,
    threads: Vec<Launch>,
    skipped: &'a [Skipped],
    session: &'a str,
    attach: Vec<String>,
}

/// How long another command may take to start threads of the stream.
const LAUNCH: Duration = Duration::from_secs(120);

/// What became of the windows, and whether a person ended the waiting.
struct Followed {
    threads: Vec<Launch>,
    interrupted: bool,
}

/// How a batch is run in windows.
pub(super) struct Windowed<'a> {
    pub(super) ctx: &'a Context,
    pub(super) workspace: &'a Workspace,
    pub(super) handle: &'a StreamHandle,
    pub(super) how: &'a How,
    pub(super) watching: &'a Watching,
}

impl Windowed<'_> {
    /// Runs the batch that `prepare` gives, which is asked only when nobody else starts threads.
    pub(super) fn run(&self, prepare: impl FnOnce() -> Result<BatchPlan, Failed>) -> CommandResult {
        let Self { ctx, workspace, handle, .. } = self;
        let endpoint = endpoint(ctx, workspace)?;
        let windows = Windows::find(&ctx.env, &endpoint, handle)?;
        // Held until every thread has its record: then nobody starts it a second time.
        let launching = lock::acquire(&workspace.private.join(format!("launch-{}.lock", handle.id)), LAUNCH)
            .map_err(|error| Failed::new(Exit::Busy, "locked", chain(&error)))?;
        let batch = match prepare() {
            // They run already: then there is only the way to them.
            Err(failed) if failed.kind == "nothing-to-do" && self.watching.attach && windows.are_open() => {
                ctx.screen.note(&failed.messages.join(": "));
                return match windows.go() {
                    Ok(()) => Ok(Exit::Done),
                    Err(why) => Err(Failed::new(Exit::Program, "tmux", why)),
                };
            }
            batch => batch?,
        };
        batch.threads.iter().try_for_each(|prepared| agent_program(ctx, prepared))?;
        self.supervisor(&endpoint)?;
        let host = LaunchHost::bind(endpoint.own_socket("launch")).map_err(|error| {
            Failed::new(Exit::Failed, "socket", format!("cannot listen for the windows: {error}"))
        })?;
        for Skipped { id, name, status } in &batch.skipped {
            ctx.screen.note(&format!("leaving {id} {}: it is {}", one_line(name), status.name()));
        }
        batch.warnings().iter().for_each(|warning| ctx.screen.warn(warning));
        let mut program = WindowProgram {
            work: program()?,
            flags: Vec::new(),
            environment: ctx.window_environment(host.socket()),
        };
        for prepared in &batch.threads {
            // Of one batch, some may go on in a session and some begin one.
            let how = How {
                resume: prepared.spec.resume.is_some(),
                model: prepared.model.clone(),
                ..self.how.clone()
            };
            program.flags = how.flags();
            windows.open(workspace, handle, &program, prepared)?;
        }
        let followed = self.follow(&batch, &windows, &host, launching);
        self.tell(&batch, &windows, followed)
    }

    /// One supervisor for all windows, started before they all ask for it.
    fn supervisor(&self, endpoint: &Endpoint) -> Result<(), Failed> {
        if self.how.no_supervisor {
            return Ok(());
        }
        match connect_or_start(endpoint, &program()?, &self.workspace.root) {
            Err(error @ EnsureError::NotReady { .. }) => {
                let why = chain(&error);
                self.ctx.screen.warn(&format!("{why}; each window runs its turn by itself"));
            }
            started => drop(started?),
        }
        Ok(())
    }

    /// Shows the windows' reports until all have started, goes to them, and waits for their ends if asked.
    /// Ctrl-C ends the waiting; what runs in windows goes on.
    fn follow(&self, batch: &BatchPlan, windows: &Windows, host: &LaunchHost, launching: Lock) -> Followed {
        let screen = self.ctx.screen;
        let named = |prepared: &Prepared| (prepared.spec.thread, prepared.name.clone());
        let threads: Vec<_> = batch.threads.iter().map(named).collect();
        let live = RefCell::new(LiveBatch::new(screen, &threads));
        let show = |thread, step: &Step| live.borrow().set(thread, step);
        let interrupt = host.interrupter();
        if let Err(error) = signals::watch(move |_| interrupt()) {
            screen.warn(&format!("Ctrl-C will leave a socket behind: {error}"));
        }
        let mut launches = Launches::new(host, self.handle, &threads, &show);
        launches.wait_for_starts(launching);
        // Inside of tmux that is a switch, which nobody who waits asked for.
        let private = windows.is_private();
        let Watching { attach, wait, .. } = *self.watching;
        let go = if private { attach && screen.interactive } else { attach || !wait };
        if go && !launches.is_interrupted() {
            live.borrow().finish();
            if let Err(why) = windows.go() {
                screen.warn(&format!("cannot go to the windows: {why}"));
            }
            if wait {
                live.replace(LiveBatch::new(screen, &threads));
            }
            launches.catch_up();
        } else if wait && private && !self.ctx.json {
            let line = command_line(&windows.attach_line());
            live.borrow().above(|| screen.hint(&format!("watch and step in: {line}")));
        }
        if wait {
            launches.wait_for_ends();
        }
        live.borrow().finish();
        Followed { interrupted: launches.is_interrupted(), threads: launches.finish() }
    }

    fn tell(&self, batch: &BatchPlan, windows: &Windows, followed: Followed) -> CommandResult {
        let Followed { threads, interrupted } = followed;
        let all_good = threads.iter().all(|thread| thread.is_good(self.watching.wait));
        let document = Document {
            stream: &self.handle.id,
            batch: batch.id,
            threads,
            skipped: &batch.skipped,
            session: windows.session(),
            attach: windows.attach_line(),
        };
        self.ctx.print(&document, || {
            let lines = document.threads.iter().map(Launch::words);
            printable(&format!("batch {} {}\n{}", batch.id, batch.name, lines.collect::<String>()))
        })?;
        if self.watching.wait {
            let threads: Vec<ThreadId> = batch.threads.iter().map(|one| one.spec.thread).collect();
            budgets::warn(self.ctx, self.workspace, &self.handle.id, &threads);
        }
        if interrupted {
            self.ctx.screen.say("the threads go on in their windows; `work status --watch` follows them");
        }
        if !self.ctx.json && (interrupted || !self.watching.wait) {
            self.ctx.screen.hint(&format!("watch and step in: {}", command_line(&document.attach)));
        }
        let all_good = all_good
            && (!self.watching.apply
                || interrupted
                || apply_batch(self.ctx, self.workspace, self.handle, batch.id));
        Ok(if interrupted {
            Exit::Interrupted
        } else if all_good {
            Exit::Done
        } else {
            Exit::Failed
        })
    }
}

/// A missing agent is told before any window opens, and any job is queued.
pub(super) fn agent_program(ctx: &Context, prepared: &Prepared) -> Result<(), Failed> {
    program_of(&prepared.spec.agent, ctx.env.opencode.as_deref()).map(drop).map_err(|error| {
        Failed::new(Exit::Program, "agent-missing", error.to_string()).hint(FailureKind::INSTALL)
    })
}
