//! The threads that were begun and are not done.

use super::Screen;
use super::grid::{Column, Grid, Text};
use super::status::{had, last_session, resumes};
use super::style::Style;
use crate::engine::fix::Case;

/// One line a thread where there is room, else two, and below it why it stopped and what to do.
#[must_use]
pub fn cases_table(screen: &Screen, cases: &[Case]) -> String {
    let wide = wide(screen, cases);
    if wide.fits(screen) { wide.draw(screen) } else { narrow(screen, cases).draw(screen) }
}

fn narrow(screen: &Screen, cases: &[Case]) -> Grid {
    let mut grid = Grid::new([Column::whole("Thread"), Column::cut("Name", 12), Column::whole("Status")]);
    for case in cases {
        let thread = &case.thread;
        grid.row([
            thread.id.to_string().into(),
            thread.name.as_str().into(),
            Text::styled(thread.status.name(), Style::of(thread.status)),
        ]);
        grid.below(&had(screen, thread));
        grid.below(&case.why);
        grid.below(&format!("→ {}", case.advice));
    }
    grid
}

fn wide(screen: &Screen, cases: &[Case]) -> Grid {
    let mut grid = Grid::new([
        Column::whole("Thread"),
        Column::cut("Name", 12),
        Column::whole("Status"),
        Column::whole("Sessions"),
        Column::cut("Last agent", 10),
        Column::whole("Last session"),
        Column::whole("Resume"),
    ]);
    for case in cases {
        let thread = &case.thread;
        let last = thread.sessions.last();
        let agent = last.map(|row| &row.agent).or(thread.agent.as_ref()).map_or("", |agent| agent.0.as_str());
        grid.row([
            thread.id.to_string().into(),
            thread.name.as_str().into(),
            Text::styled(thread.status.name(), Style::of(thread.status)),
            thread.sessions.len().to_string().into(),
            agent.into(),
            last.map(|row| last_session(screen, row)).unwrap_or_default().into(),
            resumes(thread).into(),
        ]);
        grid.below(&case.why);
        grid.below(&format!("→ {}", case.advice));
    }
    grid
}
