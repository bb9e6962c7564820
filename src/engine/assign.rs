//! Which agent a thread is for.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Hint, ResolveError, StreamHandle};
use crate::config::Agents;
use crate::model::{AgentName, NodeId, ThreadId};
use crate::plan::{self, edit::EditError};
use crate::store::{Store, StoreError, TransactError};
use crate::sys::atomic;

/// Why nothing was assigned.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// There is no such stage, batch or thread.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// `agents.yaml` has no such agent.
    #[error("no agent `{wanted}` in `work/agents.yaml`")]
    NoAgent {
        /// The name.
        wanted: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A task can't have an agent of its own.
    #[error("`{0}` is a task; agents are assigned to threads, batches and stages")]
    Task(NodeId),
    /// The agent can't be named in PLAN.md.
    #[error("the state names the new agent, and PLAN.md still the old one")]
    Plan(#[from] EditError),
    /// PLAN.md can't be written.
    #[error(transparent)]
    Write(#[from] atomic::WriteError),
    /// The state file refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TransactError<AssignError>> for AssignError {
    fn from(error: TransactError<AssignError>) -> Self {
        match error {
            TransactError::Store(error) => Self::Store(error),
            TransactError::Refused(error) => error,
        }
    }
}

impl Hint for AssignError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Resolve(error) => error.hints(),
            Self::NoAgent { wanted, known } => {
                let similar = super::resolve::similar(wanted, known.iter().map(String::as_str));
                let mut hints: Vec<String> =
                    similar.iter().map(|name| format!("did you mean `{name}`?")).collect();
                hints.push(format!("there are {}", known.join(", ")));
                hints
            }
            Self::Write(error) => error.hint().into_iter().collect(),
            Self::Plan(_) => vec!["change `**Agent:**` in PLAN.md by hand".to_owned()],
            Self::Task(_) | Self::Store(_) => Vec::new(),
        }
    }
}

/// The agent of that name.
///
/// # Errors
/// [`AssignError::NoAgent`].
pub fn known_agent(agents: &Agents, wanted: &str) -> Result<AgentName, AssignError> {
    let known = || agents.agents.iter().map(|agent| agent.name.to_string());
    agents
        .agents
        .iter()
        .find(|agent| agent.name.0 == wanted)
        .map(|agent| agent.name.clone())
        .ok_or_else(|| AssignError::NoAgent { wanted: wanted.to_owned(), known: known().collect() })
}

/// What was assigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Assigned {
    /// The agent.
    pub agent: AgentName,
    /// Its threads.
    pub threads: Vec<ThreadId>,
    /// Those of them for which PLAN.md named another agent, and now names this one.
    pub plan: Vec<ThreadId>,
}

/// Assigns an agent to every thread of `target` (a stage, batch or thread).
///
/// Where PLAN.md names an agent for a thread, its line is changed, too: the next approval would bring
/// the old one back.
///
/// # Errors
/// [`AssignError`].
pub fn assign(handle: &StreamHandle, target: &str, agent: &AgentName) -> Result<Assigned, AssignError> {
    let threads = assign_in_state(&handle.store, target, agent)?;
    let mut assigned = Assigned { agent: agent.clone(), threads, plan: Vec::new() };
    // A plan that can't be read is told of by whoever needs it.
    let Ok(mut source) = super::read_text(&handle.plan_file()) else { return Ok(assigned) };
    let plan = plan::parse(&source).plan;
    for &id in &assigned.threads {
        let other = plan.thread(id).and_then(|thread| thread.agent.as_ref());
        if other.is_some_and(|named| named.value != *agent) {
            source = plan::edit::set_agent(&source, id, agent)?;
            assigned.plan.push(id);
        }
    }
    if !assigned.plan.is_empty() {
        atomic::write_atomic(&handle.plan_file(), source.as_bytes())?;
    }
    Ok(assigned)
}

fn assign_in_state(store: &Store, target: &str, agent: &AgentName) -> Result<Vec<ThreadId>, AssignError> {
    Ok(store.transact(|stream| {
        let node = super::node(stream, target)?;
        if let NodeId::Task(_) = node {
            return Err(AssignError::Task(node));
        }
        let below = |id: ThreadId| match node {
            NodeId::Stage(stage) => id.stage() == stage,
            NodeId::Batch(batch) => id.batch == batch,
            NodeId::Thread(thread) => id == thread,
            NodeId::Task(_) => false,
        };
        let mut assigned = Vec::new();
        for thread in stream.threads.iter_mut().filter(|thread| below(thread.id)) {
            thread.agent = Some(agent.clone());
            assigned.push(thread.id);
        }
        Ok(assigned)
    })?)
}
