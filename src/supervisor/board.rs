//! What the supervisor knows of the queue of jobs: who has asked something of it, who hears of which job, how
//! many wait. Pure.
//!
//! One invariant: one claim at a time, and everybody who asked gets one answer.

use std::collections::{BTreeMap, BTreeSet};

use super::dispatch::{Action, ConnId};
use crate::engine::jobs::Claim;
use crate::ipc::{ServerMessage, TurnMessage, TurnSpec};
use crate::model::{JobId, StreamId, ThreadId, TurnOutcome};

/// What became of a claim.
#[derive(Debug, Default)]
pub(super) struct JobsClaimed {
    /// The jobs that start, marked as running, each with its turn.
    pub(super) start: Vec<(JobId, Box<TurnSpec>)>,
    /// Jobs that were cancelled or could not begin: their ends are written.
    pub(super) over: Vec<(JobId, TurnOutcome)>,
    /// How many wait for a place.
    pub(super) waiting: usize,
}

/// Who is told what after a claim.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Their jobs are taken.
    pub(super) taken: Vec<ConnId>,
    /// Their job is cancelled.
    pub(super) cancelled: Vec<ConnId>,
    /// The job that they want cancelled is not pending.
    pub(super) not_pending: Vec<(ConnId, JobId)>,
    /// The queue refused, and why.
    pub(super) refused: Vec<(ConnId, String)>,
}

/// What is wanted of the queue, and by whom.
#[derive(Debug, Default)]
struct Wanted {
    start: Vec<(ConnId, Vec<JobId>)>,
    cancel: Vec<(ConnId, JobId)>,
}

/// The board.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// A claim is on its way, or jobs are being put back.
    pub(super) busy: bool,
    /// Another claim is wanted after this one.
    pub(super) again: bool,
    /// The last claim failed, and jobs may wait for nothing else.
    pub(super) failed: bool,
    waiting: usize,
    wanted: Wanted,
    claimed: Wanted,
    followers: BTreeMap<JobId, BTreeSet<ConnId>>,
}

impl Board {
    /// How many jobs wait for a place.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether there is something left to do.
    pub(super) fn is_working(&self) -> bool {
        self.busy || self.waiting > 0
    }

    /// Somebody wants to hear of jobs.
    pub(super) fn follow(&mut self, conn: ConnId, jobs: Vec<JobId>) {
        for job in jobs {
            self.followers.entry(job).or_default().insert(conn);
        }
    }

    /// Somebody hung up.
    pub(super) fn left(&mut self, conn: ConnId) {
        self.followers.retain(|_, conns| {
            conns.remove(&conn);
            !conns.is_empty()
        });
    }

    /// Passes news of a job on to whoever follows it.
    pub(super) fn tell(&self, job: JobId, news: &TurnMessage) -> Vec<Action> {
        let message = || ServerMessage::Job { job, news: news.clone() };
        let followers = self.followers.get(&job).into_iter().flatten();
        followers.map(|&conn| Action::Send(conn, message())).collect()
    }

    /// Somebody gives jobs to start.
    pub(super) fn ask_start(&mut self, conn: ConnId, jobs: Vec<JobId>) {
        self.wanted.start.push((conn, jobs));
    }

    /// Somebody does not want a job any more.
    pub(super) fn ask_cancel(&mut self, conn: ConnId, job: JobId) {
        self.wanted.cancel.push((conn, job));
    }

    /// Whether somebody waits to be answered.
    pub(super) fn is_wanted(&self) -> bool {
        !(self.wanted.start.is_empty() && self.wanted.cancel.is_empty())
    }

    /// All that is wanted, unless a claim is on its way; then it waits for that.
    pub(super) fn claim(
        &mut self,
        busy: Vec<(StreamId, ThreadId)>,
        running: Vec<JobId>,
        stopping: bool,
    ) -> Option<Claim> {
        if self.busy {
            self.again = true;
            return None;
        }
        (self.busy, self.again) = (true, false);
        self.claimed = std::mem::take(&mut self.wanted);
        let admit = self.claimed.start.iter().flat_map(|(_, jobs)| jobs.clone()).collect();
        let cancel = self.claimed.cancel.iter().map(|(_, job)| *job).collect();
        Some(Claim { admit, cancel, busy, running, stopping })
    }

    /// The claim has been answered.
    pub(super) fn claimed(&mut self, claimed: Result<JobsClaimed, String>) -> (Answers, JobsClaimed) {
        self.busy = false;
        let Wanted { start, cancel } = std::mem::take(&mut self.claimed);
        self.failed = claimed.is_err();
        let claimed = match claimed {
            Ok(claimed) => claimed,
            Err(why) => {
                let asked =
                    start.into_iter().map(|(conn, _)| conn).chain(cancel.into_iter().map(|(conn, _)| conn));
                let refused = asked.map(|conn| (conn, why.clone())).collect();
                return (Answers { refused, ..Answers::default() }, JobsClaimed::default());
            }
        };
        self.waiting = claimed.waiting;
        // A place that somebody could not use is free for the next.
        let unused = claimed.over.iter().any(|(_, outcome)| matches!(outcome, TurnOutcome::Failed { .. }));
        self.again |= unused && self.waiting > 0;
        let mut answers =
            Answers { taken: start.into_iter().map(|(conn, _)| conn).collect(), ..Answers::default() };
        for (conn, job) in cancel {
            match claimed.over.iter().any(|(over, _)| *over == job) {
                true => answers.cancelled.push(conn),
                false => answers.not_pending.push((conn, job)),
            }
        }
        (answers, claimed)
    }

    /// So many jobs go back into the queue.
    pub(super) fn put_back(&mut self, count: usize) {
        self.busy = true;
        self.waiting += count;
    }
}
