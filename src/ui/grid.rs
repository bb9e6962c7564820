//! Tables: one look for all of them. No borders, two spaces between columns, one line a record, unless a text of
//! it is worth more.
//!
//! The only file that names comfy-table. One invariant: a column that is not told to be cut or wrapped is always
//! whole, so an id or a status is never broken. Without a terminal nothing is cut or wrapped.

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};

use super::text::{columns, cut, one_line, wrapped};
use super::{Screen, Style};

/// Spaces between columns.
const GAP: u16 = 2;

/// A column: its title, and how far its texts may be cut where there is little room.
pub(super) struct Column {
    title: &'static str,
    least: Option<usize>,
    wraps: bool,
}

impl Column {
    /// One that is always whole.
    pub(super) fn whole(title: &'static str) -> Self {
        Self { title, least: None, wraps: false }
    }

    /// One whose texts may be cut to `least` columns.
    pub(super) fn cut(title: &'static str, least: usize) -> Self {
        Self { title, least: Some(least), wraps: false }
    }

    /// One whose texts go on in further lines, of at least `least` columns.
    pub(super) fn wrapped(title: &'static str, least: usize) -> Self {
        Self { title, least: Some(least), wraps: true }
    }
}

/// What stands in one place.
pub(super) struct Text(String, Option<Style>);

impl Text {
    /// Text in a style.
    pub(super) fn styled(text: &str, style: Style) -> Self {
        Self(one_line(text), Some(style))
    }

    /// Its lines in `room` columns.
    fn lines(&self, column: &Column, room: usize) -> Vec<String> {
        match (room, column.wraps) {
            (usize::MAX, _) => vec![self.0.clone()],
            (_, true) => wrapped(&self.0, room),
            (_, false) => vec![cut(&self.0, room)],
        }
    }

    fn cell(&self, lines: &[String]) -> Cell {
        let cell = Cell::new(lines.join("\n"));
        match self.1 {
            None => cell,
            Some(Style::Strong) => cell.add_attribute(Attribute::Bold),
            Some(Style::Faint) => cell.fg(Color::DarkGrey),
            Some(Style::Good) => cell.fg(Color::Green),
            Some(Style::Active) => cell.fg(Color::Cyan),
            Some(Style::Attention) => cell.fg(Color::Yellow),
            Some(Style::Bad) => cell.fg(Color::Red),
        }
    }
}

impl<T: AsRef<str>> From<T> for Text {
    fn from(text: T) -> Self {
        Self(one_line(text.as_ref()), None)
    }
}

/// A table that is being filled.
pub(super) struct Grid {
    columns: Vec<Column>,
    rows: Vec<(Vec<Text>, Vec<String>)>,
}

impl Grid {
    /// An empty one.
    pub(super) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a record.
    pub(super) fn row(&mut self, cells: impl Into<Vec<Text>>) {
        self.rows.push((cells.into(), Vec::new()));
    }

    /// Adds a line below the last record, from its second column on.
    pub(super) fn below(&mut self, line: &str) {
        if let Some((_, below)) = self.rows.last_mut() {
            below.push(one_line(line));
        }
    }

    /// How wide a column is where there is room.
    fn width(&self, index: usize, column: &Column) -> usize {
        let cells = self.rows.iter().filter_map(|(cells, _)| cells.get(index));
        cells.map(|text| columns(&text.0)).max().unwrap_or(0).max(columns(column.title))
    }

    fn widths(&self) -> Vec<usize> {
        self.columns.iter().enumerate().map(|(index, column)| self.width(index, column)).collect()
    }

    /// The widths within `room`: the widest of the columns that may be cut gives first.
    fn within(&self, room: u16) -> (Vec<usize>, bool) {
        let (mut widths, room) = (self.widths(), usize::from(room));
        let gaps = usize::from(GAP) * self.columns.len().saturating_sub(1);
        loop {
            let total = widths.iter().sum::<usize>() + gaps;
            if total <= room {
                return (widths, true);
            }
            let least = |index: usize| {
                self.columns[index].least.map(|least| least.max(columns(self.columns[index].title)))
            };
            let gives = |index: &usize| least(*index).is_some_and(|least| widths[*index] > least);
            match (0..widths.len()).filter(gives).max_by_key(|&index| widths[index]) {
                Some(widest) => widths[widest] -= 1,
                None => return (widths, false),
            }
        }
    }

    /// Whether it can be drawn here with no column cut further than it may be.
    pub(super) fn fits(&self, screen: &Screen) -> bool {
        screen.room.is_none_or(|room| self.within(room).1)
    }

    /// The table as text, without spaces at the ends of lines.
    pub(super) fn draw(&self, screen: &Screen) -> String {
        let widths = screen.room.map(|room| self.within(room).0);
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if screen.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let titles = self.columns.iter().map(|column| Text::styled(column.title, Style::Strong));
        table.set_header(titles.map(|title| title.cell(std::slice::from_ref(&title.0))).collect::<Vec<_>>());
        // Without a terminal nothing is cut, and nothing has to be measured for it.
        let room_of = |index: usize| widths.as_ref().map_or(usize::MAX, |widths| widths[index]);
        // How many lines each record takes.
        let mut heights = vec![1];
        for (cells, _) in &self.rows {
            let cells = cells.iter().zip(&self.columns).enumerate();
            let cells: Vec<_> =
                cells.map(|(index, (text, column))| (text, text.lines(column, room_of(index)))).collect();
            heights.push(cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or(1));
            table.add_row(cells.iter().map(|(text, lines)| text.cell(lines)).collect::<Vec<_>>());
        }
        let last = self.columns.len().saturating_sub(1);
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if index == last { 0 } else { GAP }));
        }
        let first = widths.as_ref().and_then(|widths| widths.first()).copied();
        let first = first.or_else(|| Some(self.width(0, self.columns.first()?))).unwrap_or(0);
        let indent = first + usize::from(GAP);
        let room = screen.room.map_or(usize::MAX, |room| usize::from(room).saturating_sub(indent));
        let below = std::iter::once(&[][..]).chain(self.rows.iter().map(|(_, below)| below.as_slice()));
        let mut drawn = String::new();
        let mut lines = table.lines();
        for (height, below) in heights.into_iter().zip(below) {
            for line in lines.by_ref().take(height) {
                drawn.push_str(line.trim_end());
                drawn.push('\n');
            }
            for line in below.iter().flat_map(|line| wrapped_below(line, room)) {
                drawn.push_str(&format!("{:indent$}{line}\n", ""));
            }
        }
        drawn
    }
}

/// The lines of a text below a record; after a mark such as `→` they go on below its words.
fn wrapped_below(text: &str, room: usize) -> Vec<String> {
    if room == usize::MAX {
        return vec![text.to_owned()];
    }
    let Some(words) = text.strip_prefix("→ ") else { return wrapped(text, room) };
    let lines = wrapped(words, room.saturating_sub(2)).into_iter().enumerate();
    lines.map(|(index, line)| format!("{}{line}", if index == 0 { "→ " } else { "  " })).collect()
}
