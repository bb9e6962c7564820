//! A turn within a command: asked of the runtime, shown, and told at its end with the right exit code.

use std::time::Duration;

use super::Exit;
use super::asking::asking;
use super::connect::{connect, connect_again, endpoint};
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::notifying::notifying;
use super::report::WindowReporter;
use crate::engine::status::status_of;
use crate::engine::turn::{Finished, run};
use crate::engine::verify;
use crate::engine::{Approach, Prepared, StreamHandle, TurnRequest, Workspace, close_lost, prepare};
use crate::ipc::Refusal;
use crate::model::{ThreadId, TurnOutcome, Verification};
use crate::supervisor::wait_until_free;
use crate::sys::keyboard::Keyboard;

/// Runs a prepared turn to its end, and says how it ended. In a window of its own, a person may then go on
/// in the session, turn after turn.
pub(super) fn run_turn(
    ctx: &Context,
    workspace: &Workspace,
    handle: &StreamHandle,
    prepared: &Prepared,
    no_supervisor: bool,
) -> CommandResult {
    let keyboard = Keyboard::default();
    let one = OneTurn { ctx, workspace, handle, no_supervisor, keyboard: &keyboard };
    let mut reporter = WindowReporter::new(ctx, prepared, true);
    let mut result = one.run(prepared, &mut reporter);
    while let Some(message) = reporter.next_message(&result, &keyboard) {
        result = one.follow_up(prepared, message).and_then(|next| {
            reporter = WindowReporter::new(ctx, &next, false);
            one.run(&next, &mut reporter)
        });
    }
    result
}

/// What every turn of a window needs.
struct OneTurn<'a> {
    ctx: &'a Context,
    workspace: &'a Workspace,
    handle: &'a StreamHandle,
    no_supervisor: bool,
    keyboard: &'a Keyboard,
}

impl OneTurn<'_> {
    /// The turn that goes on in the session of the last one with a person's words.
    fn follow_up(&self, last: &Prepared, message: String) -> Result<Prepared, Failed> {
        let request = TurnRequest {
            thread: last.spec.thread.to_string(),
            agent: Some(last.spec.agent.name.0.clone()),
            model: last.model.clone(),
            message: Some(message),
            // They have just seen what it does.
            allow_drift: true,
            approach: Approach::Resume,
            permissions: last.permissions,
            quiet: last.request.quiet,
            worktree: last.request.worktree,
            over_budget: last.request.over_budget,
        };
        let agents = self.ctx.agents(self.workspace)?;
        Ok(prepare(self.workspace, self.handle, &agents, &request, last.spec.mode)?)
    }

    fn run(&self, prepared: &Prepared, reporter: &mut WindowReporter) -> CommandResult {
        let Self { ctx, workspace, handle, no_supervisor, keyboard } = *self;
        let mut spec = prepared.spec.clone();
        let thread = spec.thread;
        let settings = ctx.settings(workspace)?;
        spec.asking = asking(ctx, &settings, prepared, no_supervisor);
        spec.notify = notifying(ctx, workspace, settings.notify, prepared.request.quiet)?;
        let keyboard = Some(keyboard).filter(|_| ctx.screen.interactive && !ctx.json);
        let mut once = || -> Result<Finished, Failed> {
            let (client, finish) = connect(ctx, workspace, no_supervisor)?;
            // A turn within this command would have died with it.
            let mut again = || match no_supervisor {
                true => None,
                false => connect_again(ctx, workspace),
            };
            let finished = run(client, spec.clone(), reporter, keyboard, &mut again);
            finish();
            Ok(finished?)
        };
        let mut finished = once()?;
        if matches!(finished, Finished::Refused { reason: Refusal::Stopping, .. }) {
            // It was about to exit when we came; the next one takes us.
            let _ = wait_until_free(&endpoint(ctx, workspace)?, Duration::from_secs(60));
            finished = once()?;
        }
        if finished == Finished::Lost {
            close_lost(&handle.store, &workspace.private, thread);
            // The next supervisor ends the agent that the dead one left.
            drop(connect(ctx, workspace, no_supervisor));
        }
        told(ctx, handle, thread, finished)
    }
}

