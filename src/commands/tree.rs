//! `work tree`

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::drift::drift_of;
use crate::engine::status::{StatusReport, report};
use crate::model::{Stream, TaskStatus};
use crate::plan::Plan;
use crate::ui::{Style, TreeNode, tree};

/// Show the stream as a tree, with the status of every thread and task
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Leave the tasks out
    #[arg(long)]
    no_tasks: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let (_, handle, stream) = ctx.state()?;
    let status = report(&stream, drift_of(&stream, &handle));
    ctx.print(&status, || tree(&ctx.screen, &stream_tree(&stream, &status, !args.no_tasks)))?;
    if stream.threads.is_empty() && !ctx.json {
        ctx.screen.hint("`work preview` shows the plan; `work approve plan` takes it over");
    }
    Ok(Exit::Done)
}

/// The tree of a stream's state, of the stages that `status` has.
pub(super) fn stream_tree(stream: &Stream, status: &StatusReport, tasks: bool) -> TreeNode {
    let thread_node = |row: &crate::engine::status::ThreadRow| {
        let thread = stream.thread(row.id).filter(|_| tasks);
        let children = thread.into_iter().flat_map(|thread| &thread.tasks).map(|task| TreeNode {
            id: task.id.to_string(),
            name: task.name.clone(),
            note: Some((task.status.name().to_owned(), task_style(task.status))),
            children: Vec::new(),
        });
        let agent = row.agent.as_ref().map(|agent| format!(" @{agent}")).unwrap_or_default();
        TreeNode {
            id: row.id.to_string(),
            name: format!("{}{agent}", row.name),
            note: Some((row.status.name().to_owned(), Style::of(row.status))),
            children: children.collect(),
        }
    };
    let stages = status.stages.iter().map(|stage| TreeNode {
        id: stage.id.to_string(),
        name: stage.name.clone(),
        note: Some((format!("{}/{}", stage.tasks.completed, stage.tasks.total), Style::Faint)),
        children: stage
            .batches
            .iter()
            .map(|batch| TreeNode {
                id: batch.id.to_string(),
                name: batch.name.clone(),
                note: None,
                children: status
                    .threads
                    .iter()
                    .filter(|row| row.id.batch == batch.id)
                    .map(thread_node)
                    .collect(),
            })
            .collect(),
    });
    TreeNode { id: stream.id.to_string(), name: String::new(), note: None, children: stages.collect() }
}

fn task_style(status: TaskStatus) -> Style {
    match status {
        TaskStatus::Completed => Style::Good,
        TaskStatus::InProgress => Style::Active,
        TaskStatus::Blocked => Style::Attention,
        TaskStatus::Pending | TaskStatus::Cancelled => Style::Faint,
    }
}

/// The tree of a plan.
pub(super) fn plan_tree(plan: &Plan) -> TreeNode {
    let plain = |id: String, name: &str, children: Vec<TreeNode>| TreeNode {
        id,
        name: name.to_owned(),
        note: None,
        children,
    };
    let stages = plan.stages.iter().map(|stage| {
        let batches = stage.batches.iter().map(|batch| {
            let threads = batch.threads.iter().map(|thread| {
                let tasks = thread.tasks.iter().enumerate().map(|(index, task)| {
                    plain(format!("{}.{:02}", thread.id, index + 1), &task.name, Vec::new())
                });
                plain(thread.id.to_string(), &thread.name, tasks.collect())
            });
            plain(batch.id.to_string(), &batch.name, threads.collect())
        });
        plain(stage.id.to_string(), &stage.name, batches.collect())
    });
    plain("Plan:".to_owned(), &plan.name, stages.collect())
}
