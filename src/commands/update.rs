//! `work update`: what agents call.

use clap::ValueEnum;

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::{UpdateRequest, UpdateTarget, update};
use crate::model::TaskStatus;
use crate::ui::one_line;

/// Report on a task or a thread (this is what agents call)
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The task, e.g. `01.02.03.04`; or only its last number, inside a thread's session
    #[arg(long, value_name = "ID", conflicts_with = "thread")]
    task: Option<String>,
    /// The thread, by id or unique name (default: the one of the session)
    #[arg(short, long, value_name = "ID")]
    thread: Option<String>,
    /// Its new status
    #[arg(long)]
    status: Option<Status>,
    /// What was done, or what is missing
    #[arg(long, value_name = "TEXT")]
    report: Option<String>,
    /// Where the work stands, for whoever continues
    #[arg(long, value_name = "TEXT")]
    breadcrumb: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Pending,
    #[value(name = "in_progress", alias = "in-progress")]
    InProgress,
    Completed,
    Blocked,
    Cancelled,
}

impl From<Status> for TaskStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::InProgress => Self::InProgress,
            Status::Completed => Self::Completed,
            Status::Blocked => Self::Blocked,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    if args.status.is_none() && args.report.is_none() && args.breadcrumb.is_none() {
        return Err(Failed::new(
            Exit::Usage,
            "usage",
            "nothing to report: give --status, --report or --breadcrumb",
        ));
    }
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let request = UpdateRequest {
        target: target(ctx, args)?,
        status: args.status.map(TaskStatus::from),
        report: args.report.clone(),
        breadcrumb: args.breadcrumb.clone(),
        by_person: ctx.env.thread.is_none(),
    };
    let updated = update(&handle.store, &request)?;
    ctx.print(&updated, || {
        let (from, to) = (updated.from.name(), updated.to.name());
        let step = if from == to { to.to_owned() } else { format!("{from} → {to}") };
        format!("{} {}: {step}\n", updated.id, one_line(&updated.name))
    })?;
    Ok(Exit::Done)
}

/// What is meant: as given, or by the session that we are called from.
fn target(ctx: &Context, args: &Args) -> Result<UpdateTarget, Failed> {
    let session = ctx.env.thread.as_deref();
    match (&args.task, &args.thread, session) {
        (Some(task), _, Some(thread)) if !task.contains('.') => {
            Ok(UpdateTarget::Task(format!("{thread}.{task}")))
        }
        (Some(task), ..) => Ok(UpdateTarget::Task(task.clone())),
        (None, Some(thread), _) => Ok(UpdateTarget::Thread(thread.clone())),
        (None, None, Some(thread)) => Ok(UpdateTarget::Thread(thread.to_owned())),
        (None, None, None) => {
            Err(Failed::new(Exit::Usage, "usage", "name a task with --task, or a thread with --thread")
                .hint("`WORK_THREAD` names the thread inside a session; here it is not set"))
        }
    }
}
