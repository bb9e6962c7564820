//! From "run this thread" to a turn that can run: everything that can be checked before it starts.

use super::budget::{over, whose};
use super::connected::{connected, used_as};
use super::conversation::{Conversation, converse, depth, resumed};
use super::drift::thread_drift;
use super::history::{Depth, history};
use super::isolate::place;
use super::status::status_of;
use super::verify::{What, failure, what};
use super::{PrepareError, StreamHandle, Workspace, owner};
use crate::config::{Agent, Agents, Settings};
use crate::ipc::{Asking, Checking, TurnSpec};
use crate::model::{
    BackendKind, Mode, Policy, SessionId, SessionRecord, Stream, StreamState, Thread, ThreadId,
};
use crate::plan::{self, Plan};

/// In which conversation a thread is taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Approach {
    /// In a new one, which is told what happened before.
    #[default]
    NewSession,
    /// In the newest one that can go on: of the named agent, or of whoever it was.
    Resume,
}

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
    /// In which conversation.
    pub approach: Approach,
    /// What happens when its agent asks, instead of what its entry says.
    pub permissions: Option<Policy>,
    /// Nobody is told what becomes of it.
    pub quiet: bool,
    /// Run it in a worktree of its own, whatever the project says.
    pub worktree: bool,
    /// Run it though a budget is used up.
    pub over_budget: bool,
}

/// A turn that can run.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The turn.
    pub spec: TurnSpec,
    /// The thread's name.
    pub name: String,
    /// The number that its attempt will have.
    pub attempt: u32,
    /// Whether its prompt is a hand-over: told to an agent that takes over from another, or from a lost session.
    pub handover: bool,
    /// The model that was asked for instead of the agent's own.
    pub model: Option<String>,
    /// What a person should know before it starts.
    pub warnings: Vec<String>,
    /// What happens when its agent asks, if that was said for the run or stands at the agent.
    pub permissions: Option<Policy>,
    /// What was asked for.
    pub request: TurnRequest,
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
    if mode == Mode::Primary && request.approach == Approach::Resume {
        return Err(PrepareError::TwoSessions);
    }
    let stream = handle.store.read()?;
    let plan = read_plan(handle)?;
    let thread = find(&stream, &plan, &request.thread)?;
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
    let conversation = converse(workspace, agents, (&stream.id, thread), request)?;
    let Conversation { agent, models, directory, resume } = conversation;
    let connected = connected_for(workspace, &stream, agent, resume, mode)?;
    if models.is_empty() {
        return Err(PrepareError::NoModel(agent.name.to_string()));
    }
    let depth = depth(thread, &agent.name);
    let settings = super::agents::load_settings(workspace)?;
    if let Some(check) = over(&stream, thread, &settings.budget) {
        let whose = whose(check.of, &stream.id, thread.id);
        if !request.over_budget {
            return Err(PrepareError::OverBudget { whose, check });
        }
        warnings.push(format!("{whose} has used up its budget, {}; it runs all the same", check.words()));
    }
    let place = place(workspace, &settings, (&stream.id, thread), request, resume, mode)?;
    let mut prompt = match resume {
        None => {
            let history = history(workspace, &stream.id, thread, 0, depth);
            let failed = failure(thread);
            super::prompt(&stream, thread, &plan, planned, &history, &failed, request.message.as_deref())
        }
        Some(record) => resumed(workspace, &stream, thread, record, request.message.as_deref()),
    };
    let (directory, isolated) = match place {
        None => (directory, None),
        Some(place) => {
            prompt.push_str(&place.told);
            (place.directory, Some(place.isolated))
        }
    };
    let known = resume.and_then(|record| Some((record.session.known()?.clone(), record.attempt)));
    let spec = TurnSpec {
        stream: stream.id.clone(),
        stream_dir: handle.dir.clone(),
        thread: thread.id,
        agent: agent.clone(),
        models,
        mode: visible(mode, agent.backend),
        directory,
        title: format!("{} {}", thread.id, thread.name),
        prompt,
        resume: known,
        connected,
        // Who runs it knows whether somebody is there.
        asking: Asking { policy: Policy::Deny, timeout: Settings::default().ask_timeout },
        notify: None,
        adopt: None,
        client: None,
        isolated,
        budget: settings.budget,
        over_budget: request.over_budget,
        check: match what(workspace, &stream, planned) {
            What::Nothing => None,
            What::Commands(commands) => Some(Checking { commands, timeout: settings.verify_timeout }),
            // It is due all the same.
            What::Changed(_) => Some(Checking { commands: Vec::new(), timeout: settings.verify_timeout }),
        },
        paths: planned.paths.iter().map(|path| path.value.clone()).collect(),
    };
    Ok(Prepared {
        name: thread.name.clone(),
        attempt: thread.next_attempt(),
        handover: resume.is_none() && depth == Depth::HandOver,
        model: request.model.clone(),
        warnings,
        permissions: request.permissions.or(spec.agent.permissions),
        request: TurnRequest { thread: thread.id.to_string(), ..request.clone() },
        spec,
    })
}

