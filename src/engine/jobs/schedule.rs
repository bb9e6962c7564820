//! Which jobs start now. Pure: the queue and who is busy in, the jobs that start out.
//!
//! - At most so many at once, in all and of one group where that was said.
//! - A thread has one turn at a time, so the jobs of one session run one after another, in the order of
//!   queueing.
//! - Of one command, a batch begins when the batches before it have ended.
//! - Within a stream first come, first served; between streams the one with the fewest running jobs, then the
//!   one that was served least recently.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::model::{Job, JobId, JobState, Owner, StreamId, ThreadId};

/// Why a job can't start yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// Its thread has an earlier job, or is running otherwise.
    Thread(Option<JobId>),
    /// A batch before it has not ended.
    Batch(JobId),
    /// As many of its group run as may.
    Group,
}

/// The running jobs of a supervisor, and those that it has been given.
struct Queue<'a> {
    jobs: &'a [Job],
    me: &'a Owner,
    busy: &'a [(StreamId, ThreadId)],
    chosen: Vec<JobId>,
}

impl Queue<'_> {
    fn runs(&self, job: &Job) -> bool {
        matches!(&job.state, JobState::Running { by, .. } if by == self.me) || self.chosen.contains(&job.id)
    }

    fn waits(&self, job: &Job) -> bool {
        matches!(&job.state, JobState::Pending { by: Some(by) } if by == self.me) && !self.runs(job)
    }

    fn is_active(&self, job: &Job) -> bool {
        self.runs(job) || self.waits(job)
    }

    fn blocked(&self, job: &Job) -> Option<Blocked> {
        let others = || self.jobs.iter().filter(|other| other.id != job.id && self.is_active(other));
        let same_thread = |other: &&Job| other.stream == job.stream && other.thread == job.thread;
        if let Some(other) = others().filter(same_thread).find(|other| self.runs(other) || other.id < job.id)
        {
            return Some(Blocked::Thread(Some(other.id)));
        }
        if self.busy.iter().any(|(stream, thread)| *stream == job.stream && *thread == job.thread) {
            return Some(Blocked::Thread(None));
        }
        let group = || others().filter(|other| other.group == job.group && other.stream == job.stream);
        if let Some(before) = group().find(|other| other.thread.batch < job.thread.batch) {
            return Some(Blocked::Batch(before.id));
        }
        let running = group().filter(|other| self.runs(other)).count();
        let full = job.max_parallel.is_some_and(|max| running >= usize::try_from(max).unwrap_or(usize::MAX));
        full.then_some(Blocked::Group)
    }

    /// How often each stream is being served, and when it last was.
    fn served(&self, stream: &StreamId) -> (usize, Option<DateTime<Utc>>) {
        let of_stream = || self.jobs.iter().filter(|job| job.stream == *stream);
        let started = |job: &Job| match &job.state {
            JobState::Running { since, .. } => Some(*since),
            JobState::Ended { began, .. } => *began,
            JobState::Pending { .. } => None,
        };
        (of_stream().filter(|job| self.runs(job)).count(), of_stream().filter_map(started).max())
    }

    fn choose(&self) -> Option<JobId> {
        let mut first: BTreeMap<&StreamId, &Job> = BTreeMap::new();
        for job in self.jobs.iter().filter(|job| self.waits(job) && self.blocked(job).is_none()) {
            let known = first.entry(&job.stream).or_insert(job);
            if job.id < known.id {
                *known = job;
            }
        }
        first.values().min_by_key(|job| (self.served(&job.stream), job.id)).map(|job| job.id)
    }
}

/// The jobs that the supervisor `me` starts now, in that order. `busy` are the threads whose turns it runs for
/// somebody else; `max` is how many jobs run at once.
#[must_use]
pub fn next_to_start(jobs: &[Job], me: &Owner, busy: &[(StreamId, ThreadId)], max: usize) -> Vec<JobId> {
    let mut queue = Queue { jobs, me, busy, chosen: Vec::new() };
    let mut running = jobs.iter().filter(|job| queue.runs(job)).count();
    while running < max {
        let Some(job) = queue.choose() else { break };
        queue.chosen.push(job);
        running += 1;
    }
    queue.chosen
}

