//! `TASKS.md`: the list of tasks that people edited before it became `tasks.json`.
//!
//! `tasks.json` counts where both say something. What only the list says is taken over. One
//! invariant: a line that makes no sense is told of, with its place, and changes nothing.

use std::ops::Range;

use crate::diag::Diagnostic;
use crate::model::{AgentName, Ordinal, Stream, Task, TaskId, TaskStatus, Thread};

/// A task of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::tasks) struct Listed {
    pub(in crate::store::tasks) id: TaskId,
    pub(in crate::store::tasks) name: String,
    pub(in crate::store::tasks) status: TaskStatus,
    pub(in crate::store::tasks) report: Option<String>,
    place: Place,
    span: Range<usize>,
}

/// The headings that a task stands below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    stage: String,
    batch: String,
    thread: String,
    agent: Option<AgentName>,
}

/// Reads the list.
pub(in crate::store::tasks) fn parse(source: &str) -> (Vec<Listed>, Vec<Diagnostic>) {
    let (mut tasks, mut notes): (Vec<Listed>, Vec<Diagnostic>) = (Vec::new(), Vec::new());
    // A quoted line belongs to the task right above it, if that made sense.
    let (mut place, mut at, mut open) = (Place::default(), 0, false);
    for whole in source.split_inclusive('\n') {
        let line = whole.trim_end();
        let span = at..at + line.len();
        at += whole.len();
        let text = line.trim_start_matches('\u{feff}').trim_start();
        if text.is_empty() || text.starts_with("# ") || matches!(text, "---" | "***") {
        } else if text.starts_with('#') {
            open = false;
            if !place.enter(text) {
                notes.push(unknown("no stage, batch or thread", span));
            }
        } else if let Some(quoted) = text.strip_prefix('>') {
            if !tasks.last_mut().is_some_and(|task| open && task.quote(quoted.trim())) {
                notes.push(unknown("no report of a task", span));
            }
        } else {
            match task(text, &place, span.clone()) {
                Ok((task, odd)) => {
                    notes.extend(odd);
                    tasks.push(task);
                    open = true;
                }
                Err(what) => {
                    notes.push(unknown(what, span));
                    open = false;
                }
            }
        }
    }
    (tasks, notes)
}

fn unknown(what: &str, span: Range<usize>) -> Diagnostic {
    Diagnostic::warning("T111", format!("the line is {what}, and is not taken over"))
        .at(span, "")
        .help("TASKS.md itself is kept beside tasks.json")
}

impl Place {
    /// Goes below a heading, if it is one that we know.
    fn enter(&mut self, text: &str) -> bool {
        let level = text.chars().take_while(|c| *c == '#').count();
        let title = text[level..].trim();
        let named = |word: &str| {
            let rest = title.strip_prefix(word)?.trim_start();
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            Some(rest.trim_start_matches(':').trim().to_owned())
        };
        match (level, named("Stage"), named("Batch"), named("Thread")) {
            (2, Some(stage), ..) => *self = Self { stage, ..Self::default() },
            (3, _, Some(batch), _) => {
                *self = Self { stage: std::mem::take(&mut self.stage), batch, ..Self::default() }
            }
            (4, _, _, Some(thread)) => {
                (self.thread, self.agent) = match thread.rsplit_once("@agent:") {
                    Some((name, agent)) => {
                        let agent = Some(agent.trim()).filter(|agent| !agent.is_empty());
                        (name.trim().to_owned(), agent.map(|agent| AgentName(agent.to_owned())))
                    }
                    None => (thread, None),
                };
            }
            _ => return false,
        }
        true
    }
}

impl Listed {
    /// Takes a quoted line as the report or more of it.
    fn quote(&mut self, line: &str) -> bool {
        match (line.strip_prefix("Report:"), &mut self.report) {
            (Some(report), None) => self.report = Some(report.trim().to_owned()),
            (None, Some(report)) => {
                report.push('\n');
                report.push_str(line);
            }
            (Some(_), Some(_)) | (None, None) => return false,
        }
        true
    }
}

