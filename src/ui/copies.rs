//! The table of earlier versions of a state.

use super::grid::{Column, Grid, Text};
use super::{Screen, Style, time};
use crate::engine::restore::CopyRow;

/// The copies, newest first.
#[must_use]
pub fn copies_table(screen: &Screen, copies: &[CopyRow]) -> String {
    let mut grid = Grid::new([
        Column::whole("Copy"),
        Column::whole("Name"),
        Column::whole("Written"),
        Column::whole("Threads"),
        Column::whole("Tasks"),
        Column::whole("Reports"),
        Column::whole("Sessions"),
        Column::whole("Against tasks.json"),
    ]);
    for copy in copies {
        let differs = match &copy.differs {
            _ if copy.same => Text::styled("the same", Style::Good),
            None => Text::styled("it can't be read", Style::Bad),
            Some(differs) => match differs.words() {
                words if words.is_empty() => "other words, the same numbers".into(),
                words => words.into(),
            },
        };
        let holds = &copy.holds;
        grid.row([
            copy.number.to_string().into(),
            copy.name.as_str().into(),
            time::ago(copy.at, screen.now).into(),
            holds.threads.to_string().into(),
            format!("{}/{}", holds.completed, holds.tasks).into(),
            holds.reports.to_string().into(),
            holds.sessions.to_string().into(),
            differs,
        ]);
    }
    grid.draw(screen)
}
