//! What is left of a stream, and what to do about it.

use super::super::fix::{self, Case};
use super::super::next::{Next, Outlook, outlook};
use super::super::status::StatusReport;
use super::super::why;
use super::Left;
use crate::model::{Ask, Stream, StreamState, Thread, ThreadStatus};

/// Why a thread that was begun goes on no further. Nothing for one that the plan has no more.
pub(super) fn of_thread(thread: &Thread, status: ThreadStatus) -> Option<Left> {
    if status.is_settled() || status == ThreadStatus::Pending || !thread.in_plan {
        return None;
    }
    if status == ThreadStatus::Running {
        let next = format!("`work logs {} -f` shows what its agent says and does", thread.id);
        return Some(Left { why: "its agent works".to_owned(), next });
    }
    let case = fix::case(thread);
    let next = why::next(&case);
    Some(Left { why: asks(&case).unwrap_or(case.why), next })
}

fn asks(case: &Case) -> Option<String> {
    let asks = case.thread.asks();
    let said: Vec<String> = asks.iter().map(Ask::words).collect();
    (!said.is_empty()).then(|| format!("it asks: {}", said.join("; ")))
}

/// What to do next with the stream as a whole, in order.
pub(super) fn of_stream(stream: &Stream, status: &StatusReport) -> Vec<String> {
    match stream.state {
        StreamState::Completed => return Vec::new(),
        StreamState::OnHold => return vec!["`work unhold` takes the stream up again".to_owned()],
        StreamState::Open => {}
    }
    if status.plan_unreadable.is_some() {
        return vec!["`work validate plan` says what is wrong with PLAN.md".to_owned()];
    }
    if !status.approved {
        return vec!["`work validate plan`, then `work approve plan`".to_owned()];
    }
    let mut steps = Vec::new();
    if !status.drift.is_empty() {
        steps.push("`work approve plan` approves the plan as it is now".to_owned());
    }
    let Outlook { next, unfinished } = outlook(stream);
    if !unfinished.is_empty() {
        steps.push("`work fix` takes up what was begun and is not done".to_owned());
    }
    match next {
        Next::Batch { id, threads } => {
            let count =
                if threads.len() == 1 { "1 thread".to_owned() } else { format!("{} threads", threads.len()) };
            steps.push(format!("`work continue` runs batch {id}, of which {count} did not begin"));
        }
        Next::Gate { stage, .. } => {
            steps.push(format!("`work approve stage {stage}` says that the result of stage {stage} is good"));
        }
        Next::Running(_) => steps.push("`work status --watch` shows how it goes on".to_owned()),
        Next::Nothing if steps.is_empty() && !stream.threads.is_empty() => {
            steps.push("`work complete` closes the stream".to_owned());
        }
        Next::Nothing => {}
    }
    steps
}