/// `- [x] Task 01.02.03.04: its name`.
fn task(text: &str, place: &Place, span: Range<usize>) -> Result<(Listed, Option<Diagnostic>), &'static str> {
    let boxed = text.strip_prefix(['-', '*']).map(str::trim_start).and_then(|rest| rest.strip_prefix('['));
    let (mark, rest) = boxed.and_then(|rest| rest.split_once(']')).ok_or("no task")?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("Task").map_or(rest, str::trim_start);
    let (id, name) = rest.split_once(':').ok_or("a task without an id")?;
    let id: TaskId = id.trim().parse().map_err(|_| "a task whose id is no task id")?;
    let known = match mark {
        "" | " " => Some(TaskStatus::Pending),
        "x" | "X" => Some(TaskStatus::Completed),
        "~" => Some(TaskStatus::InProgress),
        "!" => Some(TaskStatus::Blocked),
        "-" => Some(TaskStatus::Cancelled),
        _ => None,
    };
    let odd = known.is_none().then(|| {
        let message = format!("`[{mark}]` is no status of task `{id}`; it is taken as in progress");
        Diagnostic::warning("T111", message).at(span.clone(), "")
    });
    let status = known.unwrap_or(TaskStatus::InProgress);
    let name = name.trim().to_owned();
    Ok((Listed { id, name, status, report: None, place: place.clone(), span }, odd))
}

/// What several tasks have in common: told once, at the first of them.
#[derive(Default)]
struct Several {
    count: usize,
    first: Option<Range<usize>>,
}

impl Several {
    fn add(&mut self, span: &Range<usize>) {
        self.count += 1;
        self.first.get_or_insert_with(|| span.clone());
    }

    fn told(self, one: &str, many: &str) -> Option<Diagnostic> {
        let message = match self.count {
            1 => one.to_owned(),
            count => format!("{count} {many}"),
        };
        self.first.map(|span| Diagnostic::note("T112", message).at(span, "the first one"))
    }
}

/// Adds to the stream what only the list knows.
pub(in crate::store::tasks) fn merge(stream: &mut Stream, list: Vec<Listed>) -> Vec<Diagnostic> {
    let mut notes = Vec::new();
    let (mut added, mut reported, mut other) = <(Several, Several, Several)>::default();
    let mut seen = std::collections::HashSet::new();
    for listed in list {
        let at = stream.threads.iter().position(|thread| thread.id == listed.id.thread);
        let at = at.unwrap_or_else(|| {
            stream.threads.push(Thread::new(listed.id.thread));
            stream.threads.len() - 1
        });
        let (created, updated) = (stream.created_at, stream.updated_at);
        let thread = &mut stream.threads[at];
        thread.name_from(&listed, &mut notes);
        let twice = !seen.insert(listed.id);
        let known = thread.tasks.iter_mut().find(|task| task.id == listed.id);
        match known {
            Some(task) if !twice => {
                compare(task, &listed, &mut notes, &mut reported, &mut other);
                continue;
            }
            Some(task) if task.name == listed.name => continue,
            _ => {}
        }
        added.add(&listed.span);
        let mut task = Task::new(listed.id, listed.name, created);
        (task.status, task.report, task.updated_at) = (listed.status, listed.report, updated);
        if twice {
            let last = thread.tasks.iter().map(|task| task.id.number).max();
            let Some(free) = last.map_or(Some(Ordinal::FIRST), Ordinal::next) else {
                notes.push(unknown("the hundredth task of its thread", listed.span));
                continue;
            };
            task.id = thread.id.task(free);
            task.extra.insert("originalId".to_owned(), listed.id.to_string().into());
            let message =
                format!("task id `{}` appears twice; the second one became `{}`", listed.id, task.id);
            notes.push(Diagnostic::warning("T111", message).at(listed.span, "the second one"));
        }
        thread.tasks.push(task);
        thread.tasks.sort_by_key(|task| task.id);
    }
    stream.threads.sort_by_key(|thread| thread.id);
    notes.extend(added.told(
        "a task is only in TASKS.md, and is taken from there",
        "tasks are only in TASKS.md, and are taken from there",
    ));
    notes.extend(reported.told(
        "a report is only in TASKS.md, and is taken from there",
        "reports are only in TASKS.md, and are taken from there",
    ));
    notes.extend(other.told(
        "a task has another status or report in tasks.json, which counts",
        "tasks have another status or report in tasks.json, which counts",
    ));
    notes
}

