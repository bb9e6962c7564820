//! The report as Markdown: tables for the sums, a section for each stage, batch and thread.

use super::MARKDOWN_MARK;
use super::markdown_text::{inline, quote, sentence};
use super::words::{
    cost, cost_sentence, count, counts, drift, moment, outside, session_cost, session_tokens, session_took,
    stuck, task_status, tasks, thread_note, time, time_sentence, tokens, tokens_note, tokens_sentence, utc,
};
use crate::engine::report::{
    AgentReport, ChangedFile, Report, SessionReport, StageReport, TaskReport, ThreadReport,
};
use crate::model::{TaskStatus, ThreadStatus};

/// The report, to be kept beside the plan.
#[must_use]
pub fn report_markdown(report: &Report) -> String {
    let mut text = format!("{MARKDOWN_MARK}\n\n# Report: {}\n\n", inline(&report.name));
    text.push_str(&head(report));
    text.push_str(&left(report));
    if report.stages.is_empty() {
        text.push_str("\nThere are no threads yet: a plan that is approved gives them.\n");
        return text;
    }
    text.push_str(&stages(report));
    text.push_str(&agents(report));
    for stage in &report.stages {
        text.push_str(&stage_section(stage));
    }
    text
}

fn head(report: &Report) -> String {
    let mut lines = vec![
        ("Stream", report.stream.to_string()),
        ("Created", utc(report.created_at)),
        ("Report made", utc(report.made_at)),
    ];
    if report.state != "open" {
        lines.push(("State", report.state.replace('_', " ")));
    }
    lines.push((
        "Plan",
        match &report.approved {
            Some(sign) => format!("approved {} by {}", utc(sign.at), inline(&sign.by)),
            None => "not approved".to_owned(),
        },
    ));
    lines.push(("Progress", tasks(&report.tasks)));
    if !report.counts.is_empty() {
        lines.push(("Threads", counts(&report.counts)));
    }
    lines.push(("Sessions", report.spent.used.sessions.to_string()));
    if let Some(span) = report.span {
        let to = span.to.map_or_else(|| "now, since one runs".to_owned(), utc);
        lines.push(("Time", format!("{} to {to}", utc(span.from))));
        lines.push(("Agents worked", time_sentence(&report.spent)));
        lines.push(("Tokens", tokens_sentence(&report.spent)));
    }
    lines.push(("Cost", cost_sentence(&report.spent)));
    lines.into_iter().map(|(label, value)| format!("- **{label}:** {value}\n")).collect()
}

/// What is open: questions, threads that stopped, and the commands to go on with.
fn left(report: &Report) -> String {
    let mut text = String::new();
    let drift = drift(report);
    if !drift.is_empty() {
        text.push_str(&format!("- {drift}\n"));
    }
    if let Some(why) = &report.plan_unreadable {
        text.push_str(&format!("- PLAN.md can't be read: {}\n", inline(why)));
    }
    for question in &report.questions {
        text.push_str(&format!("- Open question of stage {}: {}\n", question.stage, inline(&question.text)));
    }
    let (stuck, more) = stuck(report);
    for (thread, left) in stuck {
        text.push_str(&format!(
            "- Thread {} {} is **{}**: {}\n  - {}\n",
            thread.id,
            inline(&thread.name),
            thread.status.name(),
            inline(&left.why),
            sentence(&left.next)
        ));
    }
    if more > 0 {
        text.push_str(&format!("- {more} more threads are not done; each says so below.\n"));
    }
    let pending = report.threads().filter(|thread| thread.status == ThreadStatus::Pending && thread.in_plan);
    match pending.count() {
        0 => {}
        1 => text.push_str("- 1 thread did not begin.\n"),
        number => text.push_str(&format!("- {number} threads did not begin.\n")),
    }
    if text.is_empty() && report.next.is_empty() {
        return text;
    }
    let mut section = "\n## What is left\n\n".to_owned();
    if text.is_empty() {
        section.push_str("Nothing: every thread is done.\n");
    }
    section.push_str(&text);
    if !report.next.is_empty() {
        section.push_str("\nWhat to do next:\n\n");
        for (index, step) in report.next.iter().enumerate() {
            section.push_str(&format!("{}. {}\n", index + 1, sentence(step)));
        }
    }
    section
}

/// A table; `right` has a `true` for each column of numbers.
fn table(head: &[&str], right: &[bool], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rule: Vec<String> =
        right.iter().map(|&right| if right { "---:" } else { "---" }.to_owned()).collect();
    let rows: String = rows.into_iter().map(|row| line(&row)).collect();
    format!("{}{}{rows}", line(&head), line(&rule))
}

fn stages(report: &Report) -> String {
    let row = |stage: &StageReport| {
        let result = match &stage.approved {
            Some(sign) if stage.newer.is_empty() => {
                format!("approved by {}, {}", inline(&sign.by), utc(sign.at))
            }
            Some(sign) => {
                format!("in part: by {}, {}, before {}", inline(&sign.by), utc(sign.at), ids(stage))
            }
            None => String::new(),
        };
        vec![
            stage.id.to_string(),
            inline(&stage.name),
            tasks(&stage.tasks),
            stage.spent.used.sessions.to_string(),
            time(&stage.spent),
            cost(&stage.spent),
            result,
        ]
    };
    let table = table(
        &["Stage", "Name", "Progress", "Sessions", "Agents worked", "Cost", "Result"],
        &[false, false, false, true, true, true, false],
        report.stages.iter().map(row),
    );
    format!("\n## Stages\n\n{table}")
}

