//! The queue as commands and the supervisor change it.

use std::collections::BTreeSet;
use std::convert::Infallible;

use chrono::{DateTime, Utc};

use super::schedule::next_to_start;
use crate::engine::{Hint, Workspace, owner};
use crate::model::{
    CancelCause, Extra, Job, JobId, JobState, JobStatus, JobStep, JobTurn, Jobs, Order, Outcome, Owner,
    SessionState, Stream, StreamId, ThreadId, TurnOutcome,
};
use crate::store::{JobStore, JobStoreError, TransactError};

/// How many jobs of each way to end are kept.
pub const KEPT: usize = 5;

/// Why the queue was not changed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The file refuses.
    #[error(transparent)]
    Store(#[from] JobStoreError),
    /// There is no such job, or no more.
    #[error("there is no job {0}")]
    Unknown(JobId),
    /// The step makes no sense.
    #[error(transparent)]
    Step(#[from] JobStep),
    /// It is not over, and so can't be done again or forgotten.
    #[error("job {0} is not over yet")]
    Active(JobId),
    /// The thread has a job already.
    #[error("thread `{thread}` is queued already, as job {job}")]
    Queued {
        /// The thread.
        thread: ThreadId,
        /// The job.
        job: JobId,
        /// Whether it waits for a person.
        held: bool,
    },
}

impl Hint for JobError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Store(error) => error.hint().into_iter().collect(),
            Self::Unknown(_) => {
                vec!["`work jobs` lists them; of those that are over the last are kept".to_owned()]
            }
            Self::Step(_) => vec!["`work jobs` shows where each job is".to_owned()],
            Self::Active(id) => vec![format!("`work jobs cancel {id}` ends it")],
            Self::Queued { job, held: true, .. } => {
                vec![format!("`work jobs start {job}` lets it begin, `work jobs cancel {job}` drops it")]
            }
            Self::Queued { job, .. } => vec![
                format!("`work jobs wait {job}` follows it, `work jobs cancel {job}` ends it"),
                "with `--resume` the new one goes on after it, in the same session".to_owned(),
            ],
        }
    }
}

impl From<TransactError<Self>> for JobError {
    fn from(error: TransactError<Self>) -> Self {
        match error {
            TransactError::Store(error) => Self::Store(error.into()),
            TransactError::Refused(error) => error,
        }
    }
}

/// What is to be queued.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The thread.
    pub thread: ThreadId,
    /// Its name.
    pub name: String,
    /// What is to run.
    pub order: Order,
}

/// What a supervisor does with the queue in one go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// Jobs that a person gives it to start.
    pub admit: Vec<JobId>,
    /// Jobs that a person does not want any more.
    pub cancel: Vec<JobId>,
    /// The threads whose turns it runs for somebody else.
    pub busy: Vec<(StreamId, ThreadId)>,
    /// The jobs whose turns it runs.
    pub running: Vec<JobId>,
    /// It is about to end: it starts nothing.
    pub stopping: bool,
}

/// What became of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// The jobs that start: they are marked as running.
    pub start: Vec<Job>,
    /// Those that were pending and are cancelled.
    pub cancelled: Vec<JobId>,
    /// How many wait for a place.
    pub waiting: usize,
}

/// The queue of a repository.
#[derive(Debug, Clone)]
pub struct Queue {
    workspace: Workspace,
    store: JobStore,
}

impl Queue {
    /// The queue of a workspace. Touches nothing.
    #[must_use]
    pub fn new(workspace: &Workspace) -> Self {
        Self { store: JobStore::new(&workspace.private), workspace: workspace.clone() }
    }

    /// The workspace.
    #[must_use]
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The jobs as they stand; what a dead supervisor ran has ended as its records tell.
    ///
    /// # Errors
    /// [`JobStoreError`].
    pub fn read(&self) -> Result<Jobs, JobStoreError> {
        let mut jobs = self.store.read()?;
        self.settle(&mut jobs);
        Ok(jobs)
    }

    fn now(&self) -> DateTime<Utc> {
        self.workspace.clock.now()
    }

    /// Ends what dead supervisors ran. State files are read for that, so it is done before the lock is taken,
    /// and once more on what is found then only where there is something left.
    fn settle(&self, jobs: &mut Jobs) {
        close_dead(jobs, &owner::is_alive, self.now(), &|stream| self.workspace.store(stream).read().ok());
    }

    fn change<T>(&self, change: impl FnOnce(&mut Jobs) -> Result<T, JobError>) -> Result<T, JobError> {
        let settled = self.read()?;
        Ok(self.store.transact(|jobs| {
            for job in &mut jobs.jobs {
                // What a dead one left can't change any more, so what was read before still holds.
                if let (JobState::Running { by, .. }, Some(now)) = (&job.state, settled.get(job.id))
                    && !owner::is_alive(by)
                {
                    job.state = now.state.clone();
                }
            }
            let result = change(jobs)?;
            jobs.forget_old(KEPT);
            Ok(result)
        })?)
    }

