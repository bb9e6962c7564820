//! Naming the agent of a thread.

use crate::model::{AgentName, ThreadId};

use super::super::fields::{Label, fields};
use super::super::hash::plan_hash;
use super::super::markdown::{line_end, next_line, scan};
use super::super::parse::parse;
use super::splice::{EditError, check_name, newline, replace};

/// Writes the agent of a thread: replaces the name behind its `**Agent:**`, or adds that line below its heading.
///
/// # Errors
/// When there is no such thread, or when the name cannot stand in a plan.
pub fn set_agent(source: &str, thread: ThreadId, agent: &AgentName) -> Result<String, EditError> {
    let name = check_name(&agent.0)?;
    let plan = parse(source).plan;
    let found = plan.thread(thread).ok_or_else(|| EditError::NotFound(format!("thread {thread}")))?;
    let edited = match &found.agent {
        Some(old) => replace(source, old.span.clone(), name),
        None => {
            let markdown = scan(source);
            let labels = fields(source, &markdown, found.heading.end..found.span.end);
            match labels.first(Label::Agent) {
                Some(empty) => replace(source, empty.mark.end..empty.mark.end, &format!(" {name}")),
                None => below_heading(source, found.heading.end, name),
            }
        }
    };
    let after = parse(&edited).plan;
    let written = after.thread(thread).and_then(|thread| thread.agent.as_ref());
    if written.is_some_and(|written| written.0 == name) && plan_hash(&after) == plan_hash(&plan) {
        return Ok(edited);
    }
    Err(EditError::BadName(agent.0.clone()))
}

/// Adds the line as a paragraph of its own.
fn below_heading(source: &str, heading_end: usize, name: &str) -> String {
    let newline = newline(source);
    let end = line_end(source, heading_end);
    let next = next_line(source, end);
    let below = &source[next..];
    let next_is_blank = below.split('\n').next().is_none_or(|line| line.trim().is_empty());
    let gap = if next_is_blank { "" } else { newline };
    replace(source, end..end, &format!("{newline}{newline}**Agent:** {name}{gap}"))
}
