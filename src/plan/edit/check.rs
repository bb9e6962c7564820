//! Whether an edit did what it should and nothing else: a plan as all that it says.

use crate::model::NodeId;

use super::super::parse::parse;
use super::super::tree::{Plan, PlanThread, Text};
use super::splice::EditError;

/// Gives `edited` if it says what `expected` says.
pub(super) fn says(edited: String, expected: &Plan) -> Result<String, EditError> {
    if same(&parse(&edited).plan, expected) { Ok(edited) } else { Err(EditError::WouldMisread) }
}

/// Whether two plans say the same.
pub(super) fn same(one: &Plan, other: &Plan) -> bool {
    told(one) == told(other)
}

/// The plan without one of its parts: the first one of that id.
pub(super) fn without(plan: &Plan, id: NodeId) -> Plan {
    let mut plan = plan.clone();
    match id {
        NodeId::Stage(id) => {
            drop(plan.stages.iter().position(|stage| stage.id == id).map(|at| plan.stages.remove(at)));
        }
        NodeId::Batch(id) => {
            let mut stages = plan.stages.iter_mut();
            let found = stages
                .find_map(|stage| Some((stage.batches.iter().position(|batch| batch.id == id)?, stage)));
            if let Some((at, stage)) = found {
                stage.batches.remove(at);
            }
        }
        NodeId::Thread(id) => {
            let mut batches = plan.stages.iter_mut().flat_map(|stage| &mut stage.batches);
            let found = batches
                .find_map(|batch| Some((batch.threads.iter().position(|thread| thread.id == id)?, batch)));
            if let Some((at, batch)) = found {
                batch.threads.remove(at);
            }
        }
        NodeId::Task(id) => {
            let at = usize::from(id.number.get()) - 1;
            let thread = first_thread(&mut plan, |thread| thread.id == id.thread);
            if let Some(thread) = thread.filter(|thread| at < thread.tasks.len()) {
                thread.tasks.remove(at);
            }
        }
    }
    plan
}

/// The first thread that `fits`, to change it.
pub(super) fn first_thread(plan: &mut Plan, fits: impl Fn(&PlanThread) -> bool) -> Option<&mut PlanThread> {
    let batches = plan.stages.iter_mut().flat_map(|stage| &mut stage.batches);
    batches.flat_map(|batch| &mut batch.threads).find(|thread| fits(thread))
}

/// All that a plan says, in order, without the places where it says so. Blanks at the ends of lines and
/// blank lines around a text say nothing.
fn told(plan: &Plan) -> Vec<String> {
    let mut told = vec![text(&plan.name), text(&plan.summary), text(&plan.references)];
    told.extend(plan.stream_id.as_ref().map(text));
    told.extend(plan.sections.iter().flat_map(|section| [text(&section.title), text(&section.body)]));
    for stage in &plan.stages {
        told.push(format!("stage {} {}", stage.id, text(&stage.name)));
        told.extend([text(&stage.definition), text(&stage.constitution)]);
        told.extend(stage.questions.iter().map(|asked| format!("{} {}", asked.answered, text(&asked.text))));
        told.extend(stage.sections.iter().flat_map(|section| [text(&section.title), text(&section.body)]));
        for batch in &stage.batches {
            told.push(format!("batch {} {}", batch.id, text(&batch.name)));
            told.push(text(&batch.summary));
            batch.threads.iter().for_each(|thread| thread_told(thread, &mut told));
        }
    }
    told
}

fn thread_told(thread: &PlanThread, told: &mut Vec<String>) {
    told.push(format!("thread {} {}", thread.id, text(&thread.name)));
    told.extend([text(&thread.summary), text(&thread.details)]);
    told.push(thread.agent.as_ref().map_or_else(String::new, |agent| agent.value.to_string()));
    for task in &thread.tasks {
        told.push(format!("task {} {}", task.done, text(&task.name)));
        told.push(text(&task.details));
    }
    told.extend(thread.depends_on.iter().map(|id| format!("depends {}", id.value)));
    told.extend(thread.paths.iter().map(|path| format!("path {}", text(path))));
    told.extend(thread.verify.iter().map(|command| format!("verify {}", text(command))));
}

fn text(text: &Text) -> String {
    let lines: Vec<&str> = text.value.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}
