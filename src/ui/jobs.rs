//! The table of background jobs, and one of them.

use super::grid::{Column, Grid, Text};
use super::{Screen, Style, one_line, time};
use crate::engine::jobs::JobRow;
use crate::model::JobStatus;

/// All jobs, in the order of queueing: one line each where there is room, else two.
#[must_use]
pub fn jobs_table(screen: &Screen, jobs: &[JobRow]) -> String {
    if jobs.is_empty() {
        return "no jobs; `--headless` queues some\n".to_owned();
    }
    let several = jobs.iter().any(|job| job.stream != jobs[0].stream);
    let grid = |wide: bool| {
        let stream = several.then(|| Column::cut("Stream", 10));
        let mut columns: Vec<Column> = std::iter::once(Column::whole("Job")).chain(stream).collect();
        columns.extend([Column::whole("Thread"), Column::cut("Name", 10), Column::whole("Status")]);
        columns.push(Column::whole("When"));
        if wide {
            columns.push(Column::cut("Why", 24));
        }
        let mut grid = Grid::new(columns);
        for job in jobs {
            let mut cells: Vec<Text> = vec![job.id.to_string().into()];
            cells.extend(several.then(|| job.stream.as_str().into()));
            cells.extend([
                job.thread.to_string().into(),
                job.name.as_str().into(),
                Text::styled(status(job), style(job)),
                when(screen, job).into(),
            ]);
            let why = job.why.as_deref().unwrap_or_default();
            if wide {
                cells.push(why.into());
            }
            grid.row(cells);
            if !wide && !why.is_empty() {
                grid.below(why);
            }
        }
        grid
    };
    let wide = grid(true);
    if wide.fits(screen) { wide.draw(screen) } else { grid(false).draw(screen) }
}

fn status(job: &JobRow) -> &'static str {
    if job.held { "held" } else { job.status.name() }
}

fn style(job: &JobRow) -> Style {
    match job.status {
        JobStatus::Pending if job.held => Style::Attention,
        JobStatus::Pending | JobStatus::Cancelled => Style::Faint,
        JobStatus::Running => Style::Active,
        JobStatus::Completed => Style::Good,
        JobStatus::Failed => Style::Bad,
        JobStatus::Interrupted => Style::Attention,
    }
}

/// `queued 3m ago`, `for 2m`, `3m ago, took 40s`.
fn when(screen: &Screen, job: &JobRow) -> String {
    match (job.started_at, job.ended_at) {
        (None, None) => format!("queued {}", time::ago(job.queued_at, screen.now)),
        (Some(started), None) => format!("for {}", time::span(screen.now - started)),
        (Some(started), Some(ended)) => {
            format!("{}, took {}", time::ago(ended, screen.now), time::span(ended - started))
        }
        (None, Some(ended)) => time::ago(ended, screen.now),
    }
}

/// One job, with all that is known of it.
#[must_use]
pub fn job_text(screen: &Screen, job: &JobRow) -> String {
    let mut text = format!("job {}: {} {} of {}\n", job.id, job.thread, one_line(&job.name), job.stream);
    let mut line = |what: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("  {what:<9}{}\n", one_line(value)));
        }
    };
    let at =
        |at: chrono::DateTime<chrono::Utc>| format!("{}, {}", time::local(at), time::ago(at, screen.now));
    line("status", status(job));
    line("why", job.why.as_deref().unwrap_or_default());
    line("asked", if job.resume { "to go on in the last session" } else { "" });
    line("agent", job.agent.as_deref().unwrap_or_default());
    line("model", job.model.as_deref().unwrap_or_default());
    line("message", job.message.as_deref().unwrap_or_default());
    line("again", &job.retry_of.map(|old| format!("after job {old}")).unwrap_or_default());
    line("queued", &at(job.queued_at));
    line("started", &job.started_at.map(at).unwrap_or_default());
    line("ended", &job.ended_at.map(at).unwrap_or_default());
    if let Some(turn) = &job.turn {
        line("session", &format!("{}, attempt {}, turn {}", turn.session, turn.attempt, turn.number));
    }
    text
}
