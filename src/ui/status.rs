//! The status of a stream, and the records of its sessions.

use super::asks::asks_below;
use super::grid::{Column, Grid, Text};
use super::text::columns;
use super::{Screen, Style, one_line, paint, spent, time};
use crate::engine::status::{SessionRow, SessionStatus, StatusReport, ThreadRow};
use crate::model::{JobStatus, ThreadStatus, Tokens};

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
    if report.threads.is_empty() {
        return text;
    }
    text.push('\n');
    match view {
        StatusView::Threads => {
            text.push_str(&stages(screen, report));
            text.push('\n');
            text.push_str(&threads(screen, report));
            text.push_str(&asks_below(screen, &report.threads));
            text.push_str(&checks_below(&report.threads));
            text.push_str(&spent::budget_below(screen, report));
        }
        StatusView::Sessions => {
            text.push_str(&sessions_table(screen, &report.threads));
            text.push_str(&spent::agents_below(screen, &report.agents));
        }
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
    let mut parts = vec![(report.stream.to_string(), Some(Style::Strong)), (stage, None)];
    if report.tasks.total > 0 {
        parts.push((format!("{}/{} tasks", report.tasks.completed, report.tasks.total), None));
    }
    let shown = ["running", "waiting", "failed", "interrupted", "incomplete", "blocked"];
    let counts: Vec<String> = shown
        .iter()
        .filter_map(|word| report.counts.get(word).map(|count| format!("{count} {word}")))
        .collect();
    if !counts.is_empty() {
        parts.push((counts.join(", "), None));
    }
    if !report.approved {
        parts.push(("plan not approved".to_owned(), Some(Style::Attention)));
    }
    if report.state != "open" {
        parts.push((report.state.replace('_', " "), None));
    }
    let spent = spent::of_stream(report);
    if !spent.is_empty() {
        parts.push((spent, None));
    }
    joined(screen, &parts)
}

/// The parts of a head line, on as many lines as they need.
fn joined(screen: &Screen, parts: &[(String, Option<Style>)]) -> String {
    const BETWEEN: &str = "  ·  ";
    let room = screen.room.map_or(usize::MAX, usize::from);
    let mut text = String::new();
    let mut used = 0;
    for (index, (part, style)) in parts.iter().enumerate() {
        if index > 0 && used + columns(BETWEEN) + columns(part) > room {
            text.push_str("\n  ");
            used = 2;
        } else if index > 0 {
            text.push_str(BETWEEN);
            used += columns(BETWEEN);
        }
        used += columns(part);
        text.push_str(&style.map_or_else(|| part.clone(), |style| paint(part, style, screen.color)));
    }
    text.push('\n');
    text
}

/// A bar of ten, and never full before all is done.
fn bar(completed: usize, total: usize) -> String {
    let filled = (completed * 10).checked_div(total).unwrap_or(0);
    format!("{}{}", "█".repeat(filled), "░".repeat(10 - filled))
}

fn stages(screen: &Screen, report: &StatusReport) -> String {
    let approved = if report.stages.iter().any(|stage| stage.approved) { "Result" } else { "" };
    let mut grid = Grid::new([
        Column::whole("Stage"),
        Column::cut("Name", 10),
        Column::whole("Progress"),
        Column::whole("Tasks"),
        Column::whole(approved),
    ]);
    for stage in &report.stages {
        grid.row([
            stage.id.to_string().into(),
            stage.name.as_str().into(),
            bar(stage.tasks.completed, stage.tasks.total).into(),
            format!("{}/{}", stage.tasks.completed, stage.tasks.total).into(),
            match (stage.approved, stage.newer.is_empty()) {
                (true, true) => Text::styled("approved", Style::Good),
                (true, false) => Text::styled("in part", Style::Attention),
                (false, _) => "".into(),
            },
        ]);
        if !stage.newer.is_empty() {
            let ids: Vec<String> = stage.newer.iter().map(ToString::to_string).collect();
            grid.below(&format!("its result was approved before {} came into it", ids.join(", ")));
        }
        for batch in &stage.batches {
            grid.row([
                Text::styled(&batch.id.to_string(), Style::Faint),
                batch.name.as_str().into(),
                bar(batch.tasks.completed, batch.tasks.total).into(),
                format!("{}/{}", batch.tasks.completed, batch.tasks.total).into(),
                "".into(),
            ]);
        }
    }
    grid.draw(screen)
}

