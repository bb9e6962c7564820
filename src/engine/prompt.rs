//! The prompt of a thread: its place in the plan, what is to be done, and how to report.

use std::fmt::Write as _;

use crate::model::{Stream, TaskStatus, Thread};
use crate::plan::{Plan, PlanThread};

/// The words for the status of a task, as a list marker.
fn marker(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Pending => "[ ]",
        TaskStatus::InProgress => "[~]",
        TaskStatus::Completed => "[x] done:",
        TaskStatus::Blocked => "[!] blocked:",
        TaskStatus::Cancelled => "[-] not wanted any more:",
    }
}

/// The prompt that begins a session for `thread`. Summary and details are the author's own bytes.
/// `history` tells of the attempts before, `failed` what the check of their work found, and `message` is what a person has to say on top.
#[must_use]
pub fn prompt(
    stream: &Stream,
    thread: &Thread,
    plan: &Plan,
    planned: &PlanThread,
    history: &str,
    failed: &str,
    message: Option<&str>,
) -> String {
    let mut text = format!(
        "You work on one thread of a planned piece of software work: `{}` ({}).\n\n# Thread {}: {}\n\n",
        stream.name, stream.id, thread.id, thread.name
    );
    place(&mut text, stream, thread, plan);
    section(&mut text, "Summary", &planned.summary);
    section(&mut text, "Details", &planned.details);
    list(&mut text, "Touch only these paths", planned.paths.iter().map(|path| format!("`{}`", path.value)));
    list(
        &mut text,
        "These commands must pass before you are done",
        planned.verify.iter().map(|c| format!("`{}`", c.value)),
    );
    tasks(&mut text, thread);
    section(&mut text, "What happened before", history);
    section(&mut text, "The check of that work", failed);
    how_to_report(&mut text, stream, thread);
    if let Some(message) = message {
        section(&mut text, "A word from the person who started you", message);
    }
    text
}

/// The prompt that goes on with a session which knows all that [`prompt`] told it. `stopped` says why it
/// did not go on by itself, `since` what others did in the meantime, and `failed` what the check of its work found.
#[must_use]
pub fn resume_prompt(
    stream: &Stream,
    thread: &Thread,
    stopped: Option<&str>,
    since: &str,
    failed: &str,
    message: Option<&str>,
) -> String {
    let mut text = format!(
        "Go on with thread {} ({}) of `{}`, in this same conversation.",
        thread.id, thread.name, stream.id
    );
    if let Some(stopped) = stopped {
        push(&mut text, format_args!(" You stopped because: {stopped}."));
    }
    text.push_str(
        " A command or an edit may have been cut off half way: look at what is there before you go on.\n\n",
    );
    section(&mut text, "The check of your work", failed);
    section(&mut text, "What others did since then", since);
    tasks(&mut text, thread);
    how_to_report(&mut text, stream, thread);
    if let Some(message) = message {
        section(&mut text, "A word from the person who started you", message);
    }
    text
}

fn section(text: &mut String, title: &str, body: &str) {
    if !body.trim().is_empty() {
        push(text, format_args!("## {title}\n\n{}\n\n", body.trim_matches('\n')));
    }
}

fn list(text: &mut String, title: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.map(|item| format!("- {item}")).collect();
    section(text, title, &items.join("\n"));
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = text.write_fmt(arguments);
}

/// Where the thread stands, and who works beside it.
fn place(text: &mut String, stream: &Stream, thread: &Thread, plan: &Plan) {
    push(text, format_args!("- Stage {}: {}\n", thread.id.stage(), thread.stage_name));
    push(text, format_args!("- Batch {}: {}\n", thread.id.batch, thread.batch_name));
    let beside: Vec<String> = stream
        .threads
        .iter()
        .filter(|other| other.id.batch == thread.id.batch && other.id != thread.id && other.in_plan)
        .map(|other| format!("{} {}", other.id, other.name))
        .collect();
    if !beside.is_empty() {
        push(
            text,
            format_args!(
                "- Other agents work on these threads at the same time; leave their work alone: {}\n",
                beside.join("; ")
            ),
        );
    }
    push(text, format_args!("- The whole plan: `work/{}/PLAN.md`\n\n", stream.id));
    if let Some(stage) = plan.stage(thread.id.stage()) {
        section(text, "What the stage is for", &stage.definition);
        section(text, "The stage's inputs, structure and outputs", &stage.constitution);
    }
    if let Some(batch) = plan.batch(thread.id.batch) {
        section(text, "What the batch is about", &batch.summary);
    }
}

fn tasks(text: &mut String, thread: &Thread) {
    push(text, format_args!("## Tasks\n\n"));
    for task in &thread.tasks {
        push(text, format_args!("- {} `{}` {}\n", marker(task.status), task.id, task.name));
        if let Some(report) = &task.report {
            push(text, format_args!("  - reported: {report}\n"));
        }
        if let Some(breadcrumb) = &task.breadcrumb {
            push(text, format_args!("  - left at: {breadcrumb}\n"));
        }
    }
    text.push('\n');
}

fn how_to_report(text: &mut String, stream: &Stream, thread: &Thread) {
    let id = &stream.id;
    let first = thread.tasks.iter().find(|task| !task.status.is_settled()).or(thread.tasks.first());
    let task = first.map_or_else(|| thread.id.to_string(), |task| task.id.to_string());
    push(
        text,
        format_args!(
            "## How to report\n\n\
         Report every task in the shell, when you begin it and when you end it. Only what is reported counts as done.\n\n\
         ```sh\n\
         work update --stream {id} --task {task} --status in_progress\n\
         work update --stream {id} --task {task} --status completed --report \"what you did, in one or two sentences\"\n\
         work update --stream {id} --task {task} --status blocked --report \"what is missing\"\n\
         ```\n\n\
         Leave a trail for whoever continues if you are cut off: `--breadcrumb \"where you are\"`.\n\
         Follow the conventions of the repository. A question may find nobody who answers it: decide what you can, and say so in the report.\n\n"
        ),
    );
}
