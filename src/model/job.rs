//! A job: a turn that was queued to run in the background. Its states, and the steps between them.
//!
//! Pure. One invariant: a job that has ended never changes again.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{CancelCause, Extra, Failure, IdError, Owner, Policy, SessionId, StreamId, ThreadId};
use super::{TurnNumber, TurnOutcome};

/// The number of a job in its repository, from 1, in the order of queueing. Never used twice.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = IdError;
    /// Reads `7` or `#7`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let number = text.strip_prefix('#').unwrap_or(text).parse().ok().filter(|number| *number > 0);
        number.map(Self).ok_or_else(|| IdError { text: text.to_owned(), expected: "a job's number like `7`" })
    }
}

/// What is to run. The turn itself is prepared when the job starts: the plan, the approval, the agents and
/// what other threads have done may be others by then.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Order {
    /// Another agent than the assigned one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Another model than the agent's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A word to the agent on top of the prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Go on in the thread's last session, as it is then, instead of a new one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub resume: bool,
    /// Run it though the plan changed after it was approved.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_drift: bool,
    /// What happens when the agent asks, instead of what its entry or the project says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Policy>,
    /// Nobody is told what becomes of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
    /// Run it in a worktree of its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub worktree: bool,
    /// Run it though a budget is used up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub over_budget: bool,
    /// The sockets of the tmux servers in whose status lines it may stand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status_lines: Vec<PathBuf>,
    /// Fields that only a newer version knows.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The turn of a job, as it stands in the thread's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobTurn {
    /// The attempt.
    pub attempt: u32,
    /// The turn's number, which is the name of its journal.
    pub number: TurnNumber,
    /// The agent's own id of the session.
    pub session: SessionId,
}

/// Where a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// It waits for its turn.
    Pending {
        /// The supervisor that will start it. Without one, or when that one is dead, it waits until a person
        /// lets it begin.
        by: Option<Owner>,
    },
    /// Its turn runs.
    Running {
        /// The supervisor that runs it.
        by: Owner,
        /// Since when.
        since: DateTime<Utc>,
        /// Its turn, once its session is open.
        turn: Option<JobTurn>,
    },
    /// It is over.
    Ended {
        /// When it was started, if it was.
        began: Option<DateTime<Utc>>,
        /// When it ended.
        at: DateTime<Utc>,
        /// How.
        outcome: TurnOutcome,
        /// Its turn, if there was one.
        turn: Option<JobTurn>,
    },
}

/// The state of a job as one word.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum JobStatus {
    /// It waits.
    Pending,
    /// It runs.
    Running,
    /// Its agent ended its turn well.
    Completed,
    /// Its turn failed, or could not begin.
    Failed,
    /// A person cancelled it.
    Cancelled,
    /// The supervisor that ran it ended before it did.
    Interrupted,
}

impl JobStatus {
    /// Those of jobs that are over.
    pub const OVER: [Self; 4] = [Self::Completed, Self::Failed, Self::Cancelled, Self::Interrupted];

    /// The word in files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether the job may still do something.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }

    /// The word for a turn that ended so.
    #[must_use]
    pub fn of(outcome: &TurnOutcome) -> Self {
        match outcome {
            TurnOutcome::Completed => Self::Completed,
            TurnOutcome::Failed { .. } => Self::Failed,
            TurnOutcome::Cancelled { cause: CancelCause::Person | CancelCause::Agent } => Self::Cancelled,
            TurnOutcome::Cancelled {
                cause: CancelCause::ClientGone | CancelCause::Shutdown | CancelCause::OwnerDied,
            } => Self::Interrupted,
        }
    }
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// The stream.
    pub stream: StreamId,
    /// The thread.
    pub thread: ThreadId,
    /// The thread's name when it was queued.
    pub name: String,
    /// What is to run.
    pub order: Order,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
    /// The first job that was queued by the same command. Its batches run one after another.
    pub group: JobId,
    /// How many jobs of the group may run at once, if that was said.
    pub max_parallel: Option<u32>,
    /// The job that this one does again.
    pub retry_of: Option<JobId>,
    /// Where it is.
    pub state: JobState,
    /// Fields that only a newer version knows.
    pub extra: Extra,
}

/// A step that the state of a job does not allow. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("job {id} is {}, and can't be {to}", from.name())]
pub struct JobStep {
    /// The job.
    pub id: JobId,
    /// Its state.
    pub from: JobStatus,
    /// What was asked for.
    pub to: &'static str,
}

