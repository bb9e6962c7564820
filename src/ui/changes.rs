//! Pending changes and worktrees as tables.

use super::grid::{Column, Grid, Text};
use super::{Screen, Style, one_line};
use crate::engine::changes::{ChangeRow, Clash, With, WorktreeUse};
use crate::model::TurnMark;

/// How many names of files a line shows.
const MOST: usize = 4;

/// The pending changes, a line each, and below it what is in the way.
#[must_use]
pub fn changes_table(screen: &Screen, rows: &[ChangeRow]) -> String {
    if rows.is_empty() {
        return "no pending changes; threads leave them with `--worktree`\n".to_owned();
    }
    let mut grid = Grid::new([
        Column::whole("Thread"),
        Column::cut("Name", 10),
        Column::whole("Files"),
        Column::whole("Lines"),
        Column::cut("By", 12),
        Column::whole("Apply"),
    ]);
    for row in rows {
        let (says, style) = match (row.running, row.clashes.is_empty()) {
            (true, _) => ("running", Style::Active),
            (false, true) => ("clean", Style::Good),
            (false, false) => ("blocked", Style::Bad),
        };
        let with = |clash: &Clash| match clash.with {
            With::Thread(thread) => Some(thread.to_string()),
            With::MainCheckout => None,
        };
        // It can be applied, but then the others can't.
        let others: Option<Vec<String>> = row.clashes.iter().map(with).collect();
        let (says, style) = match others.as_deref() {
            Some([only]) if !row.running => (format!("not with {only}"), Style::Attention),
            Some([_, _, ..]) if !row.running => {
                (format!("not with {} others", row.clashes.len()), Style::Attention)
            }
            _ => (says.to_owned(), style),
        };
        let cells: Vec<Text> = vec![
            row.thread.to_string().into(),
            row.name.as_str().into(),
            row.files.len().to_string().into(),
            format!("+{} -{}", row.added, row.removed).into(),
            row.by.join(", ").into(),
            Text::styled(&says, style),
        ];
        grid.row(cells);
        if let Some(outside) = row.outside() {
            grid.below(&outside.words(MOST));
        }
        row.clashes.iter().for_each(|clash| grid.below(&words(clash)));
    }
    grid.draw(screen)
}

/// `a.txt, b.txt: was changed on both sides (with the main checkout)`.
fn words(clash: &Clash) -> String {
    let with = match clash.with {
        With::MainCheckout => "the main checkout".to_owned(),
        With::Thread(thread) => thread.to_string(),
    };
    let names: Vec<String> =
        clash.files.iter().take(MOST).map(|path| one_line(&path.to_string_lossy())).collect();
    let more = clash.files.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}: {} ({with})", names.join(", "), clash.obstacle.words())
}

/// The files of a change and the turns that made it.
#[must_use]
pub fn change_text(screen: &Screen, row: &ChangeRow) -> String {
    let by = if row.by.is_empty() { "nobody's turn".to_owned() } else { row.by.join(", ") };
    let mut text = format!("{} {}: changes from {by}\n", row.thread, one_line(&row.name));
    let mut grid = Grid::new([
        Column::whole("File"),
        Column::whole("Change"),
        Column::whole("Lines"),
        Column::whole(if row.outside().is_some() { "Paths" } else { "" }),
    ]);
    for file in &row.files {
        let lines = match (file.added, file.removed) {
            (Some(added), Some(removed)) => format!("+{added} -{removed}"),
            _ => "binary".to_owned(),
        };
        let beside = if file.outside_paths { Text::styled("outside", Style::Attention) } else { "".into() };
        grid.row([file.path.to_string_lossy().as_ref().into(), file.change.into(), lines.into(), beside]);
    }
    text.push_str(&grid.draw(screen));
    for turn in &row.turns {
        if !turn.outside.is_empty() {
            let files: Vec<String> = turn.outside.iter().map(|file| one_line(file)).collect();
            let files = files.join(", ");
            text.push_str(&format!("while turn {} ran, the main checkout changed: {files}\n", turn.turn));
        }
        text.push_str(&turn_line(turn));
    }
    row.clashes.iter().for_each(|clash| text.push_str(&format!("{}\n", words(clash))));
    text
}

/// A turn of which there is a snapshot: `turn 1 by default (a/model): completed`.
#[must_use]
pub fn turn_line(turn: &TurnMark) -> String {
    let (agent, model) = (one_line(&turn.agent), one_line(&turn.model));
    format!("turn {} by {agent} ({model}): {}\n", turn.turn, turn.status)
}

/// The worktrees, a line each.
#[must_use]
pub fn worktrees_table(screen: &Screen, rows: &[WorktreeUse]) -> String {
    if rows.is_empty() {
        return "no worktrees; `--worktree` gives a thread its own\n".to_owned();
    }
    let mut grid = Grid::new([
        Column::whole("Thread"),
        Column::cut("Name", 10),
        Column::whole("State"),
        Column::whole("Disk"),
        Column::whole("Folder"),
    ]);
    for row in rows {
        let (state, style) = match (row.running, row.worktree.ready, row.pending) {
            (true, ..) => ("running", Style::Active),
            (_, false, _) => ("half made", Style::Bad),
            (_, _, true) => ("pending change", Style::Attention),
            _ => ("nothing pending", Style::Faint),
        };
        let cells: Vec<Text> = vec![
            row.worktree.thread.to_string().into(),
            row.name.as_str().into(),
            Text::styled(state, style),
            size(row.bytes).into(),
            row.worktree.path.to_string_lossy().as_ref().into(),
        ];
        grid.row(cells);
    }
    grid.draw(screen)
}

/// `3 KB`, `12 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        1_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}
