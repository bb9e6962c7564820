//! In which conversation a thread is taken up: a new one, or one that it had before.

use std::path::PathBuf;

use super::history::{Depth, history};
use super::isolate::is_place_of;
use super::status::SessionRow;
use super::{Approach, PrepareError, TurnRequest, Workspace};
use crate::config::{Agent, Agents};
use crate::model::{AgentName, FailureKind, ModelRef, SessionRecord, Stream, StreamId, Thread};

/// Whose conversation a turn belongs to.
pub(super) struct Conversation<'a> {
    pub(super) agent: &'a Agent,
    pub(super) models: Vec<ModelRef>,
    pub(super) directory: PathBuf,
    /// The attempt whose session goes on.
    pub(super) resume: Option<&'a SessionRecord>,
}

/// The conversation that a request asks for: who, with what, where.
pub(super) fn converse<'a>(
    workspace: &Workspace,
    agents: &'a Agents,
    (stream, thread): (&StreamId, &'a Thread),
    request: &TurnRequest,
) -> Result<Conversation<'a>, PrepareError> {
    let asked = request.model.as_deref().map(str::parse::<ModelRef>).transpose()?;
    if request.approach == Approach::NewSession {
        let wanted = request.agent.as_deref().or(thread.agent.as_ref().map(|name| name.0.as_str()));
        let agent = agent_for(agents, wanted)?;
        let models = asked.map_or_else(|| agent.models.clone(), |model| vec![model]);
        return Ok(Conversation { agent, models, directory: workspace.root.clone(), resume: None });
    }
    let wanted = request.agent.clone().map(AgentName);
    let record = thread.resumable(wanted.as_ref()).map_err(|why| PrepareError::NoSession {
        id: thread.id,
        agent: request.agent.clone(),
        why,
        others: resumable_agents(thread),
    })?;
    let agent = agent_for(agents, Some(&record.agent.0))?;
    if let Some(was) = record.backend.filter(|was| !was.shares_sessions(agent.backend)) {
        let (id, agent, is) = (thread.id, agent.name.to_string(), agent.backend);
        return Err(PrepareError::OtherBackend { id, agent, was, is });
    }
    // An imported record may not tell a model that can be asked for.
    let same = record.model.parse::<ModelRef>().map(|model| model.with_variant(record.variant.clone()));
    let models = asked.or(same.ok()).map_or_else(|| agent.models.clone(), |model| vec![model]);
    let directory = record.directory.clone().unwrap_or_else(|| workspace.root.clone());
    // A worktree that was removed is made anew where it was.
    if !directory.is_dir() && !is_place_of(workspace, stream, thread.id, &directory) {
        return Err(PrepareError::NoDirectory { id: thread.id, directory });
    }
    Ok(Conversation { agent, models, directory, resume: Some(record) })
}

/// The agents of a thread's attempts whose conversations can go on, the last one first.
#[must_use]
pub fn resumable_agents(thread: &Thread) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for record in thread.sessions.iter().rev() {
        if !names.contains(&record.agent.0) && thread.resumable(Some(&record.agent)).is_ok() {
            names.push(record.agent.0.clone());
        }
    }
    names
}

/// How much a new session is told: all that can be known, unless the same agent just tries again.
pub(super) fn depth(thread: &Thread, agent: &AgentName) -> Depth {
    let lost = |last: &SessionRecord| {
        last.agent != *agent
            || last.failed_as(FailureKind::SessionUnknown)
            || last.failed_as(FailureKind::ContextFull)
    };
    if thread.last_record().is_some_and(lost) { Depth::HandOver } else { Depth::Attempts }
}

/// The prompt that goes on after the attempt `record`.
pub(super) fn resumed(
    workspace: &Workspace,
    stream: &Stream,
    thread: &Thread,
    record: &SessionRecord,
    message: Option<&str>,
) -> String {
    let row = SessionRow::of(record);
    let stopped = row.error.map(|failure| failure.message).or(row.interrupted_by);
    let since = history(workspace, &stream.id, thread, record.attempt, Depth::HandOver);
    let failed = super::verify::failure(thread);
    super::resume_prompt(stream, thread, stopped.as_deref(), &since, &failed, message)
}

fn agent_for<'a>(agents: &'a Agents, wanted: Option<&str>) -> Result<&'a Agent, PrepareError> {
    let found = match wanted {
        Some(wanted) => agents.get(&AgentName(wanted.to_owned())),
        None => agents.default_agent(),
    };
    found.ok_or_else(|| PrepareError::NoAgent {
        wanted: wanted.unwrap_or("default").to_owned(),
        known: agents.agents.iter().map(|agent| agent.name.to_string()).collect(),
    })
}
