//! Jobs followed to their ends, over a connection to the supervisor that runs them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::queue::Queue;
use crate::engine::owner;
use crate::engine::status::status_of;
use crate::ipc::{Client, ClientError, ClientMessage, Incoming, Refusal, ServerMessage, TurnMessage};
use crate::model::{AgentEvent, Job, JobId, JobState, ThreadStatus, TurnOutcome};
use crate::sys::signals;

/// How long nothing may happen, while jobs wait for a person and others for their places, until all of them
/// count as waiting for the person.
const QUIET: Duration = Duration::from_secs(2);

/// How long a supervisor may take to look at the queue.
const TAKEN: Duration = Duration::from_secs(30);

/// Where a followed job is.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Pending,
    Running {
        /// What its agent asks a person.
        asks: BTreeSet<String>,
    },
    Over(TurnOutcome),
}

/// The jobs that are followed. Pure, fed with what happens.
#[derive(Debug)]
pub struct Follow {
    jobs: BTreeMap<JobId, Stage>,
}

impl Follow {
    /// These jobs, all of them pending.
    #[must_use]
    pub fn new(jobs: impl IntoIterator<Item = JobId>) -> Self {
        Self { jobs: jobs.into_iter().map(|job| (job, Stage::Pending)).collect() }
    }

    /// Takes in where a job is, as the queue tells; `waits` for a person, as its thread tells.
    pub fn look(&mut self, job: &Job, waits: bool) {
        let Some(stage) = self.jobs.get_mut(&job.id) else { return };
        match (&job.state, &stage) {
            (JobState::Ended { outcome, .. }, _) => *stage = Stage::Over(outcome.clone()),
            (JobState::Running { .. }, Stage::Pending) => {
                // What it asks was told before we listened.
                let asks = waits.then(String::new).into_iter().collect();
                *stage = Stage::Running { asks };
            }
            _ => {}
        }
    }

    /// Takes in news of a job's turn.
    pub fn hear(&mut self, job: JobId, news: &TurnMessage) {
        let Some(stage) = self.jobs.get_mut(&job) else { return };
        if *stage == Stage::Pending {
            *stage = Stage::Running { asks: BTreeSet::new() };
        }
        match (news, stage) {
            (TurnMessage::Ended { outcome, .. }, stage) => *stage = Stage::Over(outcome.clone()),
            (TurnMessage::Waiting { ask, .. }, Stage::Running { asks }) => {
                asks.insert(ask.id.clone());
            }
            (TurnMessage::Event { event: AgentEvent::Answered { id, .. }, .. }, Stage::Running { asks }) => {
                asks.remove(id);
                asks.remove("");
            }
            _ => {}
        }
    }

    /// Whether all are over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.jobs.values().all(|stage| matches!(stage, Stage::Over(_)))
    }

    /// Whether nothing goes on before a person has answered; with `quiet`, nothing has happened for a while.
    #[must_use]
    pub fn waits_for_a_person(&self, quiet: bool) -> bool {
        let mut asked = false;
        for stage in self.jobs.values() {
            match stage {
                Stage::Running { asks } if asks.is_empty() => return false,
                Stage::Running { .. } => asked = true,
                Stage::Pending if !quiet => return false,
                Stage::Pending | Stage::Over(_) => {}
            }
        }
        asked
    }

    /// How the jobs ended, as far as they have.
    #[must_use]
    pub fn outcomes(&self) -> BTreeMap<JobId, TurnOutcome> {
        let over = |(job, stage): (&JobId, &Stage)| match stage {
            Stage::Over(outcome) => Some((*job, outcome.clone())),
            _ => None,
        };
        self.jobs.iter().filter_map(over).collect()
    }
}

/// How the following ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// All are over.
    Over,
    /// What is left waits for a person, whom nobody can ask here.
    Waiting,
    /// A person does not want to wait any longer. The jobs go on.
    Interrupted,
    /// The supervisor is gone.
    Lost,
}

enum Event {
    Supervisor(Incoming),
    Interrupted,
}