fn ids(stage: &StageReport) -> String {
    stage.newer.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ") + " came into it"
}

fn agents(report: &Report) -> String {
    if report.agents.is_empty() {
        return "\n## Agents and models\n\nNo agent has worked on it yet.\n".to_owned();
    }
    let row = |line: &AgentReport| {
        let [tokens_in, tokens_out] = tokens(&line.spent);
        vec![
            inline(&line.agent.0),
            inline(&line.model),
            line.threads.to_string(),
            counts(&line.counts),
            time(&line.spent),
            tokens_in,
            tokens_out,
            cost(&line.spent),
        ]
    };
    let table = table(
        &["Agent", "Model", "Threads", "Sessions", "Worked", "Tokens in", "Tokens out", "Cost"],
        &[false, false, true, false, true, true, true, true],
        report.agents.iter().map(row),
    );
    format!("\n## Agents and models\n\n{table}")
}

fn stage_section(stage: &StageReport) -> String {
    let mut text = format!("\n## Stage {}: {}\n", stage.id, inline(&stage.name));
    for batch in &stage.batches {
        text.push_str(&format!("\n### Batch {}: {}\n", batch.id, inline(&batch.name)));
        for thread in &batch.threads {
            text.push_str(&thread_section(thread));
        }
    }
    text
}

fn thread_section(thread: &ThreadReport) -> String {
    let mut facts = vec![format!("**{}**", thread.status.name()), tasks(&thread.progress)];
    if let Some(agent) = &thread.agent {
        facts.push(format!("agent {}", inline(&agent.0)));
    }
    if thread.spent.used.sessions > 0 {
        facts.push(format!("{}, {}", count(thread.spent.used.sessions, "session"), time(&thread.spent)));
        facts.push(tokens_note(&thread.spent));
        facts.push(format!("cost: {}", cost(&thread.spent)));
    }
    let note = thread_note(thread);
    facts.extend((!note.is_empty()).then_some(note));
    let mut text =
        format!("\n#### Thread {}: {}\n\n{}\n", thread.id, inline(&thread.name), facts.join(" · "));
    if let Some(left) = &thread.left {
        text.push_str(&format!("\nNot done: {}. What helps: {}.\n", inline(&left.why), sentence(&left.next)));
    }
    if let Some(report) = &thread.report {
        text.push_str(&format!("\n{}", quote(report, "")));
    }
    if !thread.tasks.is_empty() {
        text.push('\n');
        text.extend(thread.tasks.iter().map(task));
    }
    if let Some(files) = &thread.files {
        text.push_str(&changed(files));
    }
    for words in outside(thread) {
        text.push_str(&format!("\n{}\n", sentence(&words)));
    }
    if !thread.sessions.is_empty() {
        text.push_str(&sessions(&thread.sessions));
    }
    text
}

fn task(task: &TaskReport) -> String {
    let done = if task.status == TaskStatus::Completed { 'x' } else { ' ' };
    let status = match task.status {
        TaskStatus::Completed => String::new(),
        status => format!(" ({})", task_status(status)),
    };
    let report = task.report.as_deref().map(|report| quote(report, "  ")).unwrap_or_default();
    let left = task.breadcrumb.as_deref().map(|left| format!("  - left at: {}\n", inline(left)));
    format!("- [{done}] {} {}{status}\n{report}{}", task.id, inline(&task.name), left.unwrap_or_default())
}

fn changed(files: &[ChangedFile]) -> String {
    if files.is_empty() {
        return "\nIt changed no file.\n".to_owned();
    }
    let row = |file: &ChangedFile| {
        vec![inline(&file.path), format!("+{}", file.added), format!("−{}", file.removed)]
    };
    format!("\n{}", table(&["File", "Added", "Removed"], &[false, true, true], files.iter().map(row)))
}

fn sessions(sessions: &[SessionReport]) -> String {
    let row = |session: &SessionReport| {
        let [tokens_in, tokens_out] = session_tokens(session);
        vec![
            match session.resumed_from {
                Some(from) => format!("{} ← {from}", session.attempt),
                None => session.attempt.to_string(),
            },
            inline(&session.agent.0),
            inline(&session.model),
            moment(session.started_at),
            session_took(session),
            session.status.name().to_owned(),
            tokens_in,
            tokens_out,
            session_cost(session),
            session.why.as_deref().map(inline).unwrap_or_default(),
        ]
    };
    let table = table(
        &[
            "Attempt",
            "Agent",
            "Model",
            "Started (UTC)",
            "Took",
            "Status",
            "Tokens in",
            "Tokens out",
            "Cost",
            "Why",
        ],
        &[false, false, false, false, true, false, true, true, true, false],
        sessions.iter().map(row),
    );
    format!("\n{table}")
}
