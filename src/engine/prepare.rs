//! From "run this thread" to a turn that can run: everything that can be checked before it starts.

use std::path::PathBuf;

use super::drift::{Drift, DriftKind, thread_drift};
use super::{Hint, ResolveError, StreamHandle, Workspace, owner, status::status_of};
use crate::config::{Agent, Agents, Settings};
use crate::ipc::{Asking, TurnSpec};
use crate::model::{
    AgentName, BackendKind, IdError, Mode, ModelRef, Policy, Stream, StreamState, Thread, ThreadId,
    ThreadStatus,
};
use crate::plan::{self, Plan};
use crate::store::StoreError;

/// What is to run.
#[derive(Debug, Clone, Default)]
pub struct TurnRequest {
    /// The thread, by id or name.
    pub thread: String,
    /// Another agent than the assigned one.
    pub agent: Option<String>,
    /// Another model than the agent's own.
    pub model: Option<String>,
    /// A word to the agent on top of the prompt.
    pub message: Option<String>,
    /// Run it though the plan changed after it was approved.
    pub allow_drift: bool,
    /// What happens when its agent asks, instead of what its entry says.
    pub permissions: Option<Policy>,
}

/// A turn that can run.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The turn.
    pub spec: TurnSpec,
    /// The thread's name.
    pub name: String,
    /// What a person should know before it starts.
    pub warnings: Vec<String>,
    /// What happens when its agent asks, if that was said for the run or stands at the agent.
    pub permissions: Option<Policy>,
}

