//! `work verify THREAD`

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::thread;
use crate::engine::verify::{Checked, by_hand};
use crate::model::{CheckRun, CheckStep, CheckVerdict, Verification};
use crate::sys::shell::Stop;
use crate::sys::signals;
use crate::ui::LogPrinter;

/// Run the commands that must pass for a thread (`**Verify:**`), and record what came of them
///
/// They run one after another where the thread works, up to the first that fails. The exit code is 0 when all
/// passed, and 1 when one failed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The thread, by id or unique name
    thread: String,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let (workspace, handle, stream) = ctx.state()?;
    let id = thread(&stream, &args.thread)?.id;
    let limit = ctx.settings(&workspace)?.verify_timeout;
    let stop = Stop::default();
    let stopping = stop.clone();
    if let Err(error) = signals::watch(move |_| stopping.stop()) {
        ctx.screen.warn(&format!("Ctrl-C will leave the commands running: {error}"));
    }
    let check = by_hand(&workspace, &handle, id, limit)?;
    ctx.screen.note(&format!("checking thread {id} in {}", check.directory().display()));
    let mut printer = LogPrinter::new(ctx.screen);
    let checked = check.run(&stop, &mut |step| {
        // In JSON it is one document, and the output stands in the journal.
        if !ctx.json && !matches!(step, CheckStep::Over { .. }) {
            printer.check(step);
        }
    })?;
    printer.finish();
    if checked.attempt.is_none() {
        ctx.screen.note(&format!("thread {id} has had no turn, so nothing was recorded"));
    }
    if ctx.json {
        ctx.print(&checked, String::new)?;
    }
    told(ctx, &checked)
}

/// The exit code, and what is said.
fn told(ctx: &Context, checked: &Checked) -> CommandResult {
    let (id, status) = (checked.thread, checked.status.name());
    match (checked.verdict, &checked.run) {
        (CheckVerdict::Passed, _) => {
            ctx.screen.note(&format!("the check passed; thread {id} is {status}"));
            Ok(Exit::Done)
        }
        // The document tells it.
        (CheckVerdict::Failed, _) if ctx.json => Ok(Exit::Failed),
        (CheckVerdict::Failed, run) => {
            let failed = run.as_ref().map(|run: &CheckRun| Verification::of(run.clone()).words());
            let message = format!("the check failed: {}", failed.unwrap_or_default());
            let failed = Failed::new(Exit::Failed, "check-failed", message);
            Err(match checked.attempt {
                Some(_) => {
                    failed.hint(format!("`work fix --thread {id} --resume` tells the agent what failed"))
                }
                None => failed,
            })
        }
        (CheckVerdict::Stopped, _) => {
            ctx.screen.note(&format!("the check was stopped; thread {id} is {status}"));
            Ok(Exit::Interrupted)
        }
    }
}
