//! `work show ID`

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::status::{StatusReport, ThreadRow, report};
use crate::engine::{node, thread};
use crate::model::{NodeId, Stream, Task, TaskStatus};
use crate::ui::{Style, one_line, paint, printable, sessions_table};

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
    threads: Vec<&'a ThreadRow>,
    tasks: Vec<TaskView<'a>>,
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
    let status = report(&stream, Vec::new());
    let document = document(&stream, &status, id);
    ctx.print(&document, || text(ctx, &stream, &document))?;
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
    Document { id, threads, tasks }
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

fn text(ctx: &Context, stream: &Stream, document: &Document<'_>) -> String {
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
            let name = one_line(task.name);
            text.push_str(&format!("  {} {name}  {}\n", task.id, task.status.name()));
            for (what, words) in [("report", task.report), ("left at", task.breadcrumb)] {
                if let Some(words) = words {
                    text.push_str(&format!("    {what}: {}\n", indented(words, 6)));
                }
            }
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
