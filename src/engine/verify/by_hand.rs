//! A check that a person asks for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::perform::{Check, Order, perform};
use super::record::{end_check, mark};
use super::what::{What, what};
use crate::engine::drift::Drift;
use crate::engine::status::status_of;
use crate::engine::{Hint, SessionError, StreamHandle, Workspace, owner, recover};
use crate::model::{
    self, AgentEvent, CheckRun, CheckStep, CheckVerdict, Owner, Stream, StreamId, Thread, ThreadId,
    ThreadStatus, Verification,
};
use crate::plan;
use crate::store::TransactError;
use crate::store::journal::{Journals, Writer};
use crate::sys::shell::Stop;

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The plan asks for no check.
    #[error("the plan names no commands that must pass for thread `{0}`")]
    NoCommands(ThreadId),
    /// No plan was approved.
    #[error("the plan of stream `{0}` is not approved, so nothing of it runs")]
    NotApproved(StreamId),
    /// What was approved is not known any more.
    #[error("thread `{}` {}, so its commands are not run", .0.id, .0.kind.words())]
    Changed(Drift),
    /// The plan has it no more.
    #[error("the plan has thread `{0}` no more")]
    Gone(ThreadId),
    /// The plan can't be read.
    #[error("cannot read `{path}`")]
    Plan {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A turn of it runs, or another check.
    #[error("thread `{id}` is running (attempt {attempt}, process {pid})")]
    Running {
        /// The thread.
        id: ThreadId,
        /// The attempt.
        attempt: u32,
        /// Who runs it.
        pid: u32,
    },
    /// The state can't be read or written.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl Hint for VerifyError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoCommands(id) => vec![
                format!(
                    "write them behind `**Verify:**` of thread {id} in PLAN.md, then `work approve plan`"
                ),
                format!("`work update --thread {id} --status completed` calls it completed by your word"),
            ],
            Self::NotApproved(_) | Self::Changed(_) => {
                vec!["`work review` shows what changed, `work approve plan` approves it".to_owned()]
            }
            Self::Gone(_) => vec!["`work tree` shows what it has".to_owned()],
            Self::Running { id, .. } => vec![format!("`work logs {id} -f` shows what it does")],
            Self::Plan { .. } | Self::Session(_) => Vec::new(),
        }
    }
}

impl From<TransactError<VerifyError>> for VerifyError {
    fn from(error: TransactError<VerifyError>) -> Self {
        match error {
            TransactError::Store(error) => Self::Session(error.into()),
            TransactError::Refused(error) => error,
        }
    }
}

/// A check that can be done now.
#[derive(Debug)]
pub struct ByHand {
    order: Order,
    handle: StreamHandle,
    /// The attempt that it is written into, and who does it; none when there was none.
    attempt: Option<(u32, Owner)>,
    journal: Option<Writer>,
}

/// What came of a check by hand.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// The thread.
    pub thread: ThreadId,
    /// Where the commands ran.
    #[serde(serialize_with = "crate::engine::lossy::path")]
    #[schemars(with = "String")]
    pub directory: PathBuf,
    /// What came of it.
    pub verdict: CheckVerdict,
    /// The commands that ran to their ends; none when it was stopped.
    #[serde(flatten)]
    pub run: Option<CheckRun>,
    /// The attempt that it was written into; none when there was none.
    pub attempt: Option<u32>,
    /// The status of the thread now.
    pub status: ThreadStatus,
}

/// Gets the check of a thread ready, and takes the thread for it, so that no turn begins meanwhile.
///
/// # Errors
/// [`VerifyError`]; nothing was changed.
pub fn by_hand(
    workspace: &Workspace,
    handle: &StreamHandle,
    thread: ThreadId,
    limit: Duration,
) -> Result<ByHand, VerifyError> {
    // What a dead owner has left would be in the way.
    recover(&handle.store, &workspace.private, handle.store.now())?;
    let state = handle.store.read().map_err(SessionError::from)?;
    let found = state.thread(thread).ok_or(SessionError::NoThread(thread))?;
    let commands = commands(workspace, handle, &state, found)?;
    let directory = found.last_record().and_then(|last| last.directory.clone()).filter(|dir| dir.is_dir());
    let directory = directory.unwrap_or_else(|| workspace.root.clone());
    let attempt = claim(handle, thread)?;
    let journal =
        attempt.as_ref().and_then(|(attempt, _)| journal(&workspace.private, &state, found, *attempt));
    let (number, owner) = attempt.clone().unwrap_or_else(|| (0, owner::current()));
    let order = Order {
        workspace: workspace.clone(),
        stream: handle.id.clone(),
        thread,
        directory,
        kept: None,
        commands,
        limit,
        mark: mark(&owner, &handle.id, thread, number),
    };
    Ok(ByHand { order, handle: handle.clone(), attempt, journal })
}

