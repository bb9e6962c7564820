//! The table of an import: what was found of each stream, and what is kept.

use super::Screen;
use super::Style;
use super::grid::{Column, Grid, Text};
use crate::engine::import::{Fate, Item};

/// The streams of an import. `dry` says that nothing was written.
#[must_use]
pub fn import_table(screen: &Screen, items: &[Item], dry: bool) -> String {
    let mut grid = Grid::new([
        Column::whole("Stream"),
        Column::whole(""),
        Column::whole("Threads"),
        Column::whole("Tasks"),
        Column::whole("Reports"),
        Column::whole("Sessions"),
        Column::whole("Resume"),
        Column::whole("Plan"),
        Column::whole("Odd"),
    ]);
    for item in items {
        let folder = item.from.file_name().unwrap_or(item.from.as_os_str()).to_string_lossy();
        let name = item.stream.as_ref().map_or(folder.into_owned(), ToString::to_string);
        let fate = match (item.fate, dry) {
            (Fate::Imported, false) => Text::styled("imported", Style::Good),
            (Fate::Imported, true) => Text::styled("to import", Style::Good),
            (Fate::Upgraded, false) => Text::styled("upgraded", Style::Good),
            (Fate::Upgraded, true) => Text::styled("to upgrade", Style::Good),
            (Fate::Here, _) => Text::styled("is here", Style::Faint),
            (Fate::Refused, _) => Text::styled("refused", Style::Bad),
        };
        let refused = item.fate == Fate::Refused;
        let count = |found: usize, kept: usize| match kept.cmp(&found) {
            _ if refused => String::new(),
            std::cmp::Ordering::Less => format!("{kept} of {found}"),
            _ => kept.to_string(),
        };
        let plan = match &item.approved {
            _ if refused => "".into(),
            None => Text::styled("not approved", Style::Attention),
            Some(approved) if approved.unchanged == Some(false) => {
                Text::styled("approved, changed since", Style::Attention)
            }
            Some(_) if !item.drift.is_empty() => Text::styled("approved, drifted", Style::Attention),
            Some(_) => Text::styled("approved", Style::Good),
        };
        let odd: usize = item.findings.iter().map(|file| file.diagnostics.len()).sum();
        let (found, kept) = (item.found, item.kept);
        grid.row([
            name.into(),
            fate,
            count(found.threads, kept.threads).into(),
            count(found.tasks, kept.tasks).into(),
            count(found.reports, kept.reports).into(),
            count(found.sessions, kept.sessions).into(),
            if refused { String::new() } else { item.resumable.to_string() }.into(),
            plan,
            if odd == 0 { String::new() } else { odd.to_string() }.into(),
        ]);
    }
    grid.draw(screen)
}
