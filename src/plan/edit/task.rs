//! Adding a task to a thread.

use std::ops::Range;

use crate::model::ThreadId;

use super::super::fields::{Label, fields};
use super::super::markdown::{line_end, scan};
use super::super::parse::parse;
use super::super::tree::{PlanTask, PlanThread, Text};
use super::check::{first_thread, says};
use super::splice::{EditError, check_name, newline, replace};

/// Adds a task behind the last one of a thread, written as that one is; in a thread without tasks, below
/// its label `**Tasks:**`, which is added where it is missing.
///
/// # Errors
/// When there is no such thread, when it has 99 tasks, or when the name would be read as something else.
pub fn append_task(source: &str, thread: ThreadId, name: &str) -> Result<String, EditError> {
    let name = check_name(name)?;
    let mut plan = parse(source).plan;
    let found = plan.thread(thread).ok_or_else(|| EditError::NotFound(format!("thread {thread}")))?;
    if found.tasks.len() >= 99 {
        return Err(EditError::Full);
    }
    let (at, text) = match found.tasks.last() {
        Some(last) => behind(source, last, name),
        None => first(source, found, name),
    };
    let edited = replace(source, at..at, &text);
    if let Some(thread) = first_thread(&mut plan, |other| other.id == thread) {
        let value = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = Text { value, span: 0..0 };
        thread.tasks.push(PlanTask { name, details: Text { value: String::new(), span: 0..0 }, done: false });
    }
    says(edited, &plan).map_err(|_| EditError::BadName(name.to_owned()))
}

/// The lines of a task that says something else below its name end with that.
pub(super) fn end_of(task: &PlanTask) -> usize {
    if task.details.value.is_empty() { task.name.span.end } else { task.details.span.end }
}

fn behind(source: &str, last: &PlanTask, name: &str) -> (usize, String) {
    let end = line_end(source, end_of(last));
    let mark = mark_before(source, &last.name.span);
    (end, format!("{}{mark}{name}", newline(source)))
}

/// Bullet and box as in front of another task; the box is open, and a number goes on.
fn mark_before(source: &str, name: &Range<usize>) -> String {
    let start = source[..name.start].rfind('\n').map_or(0, |at| at + 1);
    let mark = &source[start..name.start];
    let mark = match (mark.find('['), mark.rfind(']')) {
        (Some(open), Some(close)) if open < close => format!("{}[ ]{}", &mark[..open], &mark[close + 1..]),
        _ => mark.to_owned(),
    };
    let indent = mark.len() - mark.trim_start().len();
    let digits = mark[indent..].bytes().take_while(u8::is_ascii_digit).count();
    match mark[indent..indent + digits].parse::<u32>() {
        Ok(number) => format!("{}{}{}", &mark[..indent], number.saturating_add(1), &mark[indent + digits..]),
        Err(_) => mark,
    }
}

fn first(source: &str, thread: &PlanThread, name: &str) -> (usize, String) {
    let newline = newline(source);
    let markdown = scan(source);
    let labels = fields(source, &markdown, thread.heading.end..thread.span.end);
    match labels.first(Label::Tasks) {
        Some(label) => (line_end(source, label.mark.end), format!("{newline}- [ ] {name}")),
        None => {
            let end = line_end(source, thread.span.end);
            (end, format!("{newline}{newline}**Tasks:**{newline}- [ ] {name}"))
        }
    }
}