fn commands(
    workspace: &Workspace,
    handle: &StreamHandle,
    state: &Stream,
    thread: &Thread,
) -> Result<Vec<String>, VerifyError> {
    if state.approvals.plan.is_none() {
        return Err(VerifyError::NotApproved(state.id.clone()));
    }
    let path = handle.plan_file();
    let text = crate::engine::read_text(&path).map_err(|source| VerifyError::Plan { path, source })?;
    let plan = plan::read(&text);
    let planned = plan.thread(thread.id).ok_or(VerifyError::Gone(thread.id))?;
    match what(workspace, state, planned) {
        What::Commands(commands) => Ok(commands),
        What::Nothing => Err(VerifyError::NoCommands(thread.id)),
        What::Changed(drift) => Err(VerifyError::Changed(drift)),
    }
}

/// Writes that this process checks the last attempt that has ended.
fn claim(handle: &StreamHandle, id: ThreadId) -> Result<Option<(u32, Owner)>, VerifyError> {
    let (own, now) = (owner::current(), handle.store.now());
    Ok(handle.store.transact(|state| {
        let thread = state.thread_mut(id).ok_or(SessionError::NoThread(id))?;
        if let Some((attempt, owner)) = thread.holder().filter(|(_, owner)| owner::is_alive(owner)) {
            return Err(VerifyError::Running { id, attempt, pid: owner.pid });
        }
        // One that got no session left nothing to check.
        let worked = |record: &&model::SessionRecord| !record.turns.is_empty();
        let Some(attempt) = thread.sessions.iter().rev().find(worked).map(|record| record.attempt) else {
            return Ok(None);
        };
        model::begin_check(thread, attempt, own.clone(), now).map_err(SessionError::from)?;
        Ok(Some((attempt, own)))
    })?)
}

/// The journal of the last turn of an attempt; a check is worth something without it.
fn journal(private: &Path, state: &Stream, thread: &Thread, attempt: u32) -> Option<Writer> {
    let turn = *thread.attempt(attempt)?.turns.last()?;
    let path = Journals::new(private).path(&state.id, thread.id, turn);
    Writer::reopen(&path, turn).ok()
}

impl ByHand {
    /// Where the commands run.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.order.directory
    }

    /// Does it, tells every step, and writes what came of it.
    ///
    /// # Errors
    /// [`VerifyError::Session`] when that could not be written.
    pub fn run(mut self, stop: &Stop, tell: &mut dyn FnMut(&CheckStep)) -> Result<Checked, VerifyError> {
        let check = perform(&self.order, stop, &mut |step| {
            tell(&step);
            if let Some(journal) = &mut self.journal {
                // The record holds what counts.
                let _ = journal.append(AgentEvent::Check(step));
            }
        });
        if let Some(journal) = &self.journal {
            let _ = journal.sync();
        }
        let (thread, store) = (self.order.thread, &self.handle.store);
        let verdict = check.verdict();
        let (came, run) = match check {
            Check::Done(run) => (Verification::of(run.clone()), Some(run)),
            Check::Stopped(command) => {
                let why = format!("a person stopped it while `{command}` ran");
                (Verification::Stopped { at: store.now(), why }, None)
            }
        };
        if let Some((attempt, owner)) = &self.attempt {
            end_check(store, thread, *attempt, owner, &came)?;
        }
        let state = store.read().map_err(SessionError::from)?;
        let status = state.thread(thread).map_or(ThreadStatus::Pending, status_of);
        let attempt = self.attempt.map(|(attempt, _)| attempt);
        Ok(Checked { thread, directory: self.order.directory, verdict, run, attempt, status })
    }
}