/// Why it can't run.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// There is no such thread.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The plan is not approved.
    #[error("the plan of stream `{0}` is not approved")]
    NotApproved(String),
    /// The stream rests.
    #[error("stream `{0}` is {1}")]
    Closed(String, &'static str),
    /// The plan changed.
    #[error("thread `{}` {}", .0.id, .0.kind.words())]
    Drifted(Drift),
    /// The plan has the thread no more.
    #[error("thread `{0}` is no longer in the plan")]
    Gone(ThreadId),
    /// It is done.
    #[error("thread `{id}` is {}", status.name())]
    Settled {
        /// The thread.
        id: ThreadId,
        /// Completed or cancelled.
        status: ThreadStatus,
    },
    /// It runs.
    #[error("thread `{id}` is running already (attempt {attempt}, process {pid})")]
    Running {
        /// The thread.
        id: ThreadId,
        /// The attempt.
        attempt: u32,
        /// Who runs it.
        pid: u32,
    },
    /// There is no such agent, or none at all.
    #[error("no agent `{wanted}` in `work/agents.yaml`")]
    NoAgent {
        /// The name.
        wanted: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The agent has no model.
    #[error("agent `{0}` has no model")]
    NoModel(String),
    /// Agents of that kind can't be run yet.
    #[error("agent `{agent}` has the backend `{}`, which this version can't run", backend.name())]
    Backend {
        /// The agent.
        agent: String,
        /// Its backend.
        backend: BackendKind,
    },
    /// `--model` makes no sense.
    #[error(transparent)]
    Model(#[from] IdError),
    /// PLAN.md can't be read.
    #[error("cannot read `{path}`")]
    Plan {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The state can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Hint for PrepareError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Resolve(error) => error.hints(),
            Self::NotApproved(_) => vec!["`work approve plan` checks it and shows what will run".to_owned()],
            Self::Drifted(Drift { kind: DriftKind::New, .. }) => {
                vec!["`work approve plan` takes it over".to_owned()]
            }
            Self::Drifted(_) => vec![
                "`work approve plan` approves it as it is now".to_owned(),
                "`--allow-drift` runs it all the same".to_owned(),
            ],
            Self::Settled { .. } => vec!["`--message TEXT` says what is still to be done".to_owned()],
            Self::Running { id, .. } => vec![format!("`work logs {id} -f` shows what it does")],
            Self::NoAgent { wanted, known } => {
                super::resolve::similar(wanted, known.iter().map(String::as_str))
                    .iter()
                    .map(|name| format!("did you mean `{name}`?"))
                    .chain(std::iter::once("`work agents` lists them".to_owned()))
                    .collect()
            }
            Self::NoModel(_) => {
                vec!["name one in `work/agents.yaml`, or with `--model provider/model`".to_owned()]
            }
            Self::Model(_) => vec!["`opencode models` lists what opencode knows".to_owned()],
            Self::Plan { .. } => {
                vec!["a plan is a file of UTF-8 text; bring it back with git, or write a new one".to_owned()]
            }
            Self::Gone(_) => vec!["`work approve plan` approves the plan as it is now".to_owned()],
            Self::Closed(..) | Self::Backend { .. } | Self::Store(_) => Vec::new(),
        }
    }
}

/// Checks that a thread can run, and makes the turn for it.
///
/// # Errors
/// [`PrepareError`]; nothing was changed.
pub fn prepare(
    workspace: &Workspace,
    handle: &StreamHandle,
    agents: &Agents,
    request: &TurnRequest,
    mode: Mode,
) -> Result<Prepared, PrepareError> {
    let stream = handle.store.read()?;
    let plan = read_plan(handle)?;
    let thread = super::thread(&stream, &request.thread).map_err(|error| {
        let planned = request.thread.parse().ok().and_then(|id| plan.thread(id));
        let new = planned.and_then(|planned| thread_drift(&stream, planned));
        new.map_or(PrepareError::Resolve(error), PrepareError::Drifted)
    })?;
    may_run(&stream, thread, request)?;
    let mut warnings = Vec::new();
    let planned = plan.thread(thread.id).ok_or(PrepareError::Gone(thread.id))?;
    if let Some(drifted) = thread_drift(&stream, planned) {
        if !request.allow_drift {
            return Err(PrepareError::Drifted(drifted));
        }
        warnings.push(format!("thread `{}` {}", drifted.id, drifted.kind.words()));
    }
    warnings.extend(unmet(&stream, thread, planned));
    let agent = agent_for(agents, thread, request)?;
    let models = match &request.model {
        Some(model) => vec![model.parse::<ModelRef>()?],
        None => agent.models.clone(),
    };
    if models.is_empty() {
        return Err(PrepareError::NoModel(agent.name.to_string()));
    }
    let spec = TurnSpec {
        stream: stream.id.clone(),
        stream_dir: handle.dir.clone(),
        thread: thread.id,
        agent: agent.clone(),
        models,
        mode,
        directory: workspace.root.clone(),
        title: format!("{} {}", thread.id, thread.name),
        prompt: super::prompt(&stream, thread, &plan, planned, request.message.as_deref()),
        resume: None,
        // Who runs it knows whether somebody is there.
        asking: Asking { policy: Policy::Deny, timeout: Settings::default().ask_timeout },
    };
    let permissions = request.permissions.or(agent.permissions);
    Ok(Prepared { spec, name: thread.name.clone(), warnings, permissions })
}

/// Reads the plan of a stream.
///
/// # Errors
/// [`PrepareError::Plan`].
fn read_plan(handle: &StreamHandle) -> Result<Plan, PrepareError> {
    let path = handle.plan_file();
    match super::streams::read_text(&path) {
        Ok(text) => Ok(plan::read(&text)),
        Err(source) => Err(PrepareError::Plan { path, source }),
    }
}

fn may_run(stream: &Stream, thread: &Thread, request: &TurnRequest) -> Result<(), PrepareError> {
    if stream.approvals.plan.is_none() {
        return Err(PrepareError::NotApproved(stream.id.to_string()));
    }
    match stream.state {
        StreamState::Open => {}
        StreamState::OnHold => return Err(PrepareError::Closed(stream.id.to_string(), "on hold")),
        StreamState::Completed => return Err(PrepareError::Closed(stream.id.to_string(), "completed")),
    }
    if let Some(open) = thread.open_record().filter(|record| record.owner().is_some_and(owner::is_alive)) {
        let pid = open.owner().map_or(0, |owner| owner.pid);
        return Err(PrepareError::Running { id: thread.id, attempt: open.attempt, pid });
    }
    let status = status_of(thread);
    if status.is_settled() && request.message.is_none() {
        return Err(PrepareError::Settled { id: thread.id, status });
    }
    Ok(())
}

/// What should be done before this thread, and is not.
fn unmet(stream: &Stream, thread: &Thread, planned: &plan::PlanThread) -> Vec<String> {
    let open = |other: &&Thread| other.in_plan && !status_of(other).is_settled();
    let mut warnings: Vec<String> = planned
        .depends_on
        .iter()
        .filter_map(|id| stream.thread(id.value).filter(open))
        .map(|other| {
            format!("thread `{}` depends on `{}`, which is {}", thread.id, other.id, status_of(other).name())
        })
        .collect();
    if let Some(earlier) = stream.threads.iter().filter(open).find(|other| other.id.batch < thread.id.batch) {
        let batch = earlier.id.batch;
        warnings.push(format!("batch `{batch}` comes before `{}` and is not done", thread.id.batch));
    }
    warnings
}

fn agent_for<'a>(
    agents: &'a Agents,
    thread: &Thread,
    request: &TurnRequest,
) -> Result<&'a Agent, PrepareError> {
    let wanted = request.agent.as_deref().or(thread.agent.as_ref().map(|name| name.0.as_str()));
    let found = match wanted {
        Some(wanted) => agents.get(&AgentName(wanted.to_owned())),
        None => agents.default_agent(),
    };
    let agent = found.ok_or_else(|| PrepareError::NoAgent {
        wanted: wanted.unwrap_or("default").to_owned(),
        known: agents.agents.iter().map(|agent| agent.name.to_string()).collect(),
    })?;
    match agent.backend {
        BackendKind::Opencode => Ok(agent),
        backend @ BackendKind::Acp => Err(PrepareError::Backend { agent: agent.name.to_string(), backend }),
    }
}

/// The prompt of a thread as it would be sent now, whether it may run or not.
///
/// # Errors
/// [`PrepareError`] when there is no such thread, or its plan can't be read.
pub fn prompt_of(
    handle: &StreamHandle,
    wanted: &str,
    message: Option<&str>,
) -> Result<(ThreadId, String), PrepareError> {
    let stream = handle.store.read()?;
    let thread = super::thread(&stream, wanted)?;
    let plan = read_plan(handle)?;
    let planned = plan.thread(thread.id).ok_or(PrepareError::Gone(thread.id))?;
    Ok((thread.id, super::prompt(&stream, thread, &plan, planned, message)))
}
