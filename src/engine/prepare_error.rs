//! Why a thread can't run, and what to do about it.

use std::path::PathBuf;

use super::agents::ConfigError;
use super::changes::ChangeError;
use super::drift::{Drift, DriftKind};
use super::{Hint, ResolveError};
use crate::model::{BackendKind, BudgetCheck, IdError, Mode, NoSession, SessionId, ThreadId, ThreadStatus};
use crate::store::StoreError;
use crate::store::private::PrivateError;

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
    /// A budget is used up.
    #[error(
        "{whose} has used up its budget, {} (`{}`, line {} of `work/config.yaml`)",
        check.words(), check.key, check.line
    )]
    OverBudget {
        /// The thread or the stream.
        whose: String,
        /// The limit.
        check: BudgetCheck,
    },
    /// None of its conversations can go on.
    #[error("thread `{id}` can't be resumed{}", reason(agent.as_deref(), *why))]
    NoSession {
        /// The thread.
        id: ThreadId,
        /// The agent that was named.
        agent: Option<String>,
        /// Why not.
        why: NoSession,
        /// Agents of the thread whose conversations can go on.
        others: Vec<String>,
    },
    /// The folder that its conversation is about is gone.
    #[error("thread `{id}` can't be resumed: its folder `{}` is not there any more", directory.display())]
    NoDirectory {
        /// The thread.
        id: ThreadId,
        /// The folder.
        directory: PathBuf,
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
    /// Its conversation was held with what is another agent by now, under the same name.
    #[error(
        "thread `{id}` can't be resumed: agent `{agent}` had it over `{}`, and has the backend `{}` now",
        was.name(), is.name()
    )]
    OtherBackend {
        /// The thread.
        id: ThreadId,
        /// The agent.
        agent: String,
        /// How it was talked to.
        was: BackendKind,
        /// How it is talked to now.
        is: BackendKind,
    },
    /// Both say in which session.
    #[error("a resume goes on in the thread's own session, and `--mode primary` is in the connected one")]
    TwoSessions,
    /// No session is connected.
    #[error("no session is connected")]
    NotConnected,
    /// A session would be shared by a person and by background jobs.
    #[error("session `{session}` {}", whose(*mode))]
    Mixed {
        /// The session.
        session: SessionId,
        /// How it was to be used.
        mode: Mode,
    },
    /// A conversation with a person is opencode's only.
    #[error("agent `{agent}` has the backend `{}`, and only opencode's sessions can be connected", backend.name())]
    NotPrimary {
        /// The agent.
        agent: String,
        /// Its backend.
        backend: BackendKind,
    },
    /// The private folder can't be read.
    #[error(transparent)]
    Private(#[from] PrivateError),
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
    /// The settings can't be used.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// It can't have a worktree.
    #[error(transparent)]
    Changes(#[from] ChangeError),
    /// The state can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn whose(mode: Mode) -> &'static str {
    match mode {
        Mode::Headless => "is one that a person has open, so no background job goes on in it",
        _ => "belongs to background jobs, so no person's prompts go in there",
    }
}

fn reason(agent: Option<&str>, why: NoSession) -> String {
    match (agent, why) {
        (None, why) => format!(": {why}"),
        (Some(agent), NoSession::NeverRun) => format!(": agent `{agent}` never had it"),
        (Some(agent), why) => format!(" with agent `{agent}`: {why}"),
    }
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
            Self::OverBudget { check, .. } => vec![
                format!(
                    "raise `{}` in `work/config.yaml`, which holds for every turn from then on",
                    check.key
                ),
                "`--over-budget` runs it all the same, this time".to_owned(),
            ],
            Self::NoSession { id, others, .. } => {
                let other = others.iter().map(|agent| {
                    format!(
                        "`work fix --thread {id} --resume --agent {agent}` goes on with {agent}'s session"
                    )
                });
                let retry =
                    format!("`work fix --thread {id} --retry` begins a new session, told what happened");
                other.chain([retry]).collect()
            }
            Self::NoDirectory { id, .. } | Self::OtherBackend { id, .. } => {
                vec![format!(
                    "`work fix --thread {id} --retry` begins a new session here, told what happened"
                )]
            }
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
            Self::TwoSessions => vec!["leave one of them out".to_owned()],
            Self::NotConnected => {
                vec!["`work session connect` lists opencode's sessions and connects one".to_owned()]
            }
            Self::Mixed { mode: Mode::Headless, .. } => {
                vec!["`--retry` begins a session of its own, which is told what happened".to_owned()]
            }
            Self::Mixed { .. } => vec!["`work session connect` connects another one".to_owned()],
            Self::NotPrimary { .. } => vec!["`--agent NAME` names one that is opencode".to_owned()],
            Self::Settings(error) => error.hints(),
            Self::Changes(error) => error.hints(),
            Self::Private(_) | Self::Closed(..) | Self::Store(_) => Vec::new(),
        }
    }
}