/// Gives `start` to the supervisor, and follows `jobs` to their ends, telling `tell` what happens. Ctrl-C ends
/// the following alone. `attended` when a person sees it and can answer what the agents ask.
///
/// # Errors
/// [`ClientError`] when the supervisor can't be reached or refuses; then nothing was started.
pub fn follow(
    client: Client,
    queue: &Queue,
    start: &[JobId],
    jobs: &[JobId],
    attended: bool,
    tell: &mut dyn FnMut(JobId, &TurnMessage),
) -> Result<(Followed, BTreeMap<JobId, TurnOutcome>), ClientError> {
    let (sender, events) = mpsc::channel();
    let interrupted = sender.clone();
    signals::watch(move |_| drop(interrupted.send(Event::Interrupted)))
        .map_err(|error| ClientError::NoAnswer(Some(error.into())))?;
    client.ask_within(&ClientMessage::Jobs { start: start.to_vec(), follow: jobs.to_vec() }, TAKEN)?;
    let (connection, incoming) = client.into_parts();
    std::thread::spawn(move || {
        for message in incoming {
            if sender.send(Event::Supervisor(message)).is_err() {
                return;
            }
        }
    });
    let mut follow = Follow::new(jobs.iter().copied());
    // What happened before we were heard is on disk, and what happens from now on is told.
    catch_up(&mut follow, queue, tell);
    let ended = loop {
        if follow.is_over() {
            break Followed::Over;
        }
        if !attended && follow.waits_for_a_person(false) {
            break Followed::Waiting;
        }
        let patience = if follow.waits_for_a_person(true) { QUIET } else { Duration::from_secs(86_400) };
        match events.recv_timeout(patience) {
            Ok(Event::Supervisor(Incoming::Message(message))) => match *message {
                ServerMessage::Job { job, news } => {
                    follow.hear(job, &news);
                    tell(job, &news);
                }
                ServerMessage::Refused { reason: Refusal::NoQueue, message } => {
                    return Err(ClientError::Refused { reason: Refusal::NoQueue, message });
                }
                _ => {}
            },
            Ok(Event::Supervisor(Incoming::Gone)) => {
                wait_for_its_death(queue, jobs);
                catch_up(&mut follow, queue, tell);
                break if follow.is_over() { Followed::Over } else { Followed::Lost };
            }
            Ok(Event::Interrupted) => break Followed::Interrupted,
            Err(_) if !attended => break Followed::Waiting,
            Err(_) => {}
        }
    };
    drop(connection);
    Ok((ended, follow.outcomes()))
}

/// Takes in what the queue tells.
fn catch_up(follow: &mut Follow, queue: &Queue, tell: &mut dyn FnMut(JobId, &TurnMessage)) {
    let Ok(all) = queue.read() else { return };
    let before = follow.outcomes();
    for job in &all.jobs {
        let waits = || {
            let stream = queue.workspace().store(&job.stream).read().ok();
            stream.as_ref().and_then(|stream| stream.thread(job.thread)).map(status_of)
                == Some(ThreadStatus::Waiting)
        };
        follow.look(job, matches!(job.state, JobState::Running { .. }) && waits());
    }
    for (job, outcome) in follow.outcomes().into_iter().filter(|(job, _)| !before.contains_key(job)) {
        tell(job, &TurnMessage::Ended { outcome, attempt: None, unrecorded: None });
    }
}

/// A process that is killed hangs up a moment before it counts as dead.
fn wait_for_its_death(queue: &Queue, jobs: &[JobId]) {
    let deadline = Instant::now() + Duration::from_secs(2);
    let runs = || {
        let all = queue.read().unwrap_or_default();
        let running = |job: &Job| matches!(&job.state, JobState::Running { by, .. } if owner::is_alive(by));
        all.jobs.iter().any(|job| jobs.contains(&job.id) && running(job))
    };
    while runs() && Instant::now() < deadline {
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Ask, Wish};
    use chrono::DateTime;

    fn waiting(id: &str) -> TurnMessage {
        let wish = Wish::Permission { permission: "bash".into(), patterns: Vec::new(), always: Vec::new() };
        let at = DateTime::UNIX_EPOCH;
        let ask = Ask { id: id.into(), wish, since: at, until: at };
        TurnMessage::Waiting { thread: "01.01.01".parse().expect("an id"), ask }
    }

    fn answered(id: &str) -> TurnMessage {
        let event = AgentEvent::Answered { id: id.into(), answer: "yes".into() };
        TurnMessage::Event { at: DateTime::UNIX_EPOCH, event }
    }

    fn ended() -> TurnMessage {
        TurnMessage::Ended { outcome: TurnOutcome::Completed, attempt: Some(1), unrecorded: None }
    }

    /// Mutant: an answered request stays.
    #[test]
    fn waiting_for_a_person_is_told_from_working_and_from_being_over() {
        let (one, two) = (JobId(1), JobId(2));
        let mut follow = Follow::new([one, two]);
        let says = |follow: &Follow| (follow.waits_for_a_person(false), follow.waits_for_a_person(true));
        assert_eq!(says(&follow), (false, false), "nobody asks");
        follow.hear(one, &waiting("a"));
        assert_eq!(says(&follow), (false, true), "the other one may still begin");
        follow.hear(two, &TurnMessage::Preparing { what: "x".into() });
        assert_eq!(says(&follow), (false, false), "the other one works");
        follow.hear(two, &waiting("b"));
        assert_eq!(says(&follow), (true, true));
        follow.hear(two, &answered("b"));
        assert_eq!(says(&follow), (false, false));
        follow.hear(two, &ended());
        assert_eq!(says(&follow), (true, true), "the first one still asks");
        assert!(!follow.is_over());
        follow.hear(one, &ended());
        assert_eq!((says(&follow), follow.is_over()), ((false, false), true));
        assert_eq!(follow.outcomes().len(), 2);
    }
}