/// One line a thread where there is room, else two.
fn threads(screen: &Screen, report: &StatusReport) -> String {
    let wide = wide_threads(screen, report);
    if wide.fits(screen) { wide.draw(screen) } else { narrow_threads(screen, report).draw(screen) }
}

/// What stands first of a thread, whatever the room.
fn thread_cells(thread: &ThreadRow) -> [Text; 4] {
    [
        thread.id.to_string().into(),
        name_of(thread).into(),
        Text::styled(&status_words(thread), Style::of(thread.status)),
        format!("{}/{}", thread.tasks.completed, thread.tasks.total).into(),
    ]
}

/// The agent that had a thread last, or is to have it; and its last session.
fn last_of<'a>(screen: &Screen, thread: &'a ThreadRow) -> (&'a str, String) {
    let last = thread.sessions.last();
    let agent = last.map(|row| &row.agent).or(thread.agent.as_ref()).map_or("", |agent| agent.0.as_str());
    let mut session = last.map(|row| last_session(screen, row)).unwrap_or_default();
    if let Some(window) = &thread.window {
        session.push_str(&format!(", window {}", window.number));
    }
    (agent, session)
}

/// Whether a column tells what each thread has spent: where nothing was told, there is none.
fn tells_spent(report: &StatusReport) -> bool {
    report.threads.iter().any(|thread| !spent::short(&thread.spent).is_empty())
}

fn wide_threads(screen: &Screen, report: &StatusReport) -> Grid {
    let tells_spent = tells_spent(report);
    let whole = Column::whole;
    let mut columns =
        vec![whole("Thread"), Column::cut("Name", 20), whole("Status"), whole("Tasks"), whole("Sessions")];
    columns.extend(tells_spent.then(|| whole("Spent")));
    columns.extend([Column::cut("Last agent", 12), whole("Last session"), whole("Resume")]);
    let mut grid = Grid::new(columns);
    for thread in &report.threads {
        let (agent, session) = last_of(screen, thread);
        let mut cells: Vec<Text> = thread_cells(thread).into();
        cells.push(thread.sessions.len().to_string().into());
        cells.extend(tells_spent.then(|| spent::short(&thread.spent).into()));
        cells.extend([agent.into(), session.into(), resumes(thread).into()]);
        grid.row(cells);
        outside(thread).iter().for_each(|line| grid.below(line));
    }
    grid
}

fn narrow_threads(screen: &Screen, report: &StatusReport) -> Grid {
    let tells_spent = tells_spent(report);
    let whole = Column::whole;
    let mut columns = vec![whole("Thread"), Column::cut("Name", 10), whole("Status"), whole("Tasks")];
    columns.extend(tells_spent.then(|| whole("Spent")));
    let mut grid = Grid::new(columns);
    for thread in &report.threads {
        let mut cells: Vec<Text> = thread_cells(thread).into();
        cells.extend(tells_spent.then(|| spent::short(&thread.spent).into()));
        grid.row(cells);
        grid.below(&had(screen, thread));
        outside(thread).iter().for_each(|line| grid.below(line));
    }
    grid
}

/// What the last turn of a thread changed and was not to touch.
fn outside(thread: &ThreadRow) -> Option<String> {
    let outside = thread.sessions.last()?.outside_paths.as_ref()?;
    Some(format!("→ it changed {}", outside.words(3)))
}

