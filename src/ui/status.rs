//! The status of a stream, and the records of its sessions.

use comfy_table::Cell;

use super::tables::{draw, table};
use super::{Screen, Style, paint, time};
use crate::engine::status::{SessionRow, SessionStatus, StatusReport, ThreadRow};
use crate::model::ThreadStatus;

/// Which part of a stream to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusView {
    /// Stages, batches and threads.
    Threads,
    /// Every record of every attempt.
    Sessions,
}

/// The head line, the progress by stage, and the threads or the sessions.
#[must_use]
pub fn status_table(screen: &Screen, report: &StatusReport, view: StatusView) -> String {
    let mut text = head(screen, report);
    text.push('\n');
    match view {
        StatusView::Threads => {
            text.push_str(&stages(screen, report));
            text.push('\n');
            text.push_str(&threads(screen, report));
        }
        StatusView::Sessions => text.push_str(&sessions_table(screen, &report.threads)),
    }
    text
}

fn head(screen: &Screen, report: &StatusReport) -> String {
    let current = report.stages.iter().position(|stage| !stage.tasks.is_complete());
    let stage = match (current, report.stages.len()) {
        (_, 0) => "no threads yet".to_owned(),
        (Some(index), count) => format!("stage {} of {count}", index + 1),
        (None, 1) => "its stage is done".to_owned(),
        (None, count) => format!("all {count} stages are done"),
    };
    let mut parts = vec![paint(report.stream.as_str(), Style::Strong, screen.color), stage];
    if report.tasks.total > 0 {
        parts.push(format!("{}/{} tasks", report.tasks.completed, report.tasks.total));
    }
    let shown = ["running", "waiting", "failed", "interrupted", "incomplete", "blocked"];
    let counts: Vec<String> = shown
        .iter()
        .filter_map(|word| report.counts.get(word).map(|count| format!("{count} {word}")))
        .collect();
    if !counts.is_empty() {
        parts.push(counts.join(", "));
    }
    if !report.approved {
        parts.push(paint("plan not approved", Style::Attention, screen.color));
    }
    if report.state != "open" {
        parts.push(report.state.replace('_', " "));
    }
    if report.cost > 0.0 {
        parts.push(cost(report.cost));
    }
    format!("{}\n", parts.join("  ·  "))
}

/// Small sums need more digits to say anything.
fn cost(dollars: f64) -> String {
    if dollars < 0.1 { format!("${dollars:.4}") } else { format!("${dollars:.2}") }
}

/// A bar of ten, and never full before all is done.
fn bar(completed: usize, total: usize) -> String {
    let filled = (completed * 10).checked_div(total).unwrap_or(0);
    format!("{}{}", "█".repeat(filled), "░".repeat(10 - filled))
}

fn stages(screen: &Screen, report: &StatusReport) -> String {
    let mut table = table(screen, &["Stage", "Name", "Progress", "Tasks"]);
    for stage in &report.stages {
        let name = if stage.approved { format!("{} (approved)", stage.name) } else { stage.name.clone() };
        table.add_row([
            Cell::new(stage.id),
            Cell::new(name),
            Cell::new(bar(stage.tasks.completed, stage.tasks.total)),
            Cell::new(format!("{}/{}", stage.tasks.completed, stage.tasks.total)),
        ]);
        for batch in &stage.batches {
            table.add_row([
                Style::Faint.cell(Cell::new(batch.id)),
                Cell::new(&batch.name),
                Cell::new(bar(batch.tasks.completed, batch.tasks.total)),
                Cell::new(format!("{}/{}", batch.tasks.completed, batch.tasks.total)),
            ]);
        }
    }
    draw(&mut table)
}