    /// Writes the ends of what dead supervisors ran; nothing when there is none.
    ///
    /// # Errors
    /// [`JobError`].
    pub fn recover(&self) -> Result<(), JobError> {
        self.change(|_| Ok(()))
    }

    /// Queues jobs of one stream, as one group. They wait until a supervisor is given them.
    ///
    /// # Errors
    /// [`JobError::Queued`] when a thread has an active job and the new one is not to go on after it; then
    /// nothing is queued.
    pub fn add(
        &self,
        stream: &StreamId,
        new: Vec<NewJob>,
        max_parallel: Option<u32>,
    ) -> Result<Vec<JobId>, JobError> {
        let now = self.now();
        self.change(|jobs| {
            let mut group = None;
            let mut ids = Vec::new();
            for NewJob { thread, name, order } in new {
                if let Some((job, held)) =
                    active_job(jobs, stream, thread).filter(|(_, held)| *held || !order.resume)
                {
                    return Err(JobError::Queued { thread, job, held });
                }
                let id = jobs.take_number();
                jobs.jobs.push(Job {
                    id,
                    stream: stream.clone(),
                    thread,
                    name,
                    order,
                    queued_at: now,
                    group: *group.get_or_insert(id),
                    max_parallel,
                    retry_of: None,
                    state: JobState::Pending { by: None },
                    extra: Extra::new(),
                });
                ids.push(id);
            }
            Ok(ids)
        })
    }

    /// Queues a job that is over once more.
    ///
    /// # Errors
    /// [`JobError`].
    pub fn retry(&self, id: JobId) -> Result<JobId, JobError> {
        let now = self.now();
        self.change(|jobs| {
            let old = jobs.get(id).ok_or(JobError::Unknown(id))?.clone();
            if !matches!(old.state, JobState::Ended { .. }) {
                return Err(JobError::Active(id));
            }
            if let Some((job, held)) = active_job(jobs, &old.stream, old.thread) {
                return Err(JobError::Queued { thread: old.thread, job, held });
            }
            let again = jobs.take_number();
            let state = JobState::Pending { by: None };
            let job = Job {
                id: again,
                group: again,
                queued_at: now,
                retry_of: Some(id),
                max_parallel: None,
                state,
                ..old
            };
            jobs.jobs.push(job);
            Ok(again)
        })
    }

    /// Forgets jobs that are over: these, or all. Gives those that are gone.
    ///
    /// # Errors
    /// [`JobError`]; then none was forgotten.
    pub fn clear(&self, ids: &[JobId]) -> Result<Vec<JobId>, JobError> {
        self.change(|jobs| {
            let over = |job: &Job| matches!(job.state, JobState::Ended { .. });
            for &id in ids {
                if !over(jobs.get(id).ok_or(JobError::Unknown(id))?) {
                    return Err(JobError::Active(id));
                }
            }
            let goes = |job: &Job| over(job) && (ids.is_empty() || ids.contains(&job.id));
            let gone = jobs.jobs.iter().filter(|job| goes(job)).map(|job| job.id).collect();
            jobs.jobs.retain(|job| !goes(job));
            Ok(gone)
        })
    }

    /// Cancels a job that is pending.
    ///
    /// # Errors
    /// [`JobError`]; a job that runs is [`JobError::Step`].
    pub fn cancel_pending(&self, id: JobId) -> Result<(), JobError> {
        let now = self.now();
        self.change(|jobs| {
            let job = jobs.get_mut(id).ok_or(JobError::Unknown(id))?;
            if !matches!(job.state, JobState::Pending { .. }) {
                let from = job.status(&owner::is_alive);
                return Err(JobStep { id, from, to: "cancelled here" }.into());
            }
            Ok(job.end(TurnOutcome::Cancelled { cause: CancelCause::Person }, now)?)
        })
    }

