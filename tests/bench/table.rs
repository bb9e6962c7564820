//! The table: what was measured, beside what is wanted.

use std::time::Duration;

use super::measure::Runs;

/// What is wanted of a row, in words, and whether it is so.
#[derive(Debug)]
pub(crate) struct Wanted {
    words: String,
    met: bool,
}

/// A line of the table.
#[derive(Debug, Default)]
pub(crate) struct Row {
    what: String,
    measured: String,
    cpu: String,
    memory: String,
    ratio: String,
    wanted: Vec<Wanted>,
}

impl Row {
    /// A row with something that was measured, in words.
    pub(crate) fn new(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { what: what.into(), measured: measured.into(), ..Self::default() }
    }

    /// A row of runs.
    pub(crate) fn of(what: impl Into<String>, runs: &Runs) -> Self {
        Self {
            cpu: if runs.cpu.is_empty() { String::new() } else { ms(super::measure::median(&runs.cpu)) },
            memory: if runs.peak_kib == 0 { String::new() } else { mib(runs.peak_kib) },
            ..Self::new(what, spread(&runs.wall))
        }
    }

    /// The same with memory, in words.
    pub(crate) fn memory(mut self, memory: impl Into<String>) -> Self {
        self.memory = memory.into();
        self
    }

    /// The same compared with the raw loop of the same run.
    pub(crate) fn ratio(mut self, ratio: impl Into<String>) -> Self {
        self.ratio = ratio.into();
        self
    }

    /// The same with something wanted of it.
    pub(crate) fn wanted(mut self, words: impl Into<String>, met: bool) -> Self {
        self.wanted.push(Wanted { words: words.into(), met });
        self
    }

    /// Whether something that is wanted is not so.
    pub(crate) fn misses(&self) -> bool {
        self.wanted.iter().any(|wanted| !wanted.met)
    }

    fn cells(&self) -> [String; 7] {
        let words: Vec<&str> = self.wanted.iter().map(|wanted| wanted.words.as_str()).collect();
        let missed: Vec<&str> =
            self.wanted.iter().filter(|wanted| !wanted.met).map(|wanted| wanted.words.as_str()).collect();
        let verdict = match (words.is_empty(), missed.is_empty()) {
            (true, _) => String::new(),
            (_, true) => "ok".to_owned(),
            _ if missed.len() == words.len() => "MISS".to_owned(),
            _ => format!("MISS: {}", missed.join(", ")),
        };
        let (measured, cpu, memory) = (self.measured.clone(), self.cpu.clone(), self.memory.clone());
        [self.what.clone(), measured, cpu, memory, self.ratio.clone(), words.join(", "), verdict]
    }
}

/// The rows under a head line, in columns.
pub(crate) fn draw(title: &str, rows: &[Row]) -> String {
    let head = [title, "median (min … max)", "CPU", "peak memory", "to raw", "wanted", ""].map(str::to_owned);
    let cells: Vec<[String; 7]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let line = |row: &[String; 7]| {
        let padded: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text: String = cells.iter().map(line).collect();
    text.insert_str(
        text.find('\n').unwrap_or(0),
        &format!("\n{}", "─".repeat(widths.iter().sum::<usize>() + 12)),
    );
    text
}

/// The median, and the least and the most.
pub(crate) fn spread(times: &[Duration]) -> String {
    let (least, most) = (times.iter().min(), times.iter().max());
    match (least, most) {
        (Some(least), Some(most)) if times.len() > 1 => {
            format!("{} ({} … {})", ms(super::measure::median(times)), ms(*least), ms(*most))
        }
        (Some(only), _) => ms(*only),
        _ => "-".to_owned(),
    }
}

/// Milliseconds, with as many digits as mean something.
pub(crate) fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

/// KiB as MiB.
pub(crate) fn mib(kib: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let mib = kib as f64 / 1024.0;
    format!("{mib:.1} MiB")
}
