//! One session record, whole.

use super::grid::{Column, Grid};
use super::{Screen, one_line, spent, time};
use crate::engine::session::SessionView;
use crate::engine::status::{SessionRow, SessionStatus};
use crate::model::{KnownSession, SessionId, Tokens};

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

/// Whether the conversation of an attempt can go on.
fn can_go_on(row: &SessionRow) -> &'static str {
    match row.status {
        SessionStatus::Running => "it runs",
        _ if row.resumable => "yes, if the agent still has it",
        _ => "no",
    }
}

/// Everything that is on record of an attempt, a line each.
#[must_use]
pub fn session_text(screen: &Screen, view: &SessionView) -> String {
    let row = &view.session;
    let at = |at| format!("{}, {}", time::local(at), time::ago(at, screen.now));
    let took =
        row.ended_at.map(|end| format!(" after {}", time::span(end - row.started_at))).unwrap_or_default();
    // Where nothing was used, there is nothing to say.
    let tokens = row.told.tokens.filter(|tokens| tokens.total() > 0).map(|tokens| {
        let Tokens { input, output, reasoning, cache_read, cache_write } = tokens;
        format!(
            "{input} in, {output} out, {reasoning} reasoning, {cache_read} read from and {cache_write} written to \
             the cache"
        )
    });
    let cost = row.cost.filter(|cost| !cost.is_zero()).map(|cost| cost.to_string());
    let untold = row.usage.filter(|_| row.cost.is_none());
    let cost = cost.or_else(|| untold.map(|_| "unknown: the agent told no price".to_owned()));
    // The same conversation over several attempts.
    let whole = view.whole.as_ref().map(|whole| {
        let [sent, received] = spent::tokens(whole);
        format!("{} attempts: {sent} in, {received} out; cost: {}", whole.sessions, spent::cost(whole))
    });
    let turns: Vec<String> = row.turns.iter().map(ToString::to_string).collect();
    let thread = view.thread;
    let turns =
        (!turns.is_empty()).then(|| format!("{}; `work logs {thread} --turn N` shows one", turns.join(", ")));
    let facts: [(&str, Option<String>); 19] = [
        ("Thread", Some(format!("{} {}", view.thread, view.name))),
        ("Attempt", Some(row.attempt.to_string())),
        ("Goes on from", row.resumed_from.map(|from| format!("attempt {from}"))),
        ("Session", Some(row.session_id.clone().unwrap_or_else(|| "none was opened".to_owned()))),
        ("Can go on", Some(can_go_on(row).to_owned())),
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
        ("Tokens", tokens),
        ("Cost", cost),
        ("Whole session", whole),
        ("Turns", turns),
    ];
    let mut grid = Grid::new([Column::whole(""), Column::wrapped("", 40)]);
    for (name, value) in facts {
        if let Some(value) = value {
            grid.row([name.into(), value.into()]);
        }
    }
    // The header line of a table without titles is empty.
    grid.draw(screen).trim_start_matches('\n').to_owned()
}