    /// What the supervisor `me` does: takes what it is given, drops what is not wanted, and marks as running
    /// what starts now.
    ///
    /// # Errors
    /// [`JobError`]; then nothing starts.
    pub fn claim(&self, me: &Owner, claim: &Claim, max: usize) -> Result<Claimed, JobError> {
        let now = self.now();
        self.change(|jobs| {
            for &id in &claim.admit {
                // Somebody may have cancelled or started it meanwhile.
                if let Some(job) =
                    jobs.get_mut(id).filter(|job| matches!(job.state, JobState::Pending { .. }))
                {
                    job.admit(me)?;
                }
            }
            for job in &mut jobs.jobs {
                // Marked by a claim whose answer was lost, as on a full disk: nothing of it has begun.
                let lost = matches!(&job.state, JobState::Running { by, turn: None, .. } if by == me);
                if lost && !claim.running.contains(&job.id) {
                    job.put_back()?;
                }
            }
            let mut claimed = Claimed::default();
            for &id in &claim.cancel {
                if let Some(job) =
                    jobs.get_mut(id).filter(|job| matches!(job.state, JobState::Pending { .. }))
                {
                    job.end(TurnOutcome::Cancelled { cause: CancelCause::Person }, now)?;
                    claimed.cancelled.push(id);
                }
            }
            let starts =
                if claim.stopping { Vec::new() } else { next_to_start(&jobs.jobs, me, &claim.busy, max) };
            for id in starts {
                if let Some(job) = jobs.get_mut(id) {
                    job.start(me, now)?;
                    claimed.start.push(job.clone());
                }
            }
            let waits = |job: &&Job| matches!(&job.state, JobState::Pending { by: Some(by) } if by == me);
            claimed.waiting = jobs.jobs.iter().filter(waits).count();
            Ok(claimed)
        })
    }

    /// Puts jobs back that were marked as running and did not begin.
    ///
    /// # Errors
    /// [`JobError`].
    pub fn put_back(&self, ids: &[JobId]) -> Result<(), JobError> {
        self.change(|jobs| {
            for &id in ids {
                jobs.get_mut(id).ok_or(JobError::Unknown(id))?.put_back()?;
            }
            Ok(())
        })
    }

    /// Writes which turn a job has.
    ///
    /// # Errors
    /// [`JobError`].
    pub fn opened(&self, id: JobId, turn: JobTurn) -> Result<(), JobError> {
        self.change(|jobs| Ok(jobs.get_mut(id).ok_or(JobError::Unknown(id))?.opened(turn)?))
    }

    /// Writes how a job ended.
    ///
    /// # Errors
    /// [`JobError`].
    pub fn end(&self, id: JobId, outcome: TurnOutcome) -> Result<(), JobError> {
        let now = self.now();
        self.change(|jobs| Ok(jobs.get_mut(id).ok_or(JobError::Unknown(id))?.end(outcome, now)?))
    }

    /// The threads of a stream that have an active job, and whether it waits for a person.
    ///
    /// # Errors
    /// [`JobStoreError`].
    pub fn active(&self, stream: &StreamId) -> Result<Vec<(ThreadId, JobId, bool)>, JobStoreError> {
        let jobs = self.read()?;
        let threads: BTreeSet<ThreadId> =
            jobs.jobs.iter().filter(|job| job.stream == *stream).map(|job| job.thread).collect();
        let active = |thread| active_job(&jobs, stream, thread).map(|(job, held)| (thread, job, held));
        Ok(threads.into_iter().filter_map(active).collect())
    }
}

/// The active job of a thread, and whether it waits for a person; the last one, when there are several.
fn active_job(jobs: &Jobs, stream: &StreamId, thread: ThreadId) -> Option<(JobId, bool)> {
    let active = |job: &&Job| {
        job.stream == *stream && job.thread == thread && job.status(&owner::is_alive).is_active()
    };
    jobs.jobs.iter().rfind(active).map(|job| (job.id, job.is_held(&owner::is_alive)))
}

/// Ends what dead supervisors were running. Where the record of its turn has an end that somebody lived to
/// write, that is how the job ended; else it was interrupted. `state` reads a stream.
pub fn close_dead(
    jobs: &mut Jobs,
    is_alive: &dyn Fn(&Owner) -> bool,
    now: DateTime<Utc>,
    state: &dyn Fn(&StreamId) -> Option<Stream>,
) {
    for job in &mut jobs.jobs {
        if !matches!(&job.state, JobState::Running { by, .. } if !is_alive(by)) {
            continue;
        }
        let outcome =
            recorded_end(job, state).unwrap_or(TurnOutcome::Cancelled { cause: CancelCause::OwnerDied });
        let ended = job.end(outcome, now);
        debug_assert!(ended.is_ok(), "it was running");
    }
    debug_assert!(
        jobs.jobs.iter().all(|job| job.status(is_alive) != JobStatus::Interrupted
            || matches!(job.state, JobState::Ended { .. }))
    );
}

/// The end that is on record for the turn of a job.
fn recorded_end(job: &Job, state: &dyn Fn(&StreamId) -> Option<Stream>) -> Option<TurnOutcome> {
    let turn = job.turn()?;
    let stream = state(&job.stream)?;
    let record = stream.thread(job.thread)?.attempt(turn.attempt)?;
    match &record.state {
        SessionState::Ended { outcome: Outcome::Completed, .. } => Some(TurnOutcome::Completed),
        SessionState::Ended { outcome: Outcome::Failed, end } => {
            Some(TurnOutcome::Failed { failure: end.failure.clone()? })
        }
        SessionState::Ended { outcome: Outcome::Interrupted, .. } | SessionState::Running { .. } => None,
    }
}

