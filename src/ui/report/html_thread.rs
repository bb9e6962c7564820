//! The sections of the HTML report: stages, batches, threads, their tasks and sessions.

use super::html_text::{line, lines, sentence};
use super::words::{
    cost, count, moment, outside, session_cost, session_tokens, session_took, task_status, tasks,
    thread_note, time, tokens_note,
};
use crate::engine::report::{ChangedFile, SessionReport, StageReport, TaskReport, ThreadReport};
use crate::engine::status::SessionStatus;
use crate::model::{TaskStatus, ThreadStatus};

/// The status of a thread; the style adds a mark and a colour to the word.
pub(super) fn chip(status: ThreadStatus) -> String {
    format!("<span class=\"chip is-{0}\">{0}</span>", status.name())
}

/// A table in a box that scrolls sideways by itself; of a column whose head begins
/// with `#` the cells are numbers, with `=` they keep to one line.
pub(super) fn table(label: &str, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let class = |index: usize| match head.get(index) {
        Some(cell) if cell.starts_with('#') => " class=\"n\"",
        Some(cell) if cell.starts_with('=') => " class=\"k\"",
        _ => "",
    };
    let names: String = head
        .iter()
        .enumerate()
        .map(|(index, cell)| {
            format!("<th scope=\"col\"{}>{}</th>", class(index), cell.trim_start_matches(['#', '=']))
        })
        .collect();
    let mut body = String::new();
    for row in rows {
        body.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            match index {
                0 => body.push_str(&format!("<th scope=\"row\"{}>{cell}</th>", class(index))),
                _ => body.push_str(&format!("<td{}>{cell}</td>", class(index))),
            }
        }
        body.push_str("</tr>\n");
    }
    format!(
        "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\"><table>\n\
         <thead><tr>{names}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )
}

/// A stage with all that is below it.
pub(super) fn stage(stage: &StageReport) -> String {
    let mut text = format!(
        "<section aria-labelledby=\"s-{id}\">\n<h2 id=\"s-{id}\"><span class=\"id\">{id}</span> {}</h2>\n",
        line(&stage.name),
        id = stage.id
    );
    for batch in &stage.batches {
        text.push_str(&format!(
            "<h3><span class=\"id\">{}</span> {} <span class=\"aside\">{}</span></h3>\n",
            batch.id,
            line(&batch.name),
            tasks(&batch.tasks)
        ));
        text.extend(batch.threads.iter().map(thread));
    }
    text.push_str("</section>\n");
    text
}

fn thread(thread: &ThreadReport) -> String {
    let mut facts = vec![tasks(&thread.progress)];
    facts.extend(thread.agent.as_ref().map(|agent| format!("agent {}", line(&agent.0))));
    if thread.spent.used.sessions > 0 {
        facts.push(count(thread.spent.used.sessions, "session"));
        facts.push(time(&thread.spent));
        facts.push(tokens_note(&thread.spent));
        facts.push(format!("cost {}", cost(&thread.spent)));
    }
    let note = thread_note(thread);
    facts.extend((!note.is_empty()).then_some(note));
    let mut text = format!(
        "<article id=\"t-{id}\" aria-labelledby=\"n-{id}\">\n<h4 id=\"n-{id}\"><span class=\"id\">{id}</span> {} {}</h4>\n\
         <p class=\"facts\">{}</p>\n",
        line(&thread.name),
        chip(thread.status),
        facts.join(" · "),
        id = thread.id
    );
    if let Some(left) = &thread.left {
        text.push_str(&format!("<p class=\"left\">{} <br>→ {}</p>\n", line(&left.why), sentence(&left.next)));
    }
    if let Some(report) = &thread.report {
        text.push_str(&format!("<blockquote>{}</blockquote>\n", lines(report)));
    }
    if !thread.tasks.is_empty() {
        text.push_str("<ul class=\"tasks\">\n");
        text.extend(thread.tasks.iter().map(task));
        text.push_str("</ul>\n");
    }
    if let Some(files) = &thread.files {
        text.push_str(&changed(thread, files));
    }
    for words in outside(thread) {
        text.push_str(&format!("<p class=\"left\">{}</p>\n", sentence(&words)));
    }
    if !thread.sessions.is_empty() {
        text.push_str(&sessions(thread));
    }
    text.push_str("</article>\n");
    text
}

fn task(task: &TaskReport) -> String {
    let (mark, word) = match task.status {
        TaskStatus::Completed => ("✓", "done"),
        TaskStatus::Pending => ("○", "pending"),
        TaskStatus::InProgress => ("◐", "in progress"),
        TaskStatus::Blocked => ("!", "blocked"),
        TaskStatus::Cancelled => ("–", "cancelled"),
    };
    let status = match task.status {
        TaskStatus::Completed => "<span class=\"hidden\"> (done)</span>".to_owned(),
        status => format!(" <span class=\"aside\">{}</span>", task_status(status)),
    };
    let report = task.report.as_deref().map(|text| format!("<blockquote>{}</blockquote>", lines(text)));
    let left =
        task.breadcrumb.as_deref().map(|text| format!("<p class=\"aside\">left at: {}</p>", line(text)));
    format!(
        "<li class=\"is-{}\"><span class=\"tick\" aria-hidden=\"true\" title=\"{word}\">{mark}</span><div>{}{status}{}{}</div></li>\n",
        task.status.name(),
        line(&task.name),
        report.unwrap_or_default(),
        left.unwrap_or_default()
    )
}

fn changed(thread: &ThreadReport, files: &[ChangedFile]) -> String {
    if files.is_empty() {
        return "<p class=\"facts\">It changed no file.</p>\n".to_owned();
    }
    let row =
        |file: &ChangedFile| vec![line(&file.path), format!("+{}", file.added), format!("−{}", file.removed)];
    let label = format!("Files that thread {} changed", thread.id);
    table(&label, &["File", "#Added", "#Removed"], files.iter().map(row))
}

fn sessions(thread: &ThreadReport) -> String {
    let row = |session: &SessionReport| {
        let [tokens_in, tokens_out] = session_tokens(session);
        let why = session.why.as_deref().map(|why| format!("<br><span class=\"aside\">{}</span>", line(why)));
        vec![
            match session.resumed_from {
                Some(from) => format!("{} <span class=\"aside\">← {from}</span>", session.attempt),
                None => session.attempt.to_string(),
            },
            format!("{}{}", session_chip(session.status), why.unwrap_or_default()),
            line(&session.agent.0),
            format!("<span class=\"model\">{}</span>", line(&session.model)),
            moment(session.started_at),
            session_took(session),
            tokens_in,
            tokens_out,
            session_cost(session),
        ]
    };
    let label = format!("Sessions of thread {}", thread.id);
    let head = [
        "Attempt",
        "Status",
        "=Agent",
        "Model",
        "=Started (UTC)",
        "#Took",
        "#Tokens in",
        "#Tokens out",
        "#Cost",
    ];
    table(&label, &head, thread.sessions.iter().map(row))
}

fn session_chip(status: SessionStatus) -> String {
    chip(match status {
        SessionStatus::Running => ThreadStatus::Running,
        SessionStatus::Completed => ThreadStatus::Completed,
        SessionStatus::Failed => ThreadStatus::Failed,
        SessionStatus::Interrupted => ThreadStatus::Interrupted,
    })
}
