//! Jobs in the state machine: claims one at a time, turns that are bound to nobody, and who hears of what.

use super::*;
use crate::supervisor::board::JobsClaimed;

fn jobs(ids: &[u64]) -> Vec<JobId> {
    ids.iter().copied().map(JobId).collect()
}

fn start(ids: &[u64], follow: &[u64]) -> ClientMessage {
    ClientMessage::Jobs { start: jobs(ids), follow: jobs(follow) }
}

fn cancel(job: u64) -> ClientMessage {
    ClientMessage::CancelJob { job: JobId(job) }
}

fn failed() -> TurnOutcome {
    TurnOutcome::Failed { failure: Failure::new(FailureKind::Task, "no") }
}

/// The queue lets these jobs start, each with its thread; so many wait.
fn claimed(starts: &[(u64, &str)], over: &[(u64, TurnOutcome)], waiting: usize) -> Event {
    let start = starts.iter().map(|(job, thread)| (JobId(*job), spec("001-a", thread))).collect();
    let over = over.iter().map(|(job, outcome)| (JobId(*job), outcome.clone())).collect();
    Event::Claimed(Ok(JobsClaimed { start, over, waiting }))
}

fn news(job: u64) -> Event {
    Event::Turn(TurnOf::Job(JobId(job)), TurnMessage::Preparing { what: "x".into() })
}

fn over(job: u64) -> Event {
    Event::TurnOver(TurnOf::Job(JobId(job)))
}

/// Mutant: the turn of a job is cancelled when who queued it hangs up.
#[test]
fn a_job_runs_whoever_comes_and_goes() {
    let mut table = Table::new();
    table.greet(1);
    assert_eq!(table.say(1, start(&[1, 2], &[1])), ["claim start 1 2"]);
    assert_eq!(table.on(claimed(&[(1, "01.01.01")], &[], 1)), ["1 taken", "job 1 start"]);
    assert_eq!(table.on(news(1)), ["1 hears of job 1"]);
    assert_eq!(table.on(Event::Disconnected(1)), [""; 0], "nothing is cancelled, and it is not idle");
    assert_eq!(table.on(news(1)), [""; 0], "nobody follows it any more");
    assert_eq!(table.on(Event::IdleTimeUp), [""; 0]);
    // The place is free for the next, and when nothing waits any more, the idle time counts.
    assert_eq!(table.on(over(1)), ["claim"]);
    assert_eq!(table.on(claimed(&[(2, "01.01.02")], &[], 0)), ["job 2 start"]);
    let status = table.0.status(1, NOW, Vec::new());
    assert_eq!((status.turns.len(), status.turns[0].job, status.waiting_jobs), (1, Some(JobId(2)), 0));
    assert_eq!(table.on(over(2)), ["idle true"]);
    assert_eq!(table.on(Event::IdleTimeUp), ["exit"]);
}

#[test]
fn claims_come_one_after_another_and_everybody_gets_an_answer() {
    let mut table = Table::new();
    table.greet(1);
    table.greet(2);
    table.greet(3);
    assert_eq!(table.say(1, start(&[1], &[])), ["claim start 1"]);
    assert_eq!(table.say(2, start(&[2, 3], &[3])), [""; 0], "it waits for the answer");
    assert_eq!(table.say(3, cancel(9)), [""; 0]);
    let first = table.on(claimed(&[(1, "01.01.01")], &[], 0));
    assert_eq!(first, ["1 taken", "job 1 start", "claim start 2 3 drop 9 running 1"]);
    let person = TurnOutcome::Cancelled { cause: CancelCause::Person };
    let second = table.on(claimed(&[], &[(9, person)], 2));
    assert_eq!(second, ["2 taken", "3 cancelled"]);
    // Whoever only follows is answered at once.
    assert_eq!(table.say(1, start(&[], &[2])), ["1 taken"]);
    // A queue that can't be read is told to those who asked, and tried again.
    assert_eq!(table.say(1, start(&[4], &[])), ["claim start 4 running 1"]);
    assert_eq!(table.on(Event::Claimed(Err("no".into()))), ["1 refused NoQueue"]);
    assert_eq!(table.on(Event::Tick), ["claim running 1"]);
    assert_eq!(table.on(claimed(&[], &[], 2)), [""; 0]);
    assert_eq!(table.on(Event::Tick), [""; 0], "only after a failure");
}

#[test]
fn a_job_that_could_not_begin_is_told_and_makes_place_for_the_next() {
    let mut table = Table::new();
    table.greet(1);
    table.say(1, start(&[1, 2], &[1, 2]));
    assert_eq!(table.on(claimed(&[], &[(1, failed())], 1)), ["1 taken", "1 hears of job 1", "claim"]);
}