impl From<TransactError<Infallible>> for JobStoreError {
    fn from(error: TransactError<Infallible>) -> Self {
        match error {
            TransactError::Store(error) => Self(error),
            TransactError::Refused(never) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AgentName, Failure, FailureKind, SessionId};
    use crate::sys::clock::Clock;

    fn queue(dir: &std::path::Path) -> Queue {
        let (root, work_dir, private) = (dir.to_owned(), dir.join("work"), dir.join("private"));
        Queue::new(&Workspace {
            root,
            work_dir,
            private,
            is_git: false,
            clock: Clock::Fixed(DateTime::UNIX_EPOCH),
        })
    }

    fn new(threads: &[&str]) -> Vec<NewJob> {
        let job = |thread: &&str| NewJob {
            thread: thread.parse().expect("an id"),
            name: String::new(),
            order: Order::default(),
        };
        threads.iter().map(job).collect()
    }

    fn started(claimed: &Claimed) -> Vec<u64> {
        claimed.start.iter().map(|job| job.id.0).collect()
    }

    /// Mutant: what was marked and never began stays marked.
    #[test]
    fn a_claim_whose_answer_was_lost_is_made_good_by_the_next() {
        let dir = tempfile::tempdir().expect("a folder");
        let (queue, me) = (queue(dir.path()), owner::current());
        let stream = "001-a".parse().expect("an id");
        let ids = queue.add(&stream, new(&["1.1.1", "1.1.2"]), None).expect("queued");
        let claim = Claim { admit: ids, ..Claim::default() };
        assert_eq!(
            started(&queue.claim(&me, &Claim::default(), 2).expect("read")),
            [0; 0],
            "none by surprise"
        );
        assert_eq!(started(&queue.claim(&me, &claim, 2).expect("claimed")), [1, 2]);
        let running = Claim { running: vec![JobId(1)], ..Claim::default() };
        assert_eq!(started(&queue.claim(&me, &running, 2).expect("claimed")), [2], "the second was lost");
        queue.end(JobId(1), TurnOutcome::Completed).expect("written");
        let refused = queue.add(&stream, new(&["1.1.1", "1.1.2"]), None);
        assert!(matches!(refused, Err(JobError::Queued { job: JobId(2), held: false, .. })), "{refused:?}");
        assert_eq!(queue.read().expect("read").jobs.len(), 2, "all or nothing");
    }

    /// The end that somebody lived to write counts; without one it was interrupted.
    #[test]
    fn what_a_dead_supervisor_ran_ended_as_its_record_tells() {
        use crate::model::{End, Extra, SessionRecord, SessionRef, Thread};
        let at = DateTime::UNIX_EPOCH;
        let dead = Owner { pid: 1, started_at: 1, boot_id: "gone".into(), host: "h".into() };
        let ended = |outcome, failure| SessionState::Ended {
            outcome,
            end: End { at: Some(at), exit_code: None, failure, interrupted_by: None },
        };
        let failure = Failure::new(FailureKind::Auth, "no key");
        for (state, expected) in [
            (ended(Outcome::Completed, None), JobStatus::Completed),
            (ended(Outcome::Failed, Some(failure)), JobStatus::Failed),
            (ended(Outcome::Interrupted, None), JobStatus::Interrupted),
            (SessionState::Running { owner: None, asks: Vec::new() }, JobStatus::Interrupted),
        ] {
            let dir = tempfile::tempdir().expect("a folder");
            let queue = queue(dir.path());
            let stream: StreamId = "001-a".parse().expect("an id");
            queue.add(&stream, new(&["1.1.1"]), None).expect("queued");
            let mut jobs = queue.read().expect("read");
            jobs.jobs[0].start(&dead, at).expect("pending");
            let turn = JobTurn { attempt: 1, number: 1, session: SessionId("s".into()) };
            jobs.jobs[0].opened(turn).expect("running");
            let thread = || {
                let mut thread = Thread::new("1.1.1".parse().expect("an id"));
                thread.sessions.push(SessionRecord {
                    session: SessionRef::Known(SessionId("s".into())),
                    attempt: 1,
                    agent: AgentName("a".into()),
                    model: "a/b".into(),
                    variant: None,
                    backend: None,
                    mode: None,
                    directory: None,
                    started_at: at,
                    state: state.clone(),
                    resumed_from: None,
                    turns: vec![1],
                    usage: None,
                    verification: None,
                    outside_paths: None,
                    extra: Extra::new(),
                });
                thread
            };
            let read = |id: &StreamId| {
                let mut stream = Stream::new(id.clone(), "A".to_owned(), at);
                stream.threads.push(thread());
                Some(stream)
            };
            close_dead(&mut jobs, &|_| false, at, &read);
            assert_eq!(jobs.jobs[0].status(&|_| false), expected);
        }
    }
}