/// What a pending job waits for, apart from a free place; `by` is the supervisor that has it.
#[must_use]
pub fn blocked(jobs: &[Job], job: &Job, by: &Owner) -> Option<Blocked> {
    Queue { jobs, me: by, busy: &[], chosen: Vec::new() }.blocked(job)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Extra, Order, TurnOutcome};

    fn owner(pid: u32) -> Owner {
        Owner { pid, started_at: 1, boot_id: "b".into(), host: "h".into() }
    }

    /// A queue in short words: `stream thread state [g=group] [max=n]`, numbered from 1. States: `p` pending
    /// for us, `h` held, `d` pending for a dead one, `r` running, `x` of a dead one, `e5` ended, begun at 5.
    fn queue(lines: &[&str]) -> Vec<Job> {
        let job = |(index, line): (usize, &&str)| {
            let id = JobId(index as u64 + 1);
            let words: Vec<&str> = line.split(' ').collect();
            let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.parse::<u64>().ok());
            let at = |second: i64| DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(second);
            let since = |text: &str| at(text.parse().unwrap_or(0));
            let (me, dead) = (owner(1), owner(2));
            let state = match words[2].split_at(1) {
                ("p", _) => JobState::Pending { by: Some(me) },
                ("h", _) => JobState::Pending { by: None },
                ("d", _) => JobState::Pending { by: Some(dead) },
                ("r", when) => JobState::Running { by: me, since: since(when), turn: None },
                ("x", _) => JobState::Running { by: dead, since: at(0), turn: None },
                (_, when) => JobState::Ended {
                    began: Some(since(when)),
                    at: at(999),
                    outcome: TurnOutcome::Completed,
                    turn: None,
                },
            };
            Job {
                id,
                stream: format!("00{}", words[0]).parse().expect("a stream"),
                thread: words[1].parse().expect("a thread"),
                name: String::new(),
                order: Order::default(),
                queued_at: at(0),
                group: value("g=").map_or(id, JobId),
                max_parallel: value("max=").and_then(|max| u32::try_from(max).ok()),
                retry_of: None,
                state,
                extra: Extra::new(),
            }
        };
        lines.iter().enumerate().map(job).collect()
    }

    /// Mutants: no look at other jobs of the thread; held jobs start; no batch rule; no limit of a group; the
    /// lowest number of all streams is always first.
    #[test]
    fn the_right_jobs_start() {
        type Row<'a> = (&'a str, &'a [&'a str], usize, &'a [u64]);
        let rows: &[Row<'_>] = &[
            ("nothing", &[], 4, &[]),
            ("as many as may", &["1-a 1.1.1 p", "1-a 1.1.2 p", "1-a 1.1.3 p"], 2, &[1, 2]),
            ("what runs counts", &["1-a 1.1.1 r", "1-a 1.1.2 p", "1-a 1.1.3 p"], 2, &[2]),
            ("what a dead one ran counts not", &["1-a 1.1.1 x", "1-a 1.1.2 p"], 1, &[2]),
            ("all places taken", &["1-a 1.1.1 r", "1-a 1.1.2 r", "1-a 1.1.3 p"], 2, &[]),
            ("none starts by surprise", &["1-a 1.1.1 h", "1-a 1.1.2 d"], 4, &[]),
            ("one thread, one after another", &["1-a 1.1.1 p", "1-a 1.1.1 p", "1-a 1.1.2 p"], 4, &[1, 3]),
            ("also behind one that runs", &["1-a 1.1.1 r", "1-a 1.1.1 p"], 4, &[]),
            ("in order of queueing", &["1-a 1.1.1 e1", "1-a 1.1.1 p", "1-a 1.1.1 p"], 4, &[2]),
            ("a held one is in nobody's way", &["1-a 1.1.1 h", "1-a 1.1.1 p"], 4, &[2]),
            ("the same number in another stream", &["1-a 1.1.1 r", "2-b 1.1.1 p"], 4, &[2]),
            ("a thread in a window", &["9-z 1.1.1 p", "9-z 1.1.2 p"], 4, &[2]),
            (
                "a group's own limit",
                &["1-a 1.1.1 p g=1 max=1", "1-a 1.1.2 p g=1 max=1", "1-a 1.1.3 p"],
                4,
                &[1, 3],
            ),
            (
                "batch after batch within a group",
                &["1-a 1.1.1 r g=1", "1-a 1.2.1 p g=1", "1-a 1.2.2 p"],
                4,
                &[3],
            ),
            ("the next batch, once it has ended", &["1-a 1.1.1 e1 g=1", "1-a 1.2.1 p g=1"], 4, &[2]),
            (
                "streams in turn",
                &["1-a 1.1.1 p", "1-a 1.1.2 p", "1-a 1.1.3 p", "2-b 1.1.1 p", "2-b 1.1.2 p"],
                4,
                &[1, 4, 2, 5],
            ),
            (
                "streams in turn over time",
                &["1-a 1.1.1 e10", "2-b 1.1.1 e20", "2-b 1.1.2 p", "1-a 1.1.2 p", "1-a 1.1.3 p"],
                1,
                &[4],
            ),
            (
                "the stream with fewer running ones",
                &["1-a 1.1.1 r1", "1-a 1.1.2 p", "2-b 1.1.1 e9", "2-b 1.1.2 p"],
                2,
                &[4],
            ),
        ];
        let busy = [("009-z".parse().expect("a stream"), "1.1.1".parse().expect("a thread"))];
        for (what, lines, max, expected) in rows {
            let starts = next_to_start(&queue(lines), &owner(1), &busy, *max);
            assert_eq!(starts.iter().map(|id| id.0).collect::<Vec<_>>(), *expected, "{what}");
        }
    }

    #[test]
    fn what_a_job_waits_for_can_be_told() {
        let jobs =
            queue(&["1-a 1.1.1 r g=1 max=1", "1-a 1.1.1 p", "1-a 1.2.1 p g=1", "1-a 1.1.2 p g=1 max=1"]);
        let why: Vec<_> = jobs.iter().map(|job| blocked(&jobs, job, &owner(1))).collect();
        let thread = Some(Blocked::Thread(Some(JobId(1))));
        assert_eq!(why, [None, thread, Some(Blocked::Batch(JobId(1))), Some(Blocked::Group)]);
    }
}