/// What a thread has had, in a line: `2 sessions · default · failed 3m ago (auth) · can be resumed`.
pub(super) fn had(screen: &Screen, thread: &ThreadRow) -> String {
    let (agent, session) = last_of(screen, thread);
    let count = match thread.sessions.len() {
        0 => "no session",
        1 => "1 session",
        count => &format!("{count} sessions"),
    };
    let resume = match resumes(thread) {
        "yes" => "can be resumed",
        "no" => "can't be resumed",
        _ => "",
    };
    let parts = [count, agent, &session, resume];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

/// The checks that keep threads from being done, as lines below the table.
fn checks_below(threads: &[ThreadRow]) -> String {
    let line = |thread: &ThreadRow| {
        let check = thread.check.as_ref().filter(|_| thread.running().is_none())?;
        Some(format!("\n{} is not done: {}\n", thread.id, one_line(&check.words())))
    };
    threads.iter().filter_map(line).collect()
}

/// The status, and whether a job has the thread: `pending, queued`, `running, headless`.
fn status_words(thread: &ThreadRow) -> String {
    let status = thread.status.name();
    match thread.job {
        Some(job) if job.held => format!("{status}, held"),
        Some(job) if job.status == JobStatus::Pending => format!("{status}, queued"),
        // Its session is not open yet.
        Some(_) if !matches!(thread.status, ThreadStatus::Running | ThreadStatus::Waiting) => {
            format!("{status}, starting")
        }
        Some(_) => format!("{status}, headless"),
        None => status.to_owned(),
    }
}

/// Whether the last session of a thread can be continued; nothing where the question does not arise.
pub(super) fn resumes(thread: &ThreadRow) -> &'static str {
    match (thread.status, thread.sessions.last()) {
        (_, None) => "",
        (status, _) if status.is_settled() => "",
        (ThreadStatus::Running | ThreadStatus::Waiting, _) => "",
        _ if thread.resumable => "yes",
        _ => "no",
    }
}

fn name_of(thread: &ThreadRow) -> String {
    if thread.in_plan { thread.name.clone() } else { format!("{} (no longer in the plan)", thread.name) }
}

/// `failed 3m ago (rate-limit)`, `running for 2m`.
pub(super) fn last_session(screen: &Screen, row: &SessionRow) -> String {
    if let Some(first) = row.asks.first() {
        return format!("waiting for {}", time::span(screen.now - first.since));
    }
    if row.status == SessionStatus::Running {
        return format!("running for {}", time::span(screen.now - row.started_at));
    }
    if let Some(since) = row.checked_since() {
        return format!("checked for {}", time::span(screen.now - since));
    }
    let at = row.ended_at.unwrap_or(row.started_at);
    let why = row.error.as_ref().map(|failure| format!(" ({})", failure.kind.name())).unwrap_or_default();
    format!("{} {}{why}", row.status.name(), time::ago(at, screen.now))
}

/// How much of a record stands on one line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// Everything.
    One,
    /// All but the session's id, which begins the second line, so that it is always whole.
    Two,
    /// Only what fits on sixty columns.
    Narrow,
}

/// Every record of every attempt, in order: one line each where there is room, else two.
#[must_use]
pub fn sessions_table(screen: &Screen, threads: &[ThreadRow]) -> String {
    let rows = || threads.iter().flat_map(|thread| thread.sessions.iter().map(move |row| (thread, row)));
    if rows().next().is_none() {
        return "no session yet\n".to_owned();
    }
    let grid = |lines| {
        let mut grid = sessions_grid(lines);
        rows().for_each(|(thread, row)| session(&mut grid, lines, screen, thread, row));
        grid
    };
    let mut grids = [Lines::One, Lines::Two].into_iter().map(grid);
    let fitting = grids.find(|grid| grid.fits(screen)).unwrap_or_else(|| grid(Lines::Narrow));
    let why: String = rows().filter_map(|(thread, row)| reason(thread, row)).collect();
    let gap = if why.is_empty() { "" } else { "\n" };
    format!("{}{gap}{why}", fitting.draw(screen))
}

