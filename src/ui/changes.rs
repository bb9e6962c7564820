//! Pending changes and worktrees as tables.

use super::grid::{Column, Grid, Text};
use super::{Screen, Style, one_line};
use crate::engine::changes::{ChangeRow, Clash, With, WorktreeUse};

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
        let only_threads = row.clashes.iter().all(|clash| matches!(clash.with, With::Thread(_)));
        let (says, style) =
            if says == "blocked" && only_threads { ("one of them", Style::Attention) } else { (says, style) };
        let cells: Vec<Text> = vec![
            row.thread.to_string().into(),
            row.name.as_str().into(),
            row.files.len().to_string().into(),
            format!("+{} -{}", row.added, row.removed).into(),
            row.by.join(", ").into(),
            Text::styled(says, style),
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
        text.push_str(&format!(
            "turn {} by {} ({}): {}\n",
            turn.turn,
            one_line(&turn.agent),
            one_line(&turn.model),
            turn.status
        ));
    }
    row.clashes.iter().for_each(|clash| text.push_str(&format!("{}\n", words(clash))));
    text
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
