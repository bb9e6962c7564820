//! `work show ID`

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::tree::stream_tree;
use crate::engine::status::{StatusReport, ThreadRow, report};
use crate::engine::{node, thread};
use crate::model::{NodeId, Stream, Task, TaskStatus};
use crate::ui::{Style, one_line, paint, printable, sessions_table, tree};

/// Show a stage, batch, thread or task with everything that is known of it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its id, e.g. `01`, `01.02` or `01.02.03`, or the unique name of a thread
    id: String,
}

/// What is known of a stage, batch, thread or task.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    id: NodeId,
    /// What it lies in, the outermost first.
    place: Vec<Place<'a>>,
    /// Its threads; none of a task.
    threads: Vec<&'a ThreadRow>,
    tasks: Vec<TaskView<'a>>,
}

/// A stage, batch or thread around what is shown.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    id: NodeId,
    name: &'a str,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TaskView<'a> {
    id: String,
    name: &'a str,
    status: TaskStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    breadcrumb: Option<&'a str>,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let (_, _, stream) = ctx.state()?;
    let id = node(&stream, &args.id)?;
    let mut status = report(&stream, Vec::new());
    let document = document(&stream, &status, id);
    if ctx.json {
        ctx.print(&document, String::new)?;
        return Ok(Exit::Done);
    }
    let text = match id {
        NodeId::Thread(_) => whole_threads(ctx, &stream, &document),
        NodeId::Task(_) => one_task(ctx, &document),
        NodeId::Stage(_) | NodeId::Batch(_) => {
            drop(document);
            keep_only(&mut status, id);
            tree(&ctx.screen, &stream_tree(&stream, &status, false))
        }
    };
    ctx.screen.out(&text);
    Ok(Exit::Done)
}

fn document<'a>(stream: &'a Stream, status: &'a StatusReport, id: NodeId) -> Document<'a> {
    let in_thread = |row: &&ThreadRow| match id {
        NodeId::Stage(stage) => row.id.stage() == stage,
        NodeId::Batch(batch) => row.id.batch == batch,
        NodeId::Thread(thread) => row.id == thread,
        NodeId::Task(task) => row.id == task.thread,
    };
    let threads: Vec<&ThreadRow> = status.threads.iter().filter(in_thread).collect();
    let tasks = threads
        .iter()
        .filter_map(|row| stream.thread(row.id))
        .flat_map(|thread| &thread.tasks)
        .filter(|task| !matches!(id, NodeId::Task(only) if only != task.id))
        .map(view)
        .collect();
    let place = place(&threads, stream, id);
    let threads = if matches!(id, NodeId::Task(_)) { Vec::new() } else { threads };
    Document { id, place, threads, tasks }
}

/// The stage, batch and thread around a node, as far as it lies in them.
fn place<'a>(threads: &[&ThreadRow], stream: &'a Stream, id: NodeId) -> Vec<Place<'a>> {
    let Some(first) = threads.first().and_then(|row| stream.thread(row.id)) else { return Vec::new() };
    let around = [
        Place { id: NodeId::Stage(first.id.stage()), name: &first.stage_name },
        Place { id: NodeId::Batch(first.id.batch), name: &first.batch_name },
        Place { id: NodeId::Thread(first.id), name: &first.name },
    ];
    let deep = match id {
        NodeId::Stage(_) => 0,
        NodeId::Batch(_) => 1,
        NodeId::Thread(_) => 2,
        NodeId::Task(_) => 3,
    };
    around.into_iter().take(deep).collect()
}

/// Leaves only a stage or a batch, with its place, in the report.
fn keep_only(status: &mut StatusReport, id: NodeId) {
    status.stages.retain_mut(|stage| match id {
        NodeId::Batch(batch) => {
            stage.batches.retain(|row| row.id == batch);
            stage.id == batch.stage
        }
        _ => NodeId::Stage(stage.id) == id,
    });
}

/// One task, and where it lies.
fn one_task(ctx: &Context, document: &Document<'_>) -> String {
    let mut text: String = document.tasks.iter().map(|task| task_lines(task, 0, ctx.screen.color)).collect();
    let around: Vec<String> =
        document.place.iter().map(|place| format!("{} {}", place.id, one_line(place.name))).collect();
    text.push_str(&format!("  in {}\n", around.join(" › ")));
    text
}

/// A task with what was said of it, `by` columns to the right.
fn task_lines(task: &TaskView<'_>, by: usize, color: bool) -> String {
    let id = if by == 0 { paint(&task.id, Style::Strong, color) } else { task.id.clone() };
    let mut text = format!("{:by$}{id} {}  {}\n", "", one_line(task.name), task.status.name());
    for (what, words) in [("report", task.report), ("left at", task.breadcrumb)] {
        if let Some(words) = words {
            text.push_str(&format!("{:by$}  {what}: {}\n", "", indented(words, by + 4)));
        }
    }
    text
}

fn view(task: &Task) -> TaskView<'_> {
    TaskView {
        id: task.id.to_string(),
        name: &task.name,
        status: task.status,
        report: task.report.as_deref(),
        breadcrumb: task.breadcrumb.as_deref(),
    }
}

/// Threads with their tasks and sessions.
fn whole_threads(ctx: &Context, stream: &Stream, document: &Document<'_>) -> String {
    let color = ctx.screen.color;
    let mut text = String::new();
    for row in &document.threads {
        let agent = row.agent.as_ref().map(|agent| format!("  @{agent}")).unwrap_or_default();
        let status = paint(row.status.name(), Style::of(row.status), color);
        text.push_str(&format!(
            "{} {}  {status}{agent}\n",
            paint(&row.id.to_string(), Style::Strong, color),
            one_line(&row.name)
        ));
        if let Some(said) =
            thread(stream, &row.id.to_string()).ok().and_then(|thread| thread.report.as_deref())
        {
            text.push_str(&format!("  {}\n", indented(said, 2)));
        }
        let prefix = format!("{}.", row.id);
        for task in document.tasks.iter().filter(|task| task.id.starts_with(&prefix)) {
            text.push_str(&task_lines(task, 2, color));
        }
        if !row.sessions.is_empty() {
            text.push('\n');
            text.push_str(&sessions_table(&ctx.screen, std::slice::from_ref(*row)));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// What an agent or a person wrote; further lines stand below the first.
fn indented(text: &str, by: usize) -> String {
    printable(text.trim()).replace('\n', &format!("\n{:by$}", ""))
}

impl From<serde_json::Error> for Failed {
    fn from(error: serde_json::Error) -> Self {
        Self::new(Exit::Bug, "json", error.to_string())
    }
}
