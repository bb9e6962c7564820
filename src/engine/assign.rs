//! Which agent a thread is for.

use super::{Hint, ResolveError};
use crate::config::Agents;
use crate::model::{AgentName, NodeId, ThreadId};
use crate::store::{Store, StoreError, TransactError};

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

/// Assigns an agent to every thread of `target` (a stage, batch or thread); gives the threads.
///
/// # Errors
/// [`AssignError`].
pub fn assign(store: &Store, target: &str, agent: &AgentName) -> Result<Vec<ThreadId>, AssignError> {
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