impl Job {
    /// Where it is, as a word. `is_alive` tells whether a supervisor lives: what a dead one was running is
    /// interrupted.
    #[must_use]
    pub fn status(&self, is_alive: &dyn Fn(&Owner) -> bool) -> JobStatus {
        match &self.state {
            JobState::Pending { .. } => JobStatus::Pending,
            JobState::Running { by, .. } if is_alive(by) => JobStatus::Running,
            JobState::Running { .. } => JobStatus::Interrupted,
            JobState::Ended { outcome, .. } => JobStatus::of(outcome),
        }
    }

    /// Whether it is pending and nobody will start it before a person says so.
    #[must_use]
    pub fn is_held(&self, is_alive: &dyn Fn(&Owner) -> bool) -> bool {
        matches!(&self.state, JobState::Pending { by } if !by.as_ref().is_some_and(is_alive))
    }

    /// Its turn, if there is one.
    #[must_use]
    pub fn turn(&self) -> Option<&JobTurn> {
        match &self.state {
            JobState::Pending { .. } => None,
            JobState::Running { turn, .. } | JobState::Ended { turn, .. } => turn.as_ref(),
        }
    }

    fn refuse(&self, to: &'static str) -> JobStep {
        JobStep { id: self.id, from: self.status(&|_| true), to }
    }

    /// A supervisor takes it, and will start it.
    ///
    /// # Errors
    /// [`JobStep`] when it is not pending.
    pub fn admit(&mut self, supervisor: &Owner) -> Result<(), JobStep> {
        match &mut self.state {
            JobState::Pending { by } => *by = Some(supervisor.clone()),
            _ => return Err(self.refuse("started")),
        }
        Ok(())
    }

    /// Its supervisor starts it.
    ///
    /// # Errors
    /// [`JobStep`] when it is not pending.
    pub fn start(&mut self, supervisor: &Owner, now: DateTime<Utc>) -> Result<(), JobStep> {
        match &self.state {
            JobState::Pending { .. } => {
                self.state = JobState::Running { by: supervisor.clone(), since: now, turn: None };
                Ok(())
            }
            _ => Err(self.refuse("started")),
        }
    }

    /// It was started and could not begin yet: it waits again.
    ///
    /// # Errors
    /// [`JobStep`] when it does not run, or has a turn already.
    pub fn put_back(&mut self) -> Result<(), JobStep> {
        match &self.state {
            JobState::Running { by, turn: None, .. } => {
                self.state = JobState::Pending { by: Some(by.clone()) };
                Ok(())
            }
            _ => Err(self.refuse("put back")),
        }
    }

    /// Its session is open. The last one counts, when another model is tried.
    ///
    /// # Errors
    /// [`JobStep`] when it does not run.
    pub fn opened(&mut self, opened: JobTurn) -> Result<(), JobStep> {
        match &mut self.state {
            JobState::Running { turn, .. } => *turn = Some(opened),
            _ => return Err(self.refuse("opened")),
        }
        Ok(())
    }

    /// It is over.
    ///
    /// # Errors
    /// [`JobStep`] when it was over before.
    pub fn end(&mut self, outcome: TurnOutcome, now: DateTime<Utc>) -> Result<(), JobStep> {
        let (began, turn) = match &self.state {
            JobState::Pending { .. } => (None, None),
            JobState::Running { since, turn, .. } => (Some(*since), turn.clone()),
            JobState::Ended { .. } => return Err(self.refuse("ended")),
        };
        self.state = JobState::Ended { began, at: now, outcome, turn };
        Ok(())
    }

    /// Why it failed, or by whom it was cancelled, in words.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        match &self.state {
            JobState::Ended { outcome: TurnOutcome::Failed { failure }, .. } => {
                let Failure { message, .. } = failure;
                Some(message.clone())
            }
            JobState::Ended { outcome: TurnOutcome::Cancelled { cause }, .. } => {
                Some(cause.words().to_owned())
            }
            _ => None,
        }
    }
}

/// All jobs of a repository, in the order of queueing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jobs {
    /// The number of the next one.
    pub next: u64,
    /// Those that are kept.
    pub jobs: Vec<Job>,
    /// Fields that only a newer version knows.
    pub extra: Extra,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { next: 1, jobs: Vec::new(), extra: Extra::new() }
    }
}

impl Jobs {
    /// A job by its number.
    #[must_use]
    pub fn get(&self, id: JobId) -> Option<&Job> {
        self.jobs.iter().find(|job| job.id == id)
    }

