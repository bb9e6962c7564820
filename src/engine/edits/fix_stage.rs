//! A stage for what earlier ones left: one thread for each that is not done.

use std::fmt::Write as _;

use super::super::StreamHandle;
use super::super::approve::has_history;
use super::super::status::status_of;
use super::PlanEditError;
use super::add::{Added, Part, kept, told};
use super::plan_file::{self, Write};
use crate::model::{BatchId, NodeId, SessionState, Stream, Task, TaskStatus, Thread};
use crate::plan::edit::append_whole_stage;
use crate::plan::{self, Plan, PlanThread, ThreadDraft};

/// The most characters of what went wrong that stand in a summary.
const REASON: usize = 200;

/// Adds a stage at the end whose threads finish those that were begun, or passed over, and are not done.
/// Nothing in it is left to be written: it can be approved and run as it is.
///
/// # Errors
/// [`PlanEditError`]; nothing was changed then.
pub fn add_fix_stage(handle: &StreamHandle, name: &str, dry_run: bool) -> Result<Added, PlanEditError> {
    let stream = handle.store.read()?;
    let left = left(&stream);
    if left.is_empty() {
        return Err(PlanEditError::NothingToFix(stream.id));
    }
    let title = format!("Fix - {}", name.trim());
    let ids: Vec<String> = left.iter().map(|thread| thread.id.to_string()).collect();
    let definition = match &ids[..] {
        [only] => format!("What thread {only} left undone is done."),
        _ => format!("What these threads left undone is done: {}.", ids.join(", ")),
    };
    let kept = kept(&stream);
    let edited = plan_file::edit(handle, Write::unless(dry_run), |source| {
        let plan = plan::read(source);
        let drafts: Vec<ThreadDraft> = left.iter().map(|thread| draft(thread, &plan)).collect();
        let new = append_whole_stage(source, &title, &definition, "What is left", &drafts, &kept)?;
        Ok((new.text, new.id))
    })?;
    let id = edited.told;
    let mut added = told(&stream, &edited.after, NodeId::Stage(id), |plan| {
        plan.stage(id).map(|stage| (stage.name.value.clone(), stage.span.clone()))
    });
    let after = plan::read(&edited.after);
    for batch in after.stage(id).into_iter().flat_map(|stage| &stage.batches) {
        added.added.push(Part { id: NodeId::Batch(batch.id), name: batch.name.value.clone() });
        let threads = batch.threads.iter();
        added.added.extend(
            threads.map(|thread| Part { id: NodeId::Thread(thread.id), name: thread.name.value.clone() }),
        );
    }
    Ok(added)
}

/// Threads of the plan that are not done and do not run, of those that were begun or were passed over by
/// a batch that was begun later.
fn left(stream: &Stream) -> Vec<&Thread> {
    use crate::model::ThreadStatus::{Running, Waiting};
    let begun: Option<BatchId> =
        stream.threads.iter().filter(|thread| has_history(thread)).map(|thread| thread.id.batch).max();
    let open = |thread: &&Thread| {
        let status = status_of(thread);
        thread.in_plan && !status.is_settled() && !matches!(status, Running | Waiting)
    };
    let reached =
        |thread: &&Thread| has_history(thread) || begun.is_some_and(|begun| thread.id.batch < begun);
    stream.threads.iter().filter(open).filter(reached).collect()
}

/// The thread that finishes another one.
fn draft(thread: &Thread, plan: &Plan) -> ThreadDraft {
    let planned = plan.thread(thread.id);
    let status = status_of(thread).name();
    let reason = reason(thread).map(|reason| format!(": {reason}")).unwrap_or_default();
    let texts = |get: fn(&PlanThread) -> &Vec<plan::Text>| -> Vec<String> {
        planned
            .map(|planned| get(planned).iter().map(|text| text.value.clone()).collect())
            .unwrap_or_default()
    };
    ThreadDraft {
        name: flat(&thread.name),
        agent: thread.agent.clone(),
        summary: Some(format!("Finish what thread {} left ({status}{reason}).", thread.id)),
        details: Some(details(thread, planned)),
        tasks: tasks(thread),
        paths: texts(|planned| &planned.paths),
        verify: texts(|planned| &planned.verify),
    }
}

/// Its open tasks; all of them where none is open, since the thread is not done all the same.
fn tasks(thread: &Thread) -> Vec<String> {
    let open = thread.tasks.iter().filter(|task| !task.status.is_settled());
    let names: Vec<String> = open.map(|task| flat(&task.name)).collect();
    if names.is_empty() { vec![format!("Finish {}", flat(&thread.name))] } else { names }
}

/// What it was to do, word for word, and what was reported so far.
fn details(thread: &Thread, planned: Option<&PlanThread>) -> String {
    let mut text = String::new();
    let said = planned.into_iter().flat_map(|planned| [&planned.summary, &planned.details]);
    for said in said.filter(|said| !said.value.trim().is_empty()) {
        let _ = write!(text, "{}\n\n", said.value.trim_matches('\n').trim_end());
    }
    let reports: Vec<String> = thread.tasks.iter().filter_map(report).collect();
    let whole = thread.report.as_ref().map(|report| format!("- {}: {}", thread.id, flat(report)));
    let reports: Vec<String> = whole.into_iter().chain(reports).collect();
    if reports.is_empty() {
        let _ = write!(text, "Nothing was reported of thread {}; look at what is there first.", thread.id);
    } else {
        let _ = write!(text, "What was reported of thread {} so far:\n\n{}", thread.id, reports.join("\n"));
    }
    text
}

fn report(task: &Task) -> Option<String> {
    let said = task.report.iter().map(|text| flat(text));
    let said: Vec<String> =
        said.chain(task.breadcrumb.iter().map(|text| format!("left at: {}", flat(text)))).collect();
    if said.is_empty() && task.status == TaskStatus::Pending {
        return None;
    }
    let said = if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) };
    Some(format!("- {} {} ({}){said}", task.id, flat(&task.name), task.status.name()))
}

/// Why its last attempt ended, as far as it ended badly.
fn reason(thread: &Thread) -> Option<String> {
    let SessionState::Ended { end, .. } = &thread.last_record()?.state else { return None };
    let failure = end.failure.as_ref().map(|failure| format!("{}: {}", failure.kind.name(), failure.message));
    let words = flat(&failure.or_else(|| end.interrupted_by.clone())?);
    let short: String = words.chars().take(REASON).collect();
    Some(if short.len() < words.len() { format!("{}…", short.trim_end()) } else { short })
}

/// Words of agents and programs on one line, without what a plan would take for a label or a comment.
fn flat(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.replace("**", "").replace("__", "").replace("<!--", "").replace("-->", "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
