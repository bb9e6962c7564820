//! Tables: one look for all of them, and those for streams and agents.

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

use super::{Screen, Style, time};
use crate::engine::StreamSummary;
use crate::engine::agents::AgentRow;

impl Style {
    /// `cell` in this style.
    pub(super) fn cell(self, cell: Cell) -> Cell {
        match self {
            Self::Strong => cell.add_attribute(comfy_table::Attribute::Bold),
            Self::Faint => cell.fg(Color::DarkGrey),
            Self::Good => cell.fg(Color::Green),
            Self::Active => cell.fg(Color::Cyan),
            Self::Attention => cell.fg(Color::Yellow),
            Self::Bad => cell.fg(Color::Red),
        }
    }
}

/// An empty table in our look: no borders, two spaces between columns, as wide as the terminal.
pub(super) fn table(screen: &Screen, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(screen.width);
    if screen.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(header.iter().map(|title| Style::Strong.cell(Cell::new(title))));
    table
}

/// The table as text, without spaces at the ends of lines.
pub(super) fn draw(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// All streams.
#[must_use]
pub fn streams_table(screen: &Screen, streams: &[StreamSummary]) -> String {
    let mut table = table(screen, &["", "Stream", "Name", "Tasks", "Threads", "Plan", "Changed"]);
    for stream in streams {
        let plan = match (&stream.error, stream.approved) {
            (Some(_), _) => Style::Bad.cell(Cell::new("unreadable")),
            (None, true) => Style::Good.cell(Cell::new("approved")),
            (None, false) => Style::Attention.cell(Cell::new("not approved")),
        };
        table.add_row([
            Cell::new(if stream.current { "*" } else { "" }),
            Cell::new(&stream.id),
            Cell::new(&stream.name),
            Cell::new(format!("{}/{}", stream.tasks.completed, stream.tasks.total)),
            Cell::new(stream.threads),
            plan,
            Cell::new(stream.updated_at.map(|at| time::ago(at, screen.now)).unwrap_or_default()),
        ]);
    }
    draw(&mut table)
}

/// All agents.
#[must_use]
pub fn agents_table(screen: &Screen, agents: &[AgentRow]) -> String {
    let mut table = table(screen, &["Agent", "Best for", "Backend", "Models", "Usable"]);
    for agent in agents {
        let usable = match &agent.unusable {
            None => Style::Good.cell(Cell::new("yes")),
            Some(why) => Style::Bad.cell(Cell::new(format!("no: {why}"))),
        };
        table.add_row([
            Cell::new(&agent.name),
            Cell::new(&agent.best_for),
            Cell::new(agent.backend.name()),
            Cell::new(agent.models.join("\n")),
            usable,
        ]);
    }
    draw(&mut table)
}
