//! Tables: one look for all of them. No borders, two spaces between columns, one line a record.
//!
//! The only file that names comfy-table. One invariant: a column that is not told to be cut is always
//! whole, so an id or a status is never broken. Without a terminal nothing is cut.

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};

use super::text::{columns, cut, one_line};
use super::{Screen, Style};

/// Spaces between columns.
const GAP: u16 = 2;

/// A column: its title, and how far its texts may be cut where there is little room.
pub(super) struct Column {
    title: &'static str,
    least: Option<usize>,
}

impl Column {
    /// One that is always whole.
    pub(super) fn whole(title: &'static str) -> Self {
        Self { title, least: None }
    }

    /// One whose texts may be cut to `least` columns.
    pub(super) fn cut(title: &'static str, least: usize) -> Self {
        Self { title, least: Some(least) }
    }
}

/// What stands in one place.
pub(super) struct Text(String, Option<Style>);

impl Text {
    /// Text in a style.
    pub(super) fn styled(text: &str, style: Style) -> Self {
        Self(one_line(text), Some(style))
    }

    fn cell(&self, room: usize) -> Cell {
        let cell = if room == usize::MAX { Cell::new(&self.0) } else { Cell::new(cut(&self.0, room)) };
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
        table.set_header(titles.map(|title| title.cell(usize::MAX)).collect::<Vec<_>>());
        // Without a terminal nothing is cut, and nothing has to be measured for it.
        let room_of = |index: usize| widths.as_ref().map_or(usize::MAX, |widths| widths[index]);
        for (cells, _) in &self.rows {
            let cells = cells.iter().take(self.columns.len()).enumerate();
            table.add_row(cells.map(|(index, text)| text.cell(room_of(index))).collect::<Vec<_>>());
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
        for (line, below) in table.lines().zip(below) {
            drawn.push_str(line.trim_end());
            drawn.push('\n');
            for line in below {
                drawn.push_str(&format!("{:indent$}{}\n", "", cut(line, room)));
            }
        }
        drawn
    }
}
