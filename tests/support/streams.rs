//! Streams of a given size: a plan as people write them, approved, half of it done.

use std::fmt::Write as _;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use work::model::{
    AgentName, BackendKind, End, Extra, Mode, Outcome, SessionId, SessionRecord, SessionRef, SessionState,
    TaskStatus, Usage,
};
use work::store::Store;
use work::sys::clock::Clock;

use super::env::TestEnv;

/// What the threads of [`plan`] have to do.
const DETAILS: &str = "\
Read the module and its tests first. The reader keeps its place between calls, so a\n\
caller may stop at any line and go on later; nothing is read twice. Where the input\n\
ends in the middle of a record, the record is kept for the next call.\n\n\
- leave the public names as they are\n\
- say in the documentation what happens to a record that is too long\n\n";

/// A plan of `stages` × `batches` × `threads` threads with `tasks` tasks each.
pub(crate) fn plan(stages: usize, batches: usize, threads: usize, tasks: usize, details: &str) -> String {
    let mut text =
        "# Plan: A stream to measure\n\n## Summary\n\nAs large as needed.\n\n## Stages\n\n".to_owned();
    let mut push = |line: std::fmt::Arguments<'_>| text.write_fmt(line).expect("a String takes all");
    for stage in 1..=stages {
        push(format_args!(
            "### Stage {stage:02}: Stage {stage}\n\n#### Stage Definition\n\nPart {stage}.\n\n"
        ));
        push(format_args!("#### Stage Batches\n\n"));
        for batch in 1..=batches {
            push(format_args!("##### Batch {batch:02}: Batch {batch} of {stage}\n\nSide by side.\n\n"));
            for thread in 1..=threads {
                push(format_args!("###### Thread {thread:02}: Reader {stage}-{batch}-{thread}\n\n"));
                push(format_args!("**Summary:** Make reader {thread} resumable.\n\n**Details:**\n{details}"));
                push(format_args!("**Tasks:**\n"));
                for task in 1..=tasks {
                    push(format_args!("- [ ] Step {task}: change the reader and cover it by a test\n"));
                }
                push(format_args!("\n"));
            }
        }
    }
    text
}

/// A repository with an approved stream. Only `work` itself was at work.
pub(crate) fn approved(env: &TestEnv, plan: &str) -> PathBuf {
    let repo = env.repo();
    env.work(["init"]).ok();
    let plan = env.write("plan.md", plan);
    env.work(["create", "measured", "--from", &plan.to_string_lossy()]).ok();
    env.work(["approve", "plan", "--yes"]).ok();
    repo.join("work/001-measured")
}

/// The same with as many tasks, the first half of them done, and a session for each thread.
pub(crate) fn half_done(env: &TestEnv, tasks: usize) -> PathBuf {
    let (stages, batches, threads) = match tasks {
        0..=10 => (1, 1, 1),
        11..=1000 => (1, 10, tasks / 100),
        _ => (10, 10, tasks / 1000),
    };
    let dir = approved(env, &plan(stages, batches, threads, 10, DETAILS));
    let store = Store::open(&dir, Clock::System);
    let now = Clock::System.now();
    let worked = store.transact(|stream| {
        let half = stream.threads.len().div_ceil(2);
        for (number, thread) in stream.threads.iter_mut().enumerate() {
            let done = number < half;
            for task in &mut thread.tasks {
                task.status = if done { TaskStatus::Completed } else { TaskStatus::InProgress };
                task.report =
                    done.then(|| "Made the reader resumable, and covered the cut records.".to_owned());
            }
            thread.sessions.push(record(number, 1, now));
        }
        Ok::<_, std::convert::Infallible>(
            stream.threads.iter().map(|thread| thread.tasks.len()).sum::<usize>(),
        )
    });
    assert_eq!(worked.expect("written"), tasks, "the plan has as many tasks as wanted");
    dir
}

/// A repository with a stream of 200 threads, each with five attempts.
pub(crate) fn many_sessions(env: &TestEnv) -> PathBuf {
    let dir = approved(env, &plan(1, 10, 20, 1, DETAILS));
    let now = Clock::System.now();
    let worked = Store::open(&dir, Clock::System).transact(|stream| {
        for (number, thread) in stream.threads.iter_mut().enumerate() {
            thread.sessions.extend((1..=5).map(|attempt| record(number * 5, attempt, now)));
        }
        Ok::<_, std::convert::Infallible>(
            stream.threads.iter().map(|thread| thread.sessions.len()).sum::<usize>(),
        )
    });
    assert_eq!(worked.expect("written"), 1_000);
    dir
}

/// An attempt that ended well.
fn record(number: usize, attempt: u32, now: DateTime<Utc>) -> SessionRecord {
    SessionRecord {
        session: SessionRef::Known(SessionId(format!("ses_{number:026}"))),
        attempt,
        agent: AgentName("default".to_owned()),
        model: "anthropic/claude-sonnet-4-5".to_owned(),
        variant: None,
        backend: Some(BackendKind::Opencode),
        mode: Some(Mode::Plain),
        directory: Some("/home/somebody/projects/a-project".into()),
        started_at: now,
        resumed_from: None,
        turns: vec![attempt],
        usage: Some(Usage { input: 12_345, output: 678, cost: 0.0123, ..Usage::default() }),
        outside_paths: None,
        state: SessionState::Ended {
            outcome: Outcome::Completed,
            end: End { at: Some(now), exit_code: Some(0), ..End::default() },
        },
        verification: None,
        extra: Extra::new(),
    }
}