/// The exit code, and what is said, for a turn that is over.
fn told(ctx: &Context, handle: &StreamHandle, thread: ThreadId, finished: Finished) -> CommandResult {
    match finished {
        Finished::Ended { outcome, unrecorded, .. } => {
            if let Some(why) = unrecorded {
                ctx.screen.warn(&format!("the end of the session could not be recorded yet: {why}"));
            }
            ended(ctx, handle, thread, outcome)
        }
        Finished::Refused { reason, message } => {
            let exit = if reason == Refusal::AlreadyRunning { Exit::Failed } else { Exit::Unreachable };
            Err(Failed::new(exit, "refused", message))
        }
        Finished::Lost => {
            let message = format!("the supervisor died; thread `{thread}` was interrupted");
            Err(Failed::new(Exit::Interrupted, "supervisor-died", message)
                .hint("`work supervisor logs` tells more"))
        }
        Finished::Abandoned => {
            ctx.screen.warn("the end of the turn was not waited for; the supervisor records it");
            Ok(Exit::Interrupted)
        }
    }
}

fn ended(ctx: &Context, handle: &StreamHandle, thread: ThreadId, outcome: TurnOutcome) -> CommandResult {
    match outcome {
        TurnOutcome::Completed => completed(ctx, handle, thread),
        TurnOutcome::Failed { failure } => {
            let exit = if failure.kind.is_program() { Exit::Program } else { Exit::Failed };
            let message = format!("thread `{thread}` failed: {}", failure.message);
            Err(Failed::new(exit, failure.kind.name(), message).hint(failure.kind.advice(thread)))
        }
        TurnOutcome::Cancelled { cause } => {
            ctx.screen.note(&format!("thread {thread} was interrupted: {}", cause.words()));
            Ok(Exit::Interrupted)
        }
    }
}

/// The agent ended well, its tasks are done, and the check of its work did not pass.
fn unchecked(ctx: &Context, id: ThreadId, check: &Verification) -> CommandResult {
    let message = format!("thread `{id}` is not done: {}", check.words());
    match check {
        Verification::Failed(_) => Err(Failed::new(Exit::Failed, "check-failed", message)
            .hint(format!("`work fix --thread {id} --resume` tells the agent what failed"))
            .hint(format!("`work verify {id}` runs the commands again"))),
        Verification::Stopped { .. } => {
            ctx.screen.note(&message);
            ctx.screen.hint(&format!("`work verify {id}` runs the commands again"));
            Ok(Exit::Interrupted)
        }
        _ => Err(Failed::new(Exit::Failed, "unchecked", message)
            .hint(format!("`work verify {id}` runs the commands"))),
    }
}

/// The agent ended well; whether the thread is done, its tasks and its check tell.
fn completed(ctx: &Context, handle: &StreamHandle, thread: ThreadId) -> CommandResult {
    let stream = handle.store.read()?;
    let Some(thread) = stream.thread(thread) else { return Ok(Exit::Done) };
    let open: Vec<String> = thread
        .tasks
        .iter()
        .filter(|task| !task.status.is_settled())
        .map(|task| format!("{} ({})", task.id, task.status.name()))
        .collect();
    if let Some(check) = verify::unsettled(thread) {
        return unchecked(ctx, thread.id, check);
    }
    if open.is_empty() {
        ctx.screen.note(&format!("thread {} is {}", thread.id, status_of(thread).name()));
        return Ok(Exit::Done);
    }
    let message = format!(
        "the agent ended its turn, and tasks of thread `{}` are open: {}",
        thread.id,
        open.join(", ")
    );
    Err(Failed::new(Exit::Failed, "incomplete", message)
        .hint(format!("`work fix --thread {} --resume` goes on in the same session", thread.id)))
}