    /// The same, to change it.
    #[must_use]
    pub fn get_mut(&mut self, id: JobId) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.id == id)
    }

    /// Takes the next number.
    pub fn take_number(&mut self) -> JobId {
        let id = JobId(self.next);
        self.next += 1;
        id
    }

    /// Forgets jobs that are over, except for the last `keep` of each way to end.
    pub fn forget_old(&mut self, keep: usize) {
        for status in JobStatus::OVER {
            let ended = |job: &Job| match &job.state {
                JobState::Ended { at, outcome, .. } if JobStatus::of(outcome) == status => {
                    Some((*at, job.id))
                }
                _ => None,
            };
            let mut over: Vec<_> = self.jobs.iter().filter_map(ended).collect();
            over.sort_unstable();
            over.truncate(over.len().saturating_sub(keep));
            self.jobs.retain(|job| over.iter().all(|(_, old)| *old != job.id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: u64) -> Job {
        Job {
            id: JobId(id),
            stream: "001-a".parse().expect("an id"),
            thread: "01.01.01".parse().expect("an id"),
            name: "T".to_owned(),
            order: Order::default(),
            queued_at: DateTime::UNIX_EPOCH,
            group: JobId(id),
            max_parallel: None,
            retry_of: None,
            state: JobState::Pending { by: None },
            extra: Extra::new(),
        }
    }

    fn owner(pid: u32) -> Owner {
        Owner { pid, started_at: 1, boot_id: "b".into(), host: "h".into() }
    }

    #[test]
    fn each_step_is_allowed_from_where_it_makes_sense_and_refused_elsewhere() {
        let (me, now) = (owner(1), DateTime::UNIX_EPOCH);
        let cancelled = || TurnOutcome::Cancelled { cause: CancelCause::Person };
        let turn = || JobTurn { attempt: 1, number: 1, session: SessionId("s".into()) };
        let mut pending = job(1);
        assert!(pending.opened(turn()).is_err() && pending.put_back().is_err());
        pending.admit(&me).expect("pending");
        let mut running = pending.clone();
        running.start(&me, now).expect("pending");
        assert!(running.admit(&me).is_err() && running.start(&me, now).is_err());
        let mut back = running.clone();
        back.put_back().expect("no turn yet");
        assert_eq!(back, pending);
        running.opened(turn()).expect("running");
        assert!(running.put_back().is_err(), "it has begun");
        for mut any in [pending, running] {
            any.end(cancelled(), now).expect("active");
            let over = any.clone();
            assert!(any.end(TurnOutcome::Completed, now).is_err());
            assert!(any.admit(&me).is_err() && any.start(&me, now).is_err());
            assert!(any.put_back().is_err() && any.opened(turn()).is_err());
            assert_eq!(any, over, "what is over stays as it is");
        }
    }

    #[test]
    fn what_a_dead_supervisor_ran_is_interrupted_and_what_it_held_waits_for_a_person() {
        let alive = |owner: &Owner| owner.pid == 1;
        let mut one = job(1);
        assert!(one.is_held(&alive), "nobody has taken it");
        for (pid, held, status) in [(1, false, JobStatus::Running), (2, true, JobStatus::Interrupted)] {
            one.state = JobState::Pending { by: None };
            one.admit(&owner(pid)).expect("pending");
            assert_eq!((one.is_held(&alive), one.status(&alive)), (held, JobStatus::Pending));
            one.start(&owner(pid), DateTime::UNIX_EPOCH).expect("pending");
            assert_eq!((one.is_held(&alive), one.status(&alive)), (false, status));
        }
        one.end(TurnOutcome::Cancelled { cause: CancelCause::Shutdown }, DateTime::UNIX_EPOCH)
            .expect("active");
        assert_eq!(one.status(&alive), JobStatus::Interrupted);
    }

    #[test]
    fn only_the_last_of_each_end_are_kept_and_all_that_are_active() {
        let mut jobs = Jobs::default();
        for round in 0..7 {
            for outcome in [
                None,
                Some(TurnOutcome::Completed),
                Some(TurnOutcome::Cancelled { cause: CancelCause::Person }),
            ] {
                let mut one = job(jobs.take_number().0);
                if let Some(outcome) = outcome {
                    let at = DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(round);
                    one.end(outcome, at).expect("active");
                }
                jobs.jobs.push(one);
            }
        }
        jobs.forget_old(5);
        let ids: Vec<u64> = jobs.jobs.iter().map(|job| job.id.0).collect();
        assert_eq!(ids, [1, 4, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
        assert_eq!(jobs.take_number(), JobId(22), "a number is never used twice");
    }
}