/// The session that a person has open, where the turn goes in there; never one of a background job, and no
/// background job in one of a person's.
fn connected_for(
    workspace: &Workspace,
    stream: &Stream,
    agent: &Agent,
    resume: Option<&SessionRecord>,
    mode: Mode,
) -> Result<Option<SessionId>, PrepareError> {
    let connected = match mode {
        Mode::Primary | Mode::Headless => connected(workspace)?,
        Mode::Tui | Mode::Plain => None,
    };
    if mode == Mode::Primary {
        let session = connected.ok_or(PrepareError::NotConnected)?;
        if agent.backend == BackendKind::Acp {
            return Err(PrepareError::NotPrimary { agent: agent.name.to_string(), backend: agent.backend });
        }
        if used_as(stream, &session, Mode::Headless) {
            return Err(PrepareError::Mixed { session, mode });
        }
        return Ok(Some(session));
    }
    let goes_on = resume.and_then(|record| record.session.known());
    match goes_on {
        Some(session)
            if mode == Mode::Headless
                && (connected.as_ref() == Some(session) || used_as(stream, session, Mode::Primary)) =>
        {
            Err(PrepareError::Mixed { session: session.clone(), mode })
        }
        _ => Ok(None),
    }
}

/// How a person sees it: what has no UI of its own is seen as text.
fn visible(mode: Mode, backend: BackendKind) -> Mode {
    if mode == Mode::Tui && !backend.has_ui() { Mode::Plain } else { mode }
}

/// The thread that is meant. One that only the plan has is told to be new.
fn find<'a>(stream: &'a Stream, plan: &Plan, wanted: &str) -> Result<&'a Thread, PrepareError> {
    super::thread(stream, wanted).map_err(|error| {
        let planned = wanted.parse().ok().and_then(|id| plan.thread(id));
        let new = planned.and_then(|planned| thread_drift(stream, planned));
        new.map_or(PrepareError::Resolve(error), PrepareError::Drifted)
    })
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
    if let Some((attempt, owner)) = thread.holder().filter(|(_, owner)| owner::is_alive(owner)) {
        return Err(PrepareError::Running { id: thread.id, attempt, pid: owner.pid });
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

/// Which prompt of a thread is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptOf {
    /// The one that a new session would get.
    NewSession,
    /// The one that a new session of another agent would get.
    HandOver,
    /// The one that its last conversation would go on with.
    Resume,
}

/// The prompt of a thread as it would be sent now, whether it may run or not.
///
/// # Errors
/// [`PrepareError`] when there is no such thread, its plan can't be read, or nothing can be resumed.
pub fn prompt_of(
    workspace: &Workspace,
    handle: &StreamHandle,
    wanted: &str,
    which: PromptOf,
    message: Option<&str>,
) -> Result<(ThreadId, String), PrepareError> {
    let stream = handle.store.read()?;
    let plan = read_plan(handle)?;
    let thread = find(&stream, &plan, wanted)?;
    let planned = plan.thread(thread.id).ok_or(PrepareError::Gone(thread.id))?;
    let new = |depth| {
        let history = history(workspace, &stream.id, thread, 0, depth);
        super::prompt(&stream, thread, &plan, planned, &history, &failure(thread), message)
    };
    let mut goes_on = None;
    let mut prompt = match which {
        PromptOf::NewSession => {
            new(thread.agent.as_ref().map_or(Depth::Attempts, |agent| depth(thread, agent)))
        }
        PromptOf::HandOver => new(Depth::HandOver),
        PromptOf::Resume => {
            let record = thread.resumable(None).map_err(|why| PrepareError::NoSession {
                id: thread.id,
                agent: None,
                why,
                others: Vec::new(),
            })?;
            goes_on = Some(record);
            resumed(workspace, &stream, thread, record, message)
        }
    };
    let (settings, request) = (super::agents::load_settings(workspace)?, TurnRequest::default());
    if let Some(place) = place(workspace, &settings, (&stream.id, thread), &request, goes_on, Mode::Plain)? {
        prompt.push_str(&place.told);
    }
    Ok((thread.id, prompt))
}