fn sessions_grid(lines: Lines) -> Grid {
    let whole = Column::whole;
    let mut columns = vec![whole("Thread"), whole("Try"), whole("Status"), Column::cut("Agent", 8)];
    match lines {
        Lines::One => columns.extend([Column::cut("Model", 20), whole("Session")]),
        Lines::Two => columns.push(Column::cut("Model", 20)),
        Lines::Narrow => {}
    }
    columns.push(whole("Started"));
    if lines != Lines::Narrow {
        columns.extend([whole("Took"), whole("Exit")]);
    }
    if lines == Lines::One {
        columns.push(whole("Tokens"));
    }
    columns.push(whole("Cost"));
    Grid::new(columns)
}

fn session(grid: &mut Grid, lines: Lines, screen: &Screen, thread: &ThreadRow, row: &SessionRow) {
    let id = match (&row.session_id, row.resumable || row.status == SessionStatus::Running) {
        (Some(id), true) => id.clone(),
        (Some(id), false) => format!("{id} (invented)"),
        (None, _) => "none was opened".to_owned(),
    };
    let ago = time::ago(row.started_at, screen.now);
    let tokens = |tokens: Tokens| format!("{}+{} tokens", tokens.sent(), tokens.received());
    // Where nothing was used, there is nothing to say.
    let tokens = row.told.tokens.filter(|tokens| tokens.total() > 0).map(tokens).unwrap_or_default();
    let cost = row.cost.filter(|cost| !cost.is_zero()).map(|cost| cost.to_string()).unwrap_or_default();
    let mut cells: Vec<Text> = vec![
        thread.id.to_string().into(),
        match row.resumed_from {
            Some(from) => format!("{} ← {from}", row.attempt),
            None => row.attempt.to_string(),
        }
        .into(),
        Text::styled(row.status.name(), style_of(row.status)),
        row.agent.0.as_str().into(),
    ];
    match lines {
        Lines::One => cells.extend([row.model.as_str().into(), id.as_str().into()]),
        Lines::Two => cells.push(row.model.as_str().into()),
        Lines::Narrow => {}
    }
    cells.push(match lines {
        Lines::One => format!("{}, {ago}", time::local(row.started_at)).into(),
        Lines::Two | Lines::Narrow => ago.into(),
    });
    if lines != Lines::Narrow {
        cells.push(row.ended_at.map(|at| time::span(at - row.started_at)).unwrap_or_default().into());
        cells.push(row.exit_code.map(|code| code.to_string()).unwrap_or_default().into());
    }
    if lines == Lines::One {
        cells.push(tokens.trim_end_matches(" tokens").into());
    }
    cells.push(cost.as_str().into());
    grid.row(cells);
    let local = time::local(row.started_at);
    let below = match lines {
        Lines::One => return,
        Lines::Two => [id.as_str(), &local, &tokens],
        Lines::Narrow if cost.is_empty() => [id.as_str(), &row.model, &tokens],
        Lines::Narrow => [id.as_str(), &row.model, ""],
    };
    let below: Vec<&str> = below.into_iter().filter(|part| !part.is_empty()).collect();
    grid.below(&below.join(" · "));
}

fn style_of(status: SessionStatus) -> Style {
    match status {
        SessionStatus::Running => Style::Active,
        SessionStatus::Completed => Style::Good,
        SessionStatus::Failed => Style::Bad,
        SessionStatus::Interrupted => Style::Attention,
    }
}

/// Why an attempt did not end well, as a line below the table, where there is room.
fn reason(thread: &ThreadRow, row: &SessionRow) -> Option<String> {
    let words = match (&row.error, &row.interrupted_by) {
        (Some(failure), _) => format!("{}: {}", failure.kind.name(), failure.message),
        (None, Some(by)) => format!("interrupted: {by}"),
        (None, None) => match row.verification.as_ref().filter(|check| !check.is_settled()) {
            Some(check) => format!("check: {}", check.words()),
            None => return None,
        },
    };
    Some(format!("{} try {}: {}\n", thread.id, row.attempt, one_line(&words)))
}
