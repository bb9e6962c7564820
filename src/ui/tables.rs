//! The tables of streams and agents.

use super::grid::{Column, Grid, Text};
use super::{Screen, Style, time};
use crate::engine::StreamSummary;
use crate::engine::agents::AgentRow;

/// All streams.
#[must_use]
pub fn streams_table(screen: &Screen, streams: &[StreamSummary]) -> String {
    let state = if streams.iter().any(|stream| stream.state != "open") { "State" } else { "" };
    let mut grid = Grid::new([
        Column::whole(""),
        Column::whole("Stream"),
        Column::cut("Name", 10),
        Column::whole("Tasks"),
        Column::whole("Threads"),
        Column::whole("Plan"),
        Column::whole("Changed"),
        Column::whole(state),
    ]);
    for stream in streams {
        let plan = match (&stream.error, stream.approved) {
            (Some(_), _) => Text::styled("unreadable", Style::Bad),
            (None, true) => Text::styled("approved", Style::Good),
            (None, false) => Text::styled("not approved", Style::Attention),
        };
        grid.row([
            if stream.current { "*" } else { "" }.into(),
            stream.id.to_string().into(),
            stream.name.as_str().into(),
            format!("{}/{}", stream.tasks.completed, stream.tasks.total).into(),
            stream.threads.to_string().into(),
            plan,
            stream.updated_at.map(|at| time::ago(at, screen.now)).unwrap_or_default().into(),
            if stream.state == "open" { "".into() } else { stream.state.replace('_', " ").into() },
        ]);
    }
    grid.draw(screen)
}

/// All agents; a line below the table says why one can't be used.
#[must_use]
pub fn agents_table(screen: &Screen, agents: &[AgentRow]) -> String {
    let mut grid = Grid::new([
        Column::whole("Agent"),
        Column::cut("Best for", 10),
        Column::whole("Backend"),
        Column::whole("Models"),
        Column::whole("Usable"),
    ]);
    let mut why = String::new();
    for agent in agents {
        let usable = match &agent.unusable {
            None => Text::styled("yes", Style::Good),
            Some(reason) => {
                why.push_str(&format!("{} can't be used: {reason}\n", agent.name));
                Text::styled("no", Style::Bad)
            }
        };
        let mut models = agent.models.iter();
        grid.row([
            agent.name.to_string().into(),
            agent.best_for.as_str().into(),
            agent.backend.name().into(),
            models.next().map_or("", String::as_str).into(),
            usable,
        ]);
        for model in models {
            grid.row(["".into(), "".into(), "".into(), model.as_str().into(), "".into()]);
        }
    }
    let gap = if why.is_empty() { "" } else { "\n" };
    format!("{}{gap}{why}", grid.draw(screen))
}