fn threads(screen: &Screen, report: &StatusReport) -> String {
    let header = ["Thread", "Name", "Status", "Tasks", "Sessions", "Last agent", "Last session", "Resume"];
    let mut table = table(screen, &header);
    for thread in &report.threads {
        let last = thread.sessions.last();
        let resume = match (thread.status, last) {
            (ThreadStatus::Completed | ThreadStatus::Cancelled | ThreadStatus::Running, _) | (_, None) => "",
            _ if thread.resumable => "yes",
            _ => "no",
        };
        table.add_row([
            Cell::new(thread.id),
            Cell::new(name_of(thread)),
            Style::of(thread.status).cell(Cell::new(thread.status.name())),
            Cell::new(format!("{}/{}", thread.tasks.completed, thread.tasks.total)),
            Cell::new(thread.sessions.len()),
            Cell::new(
                last.map(|row| row.agent.0.as_str())
                    .or(thread.agent.as_ref().map(|a| a.0.as_str()))
                    .unwrap_or(""),
            ),
            Cell::new(last.map(|row| last_session(screen, row)).unwrap_or_default()),
            Cell::new(resume),
        ]);
    }
    draw(&mut table)
}

fn name_of(thread: &ThreadRow) -> String {
    if thread.in_plan { thread.name.clone() } else { format!("{} (no longer in the plan)", thread.name) }
}

/// `failed 3m ago (rate-limit)`, `running for 2m`.
fn last_session(screen: &Screen, row: &SessionRow) -> String {
    if row.status == SessionStatus::Running {
        return format!("running for {}", time::span(screen.now - row.started_at));
    }
    let at = row.ended_at.unwrap_or(row.started_at);
    let why = row.error.as_ref().map(|failure| format!(" ({})", failure.kind.name())).unwrap_or_default();
    format!("{} {}{why}", row.status.name(), time::ago(at, screen.now))
}

/// Every record of every attempt, in order.
#[must_use]
pub fn sessions_table(screen: &Screen, threads: &[ThreadRow]) -> String {
    let header =
        ["Thread", "Try", "Status", "Agent", "Model", "Session", "Started", "Took", "Exit", "Tokens", "Cost"];
    let mut table = table(screen, &header);
    let mut why = Vec::new();
    for thread in threads {
        for row in &thread.sessions {
            let style = match row.status {
                SessionStatus::Running => Style::Active,
                SessionStatus::Completed => Style::Good,
                SessionStatus::Failed => Style::Bad,
                SessionStatus::Interrupted => Style::Attention,
            };
            let session = match (&row.session_id, row.resumable || row.status == SessionStatus::Running) {
                (Some(id), true) => id.clone(),
                (Some(id), false) => format!("{id} (invented)"),
                (None, _) => "none was opened".to_owned(),
            };
            let took = row.ended_at.map(|at| time::span(at - row.started_at)).unwrap_or_default();
            table.add_row([
                Cell::new(thread.id),
                Cell::new(row.attempt),
                style.cell(Cell::new(row.status.name())),
                Cell::new(&row.agent),
                Cell::new(&row.model),
                Cell::new(session),
                Cell::new(time::local(row.started_at)),
                Cell::new(took),
                Cell::new(row.exit_code.map(|code| code.to_string()).unwrap_or_default()),
                Cell::new(
                    row.usage
                        .map(|usage| {
                            format!("{}+{}", usage.input + usage.cache_read, usage.output + usage.reasoning)
                        })
                        .unwrap_or_default(),
                ),
                Cell::new(row.usage.map(|usage| cost(usage.cost)).unwrap_or_default()),
            ]);
            why.extend(reason(thread, row));
        }
    }
    if threads.iter().all(|thread| thread.sessions.is_empty()) {
        return "no session yet\n".to_owned();
    }
    let mut text = draw(&mut table);
    if !why.is_empty() {
        text.push('\n');
        text.push_str(&why.concat());
    }
    text
}

/// Why an attempt did not end well, as a line below the table, where there is room.
fn reason(thread: &ThreadRow, row: &SessionRow) -> Option<String> {
    let words = match (&row.error, &row.interrupted_by) {
        (Some(failure), _) => format!("{}: {}", failure.kind.name(), failure.message),
        (None, Some(by)) => format!("interrupted: {by}"),
        (None, None) => return None,
    };
    Some(format!("{} try {}: {words}\n", thread.id, row.attempt))
}
