//! The turn of a job that starts: prepared anew, since all may be different from when it was queued.

use crate::config::Settings;
use crate::engine::{
    Approach, PrepareError, Prepared, StreamHandle, TurnRequest, Workspace, agents, prepare,
};
use crate::ipc::{Asking, Notifying, TurnSpec};
use crate::model::{Failure, FailureKind, Job, Mode, Order, Policy, ThreadId};

impl TurnRequest {
    /// What an order asks of a thread.
    #[must_use]
    pub fn of_order(order: &Order, thread: ThreadId) -> Self {
        Self {
            thread: thread.to_string(),
            agent: order.agent.clone(),
            model: order.model.clone(),
            message: order.message.clone(),
            allow_drift: order.allow_drift,
            approach: if order.resume { Approach::Resume } else { Approach::NewSession },
            permissions: order.permissions,
            quiet: order.quiet,
            worktree: order.worktree,
            over_budget: order.over_budget,
        }
    }

    /// The same as an order of a job.
    #[must_use]
    pub fn order(&self) -> Order {
        Order {
            agent: self.agent.clone(),
            model: self.model.clone(),
            message: self.message.clone(),
            resume: self.approach == Approach::Resume,
            allow_drift: self.allow_drift,
            permissions: self.permissions,
            quiet: self.quiet,
            worktree: self.worktree,
            over_budget: self.over_budget,
            status_lines: Vec::new(),
            extra: crate::model::Extra::new(),
        }
    }
}

/// Who decides what the agent of a job may: its order, its entry, the project. Nobody sees it, so without a
/// word it is denied.
fn asking(prepared: &Prepared, settings: &Settings) -> Asking {
    let policy = prepared.permissions.or(settings.permissions).unwrap_or(Policy::Deny);
    Asking { policy, timeout: settings.ask_timeout }
}

/// The turn of a job, checked against plan, approval and state as they are now.
///
/// # Errors
/// Why it can't run any more: a failure that its end is recorded with.
pub fn prepare_job(workspace: &Workspace, job: &Job) -> Result<TurnSpec, Failure> {
    let failed = |why: String| Failure::new(FailureKind::Task, format!("it could not begin: {why}"));
    let chain = |error: &dyn std::error::Error| failed(crate::engine::hint::chain(error));
    let agents = agents::load_agents(workspace).map_err(|error| chain(&error))?.value;
    let settings = agents::load_settings(workspace).map_err(|error| chain(&error))?;
    let handle = StreamHandle::of(workspace, &job.stream);
    let request = TurnRequest::of_order(&job.order, job.thread);
    let prepared = match prepare(workspace, &handle, &agents, &request, Mode::Headless) {
        Ok(prepared) => prepared,
        Err(error @ PrepareError::NoAgent { .. }) => {
            return Err(Failure { kind: FailureKind::AgentMissing, ..chain(&error) });
        }
        Err(error) => return Err(chain(&error)),
    };
    let asking = asking(&prepared, &settings);
    let tell = !job.order.quiet && !settings.notify.on.is_empty();
    let notify = tell.then(|| Notifying { how: settings.notify, tmux: job.order.status_lines.clone() });
    Ok(TurnSpec { asking, notify, ..prepared.spec })
}