fn compare(
    task: &mut Task,
    listed: &Listed,
    notes: &mut Vec<Diagnostic>,
    reported: &mut Several,
    other: &mut Several,
) {
    if task.name != listed.name {
        let message = format!("task `{}` is called `{}` in tasks.json, which counts", task.id, task.name);
        notes.push(Diagnostic::warning("T113", message).at(listed.span.clone(), "its name here"));
    }
    match (&task.report, &listed.report) {
        (None, Some(report)) => {
            task.report = Some(report.clone());
            reported.add(&listed.span);
        }
        (Some(ours), Some(theirs)) if ours != theirs => other.add(&listed.span),
        _ if task.status != listed.status => other.add(&listed.span),
        _ => {}
    }
}

impl Thread {
    /// Takes the names that nobody gave yet.
    fn name_from(&mut self, listed: &Listed, notes: &mut Vec<Diagnostic>) {
        let Place { stage, batch, thread, agent } = &listed.place;
        for (ours, theirs) in
            [(&mut self.stage_name, stage), (&mut self.batch_name, batch), (&mut self.name, thread)]
        {
            if ours.is_empty() {
                ours.clone_from(theirs);
            }
        }
        if self.agent.is_none() {
            self.agent.clone_from(agent);
        }
        // Once a thread: at its first task.
        let first = listed.id.number == Ordinal::FIRST;
        if first && !thread.is_empty() && self.name != *thread {
            let message =
                format!("thread `{}` is called `{}` in tasks.json, which counts", self.id, self.name);
            let note = Diagnostic::warning("T113", message);
            notes.push(note.at(listed.span.clone(), format!("it stands below `{thread}` here")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\u{feff}# Tasks: x\r\n\r\n## Stage 01: A & b\r\n### Batch 02: B\r\n#### Thread 03: C - d @agent:me\r\n\
        - [X] Task 1.2.3.4: one: two\r\n  > Report: a\r\n  > b\r\n* [?] 01.02.03.05: three\n- [-] Task 99: four\n\
        > Report: nobody's\n- [ ] Task 01.02.03.05: three\n- [~] Task 01.02.03.05: again\n";

    #[test]
    fn a_list_is_read_line_by_line() {
        let (tasks, notes) = parse(LIST);
        let names: Vec<_> = tasks.iter().map(|task| (task.id.to_string(), task.name.as_str())).collect();
        let expected = [("01.02.03.04", "one: two"), ("01.02.03.05", "three"), ("01.02.03.05", "three")];
        assert_eq!(names[..3], expected.map(|(id, name)| (id.to_owned(), name)));
        assert_eq!((tasks[0].status, tasks[0].report.as_deref()), (TaskStatus::Completed, Some("a\nb")));
        assert_eq!(tasks[1].status, TaskStatus::InProgress, "an unknown mark");
        let told: Vec<_> = notes
            .iter()
            .map(|note| (note.code, &LIST[note.primary.clone().expect("a place").span]))
            .collect();
        assert_eq!(told[..2], [("T111", "* [?] 01.02.03.05: three"), ("T111", "- [-] Task 99: four")]);
        assert_eq!((told[2].1, &tasks[1].report), ("> Report: nobody's", &None));
    }

    #[test]
    fn what_only_the_list_says_is_taken_and_twice_is_once() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let mut stream = Stream::new("001-x".parse().expect("an id"), "x".to_owned(), at);
        let notes = merge(&mut stream, parse(LIST).0);
        let thread = &stream.threads[0];
        let places = [&thread.stage_name, &thread.batch_name, &thread.name].map(String::as_str);
        assert_eq!(places, ["A & b", "B", "C - d"]);
        assert_eq!(thread.agent, Some(AgentName("me".to_owned())));
        let names: Vec<_> =
            thread.tasks.iter().map(|task| (task.id.to_string(), task.name.as_str())).collect();
        let expected = [("01.02.03.04", "one: two"), ("01.02.03.05", "three"), ("01.02.03.06", "again")];
        assert_eq!(names, expected.map(|(id, name)| (id.to_owned(), name)));
        assert_eq!(thread.tasks[2].extra["originalId"], "01.02.03.05");
        assert!(notes.iter().any(|note| note.code == "T111" && note.message.contains("appears twice")));
        let again = stream.clone();
        merge(&mut stream, parse(LIST).0.into_iter().take(3).collect());
        assert_eq!(stream, again);
    }
}