/// Mutant: a job starts though its thread was taken while the claim was on its way.
#[test]
fn a_thread_that_somebody_took_meanwhile_is_theirs() {
    let mut table = Table::new();
    table.greet(1);
    table.say(1, start(&[1], &[]));
    table.running(2, "001-a", "01.01.01");
    assert_eq!(table.on(claimed(&[(1, "01.01.01")], &[], 0)), ["1 taken", "put back 1"]);
    assert_eq!(table.on(Event::PutBack(Ok(()))), [""; 0]);
    // Threads in windows are named as busy, and the job gets its turn when that one is over.
    assert_eq!(table.on(Event::TurnOver(TurnOf::Conn(2))), ["claim"]);
    assert_eq!(table.on(claimed(&[(1, "01.01.01")], &[], 0)), ["job 1 start"]);
    table.greet(3);
    assert_eq!(table.say(3, run()), ["3 refused AlreadyRunning"]);
    table.running(4, "001-a", "01.01.02");
    assert_eq!(table.say(3, start(&[5], &[])), ["claim start 5 busy 001-a 01.01.02 running 1"]);
}

#[test]
fn a_job_is_cancelled_where_it_is() {
    let mut table = Table::new();
    table.greet(1);
    table.greet(2);
    table.say(1, start(&[1], &[1]));
    table.on(claimed(&[(1, "01.01.01")], &[], 0));
    assert_eq!(table.say(2, cancel(1)), ["job 1 cancel Person"]);
    assert_eq!(table.on(over(1)), ["2 cancelled"], "when its end is on record");
    assert_eq!(table.say(2, cancel(1)), ["claim drop 1"]);
    assert_eq!(table.on(claimed(&[], &[], 0)), ["2 refused NothingRuns"]);
    // As the turn of its thread, too.
    table.say(1, start(&[2], &[]));
    table.on(claimed(&[(2, "01.01.01")], &[], 0));
    let thread = "01.01.01".parse().expect("an id");
    let cancel_turn = ClientMessage::CancelTurn { stream: "001-a".parse().expect("an id"), thread };
    assert_eq!(table.say(2, cancel_turn), ["job 2 cancel Person"]);
    assert_eq!(table.say(2, answer("001-a", "01.01.01")), ["2 answers job 2"]);
}

/// What waits is left in the queue; what runs ends first, and nothing new begins.
///
/// Mutant: the exit does not wait for a claim that is on its way.
#[test]
fn stopping_begins_nothing_and_loses_nothing() {
    let mut table = Table::new();
    table.greet(1);
    table.say(1, start(&[1, 2], &[]));
    table.on(claimed(&[(1, "01.01.01")], &[], 1));
    assert_eq!(table.say(1, start(&[3], &[])), ["claim start 3 running 1"]);
    assert_eq!(table.on(Event::Terminate), ["job 1 cancel Shutdown"]);
    assert_eq!(table.on(over(1)), [""; 0], "the claim is on its way");
    assert_eq!(table.on(claimed(&[(2, "01.01.02")], &[], 1)), ["1 taken", "put back 2"]);
    assert_eq!(table.on(Event::PutBack(Ok(()))), ["exit"]);
    table.greet(2);
    assert_eq!(table.say(2, start(&[4], &[])), ["2 refused Stopping"]);
}

#[test]
fn it_makes_no_room_while_jobs_wait() {
    let mut table = Table::new();
    table.greet(1);
    table.say(1, start(&[1], &[]));
    table.greet(2);
    assert_eq!(table.say(2, ClientMessage::Retire), ["2 refused Busy"], "the claim is on its way");
    table.on(claimed(&[(1, "01.01.01")], &[], 0));
    assert_eq!(table.say(2, ClientMessage::Retire), ["2 refused Busy"]);
    table.on(over(1));
    assert_eq!(table.say(2, ClientMessage::Retire), ["2 stopping", "exit"]);
}

/// Jobs that could not be put back are put back by the next claim, which names what really runs.
#[test]
fn what_could_not_be_put_back_is_tried_again() {
    let mut table = Table::new();
    table.greet(1);
    table.say(1, start(&[1, 2], &[]));
    table.running(2, "001-a", "01.01.02");
    let claim = table.on(claimed(&[(1, "01.01.01"), (2, "01.01.02")], &[], 0));
    assert_eq!(claim, ["1 taken", "job 1 start", "put back 2"]);
    assert_eq!(table.on(Event::PutBack(Err("full".into()))), [""; 0]);
    assert_eq!(table.on(Event::Tick), ["claim busy 001-a 01.01.02 running 1"]);
}
