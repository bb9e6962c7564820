//! One session record, whole.

use super::grid::{Column, Grid};
use super::{Screen, one_line, time};
use crate::engine::session::SessionView;
use crate::model::{KnownSession, SessionId};

/// The sessions that an agent knows, a line each; the one that is connected is marked.
#[must_use]
pub fn sessions_lines(
    screen: &Screen,
    sessions: &[KnownSession],
    connected: Option<&SessionId>,
) -> Vec<String> {
    let line = |session: &KnownSession| {
        let mark = if connected == Some(&session.id) { ", connected" } else { "" };
        let used = time::ago(session.used_at, screen.now);
        format!("{}  {}  (used {used}{mark})", session.id, one_line(&session.title))
    };
    sessions.iter().map(line).collect()
}

/// Everything that is on record of an attempt, a line each.
#[must_use]
pub fn session_text(screen: &Screen, view: &SessionView) -> String {
    let row = &view.session;
    let at = |at| format!("{}, {}", time::local(at), time::ago(at, screen.now));
    let took =
        row.ended_at.map(|end| format!(" after {}", time::span(end - row.started_at))).unwrap_or_default();
    let usage = row.usage.map(|usage| {
        format!(
            "{} in, {} out, {} reasoning, {} read from and {} written to the cache; ${:.4}",
            usage.input, usage.output, usage.reasoning, usage.cache_read, usage.cache_write, usage.cost
        )
    });
    let turns: Vec<String> = row.turns.iter().map(ToString::to_string).collect();
    let thread = view.thread;
    let turns =
        (!turns.is_empty()).then(|| format!("{}; `work logs {thread} --turn N` shows one", turns.join(", ")));
    let facts: [(&str, Option<String>); 17] = [
        ("Thread", Some(format!("{} {}", view.thread, view.name))),
        ("Attempt", Some(row.attempt.to_string())),
        ("Goes on from", row.resumed_from.map(|from| format!("attempt {from}"))),
        ("Session", Some(row.session_id.clone().unwrap_or_else(|| "none was opened".to_owned()))),
        ("Can go on", Some(if row.resumable { "yes, if the agent still has it" } else { "no" }.to_owned())),
        ("Agent", Some(row.agent.to_string())),
        ("Model", Some(row.model.clone())),
        ("Backend", row.backend.map(str::to_owned)),
        ("Mode", row.mode.map(str::to_owned)),
        ("Folder", row.directory.as_ref().map(|folder| folder.display().to_string())),
        ("Started", Some(at(row.started_at))),
        ("Ended", row.ended_at.map(|end| format!("{}{took}", at(end)))),
        ("Status", Some(row.status.name().to_owned())),
        ("Why", row.error.as_ref().map(ToString::to_string).or_else(|| row.interrupted_by.clone())),
        ("Exit code", row.exit_code.map(|code| code.to_string())),
        ("Tokens", usage),
        ("Turns", turns),
    ];
    let mut grid = Grid::new([Column::whole(""), Column::cut("", 40)]);
    for (name, value) in facts {
        if let Some(value) = value {
            grid.row([name.into(), value.into()]);
        }
    }
    // The header line of a table without titles is empty.
    grid.draw(screen).trim_start_matches('\n').to_owned()
}
