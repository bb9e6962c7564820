//! The live table of a batch, on standard error: one line a thread, redrawn in place.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{Screen, Style, paint, printable};
use crate::engine::launch::Step;
use crate::model::ThreadId;

/// The table: a line for each key, which is a thread or a job. Without a terminal it says only what changes
/// for good.
pub struct LiveBatch<K = ThreadId> {
    screen: Screen,
    lines: BTreeMap<K, (ProgressBar, String)>,
}

impl<K: Ord + Copy + Display> LiveBatch<K> {
    /// A table of these threads or jobs, with their names.
    #[must_use]
    pub fn new(screen: Screen, threads: &[(K, String)]) -> Self {
        let bars = MultiProgress::new();
        if !screen.progress {
            bars.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        }
        let width = threads.iter().map(|(_, name)| name.chars().count()).max().unwrap_or(0).min(32);
        let lines = threads
            .iter()
            .map(|(id, name)| {
                let bar = bars.add(ProgressBar::new_spinner().with_style(style("{spinner} {msg}")));
                let name: String = name.chars().take(width).collect();
                let prefix = format!("{id}  {name:width$}");
                bar.set_message(format!("{prefix}  starting"));
                bar.enable_steady_tick(Duration::from_millis(120));
                (*id, (bar, prefix))
            })
            .collect();
        Self { screen, lines }
    }

    /// Shows where a thread is.
    pub fn set(&self, id: K, state: &Step) {
        let Some((bar, prefix)) = self.lines.get(&id) else { return };
        match state {
            Step::Starting => bar.set_message(format!("{prefix}  starting")),
            Step::Running(what) => {
                let room = usize::from(self.screen.width).saturating_sub(prefix.chars().count() + 8);
                let what: String = what.chars().filter(|c| !c.is_control()).take(room).collect();
                bar.set_message(format!("{prefix}  {what}"));
            }
            Step::Waiting(what) => {
                let waits = paint("waits for a person", Style::Attention, self.screen.color_err);
                bar.set_message(format!("{prefix}  {waits}"));
                // What it waits for and how to answer is longer than a line of the table, and stays above it.
                let line = format!("? {prefix}  {}", printable(what));
                if self.screen.progress {
                    bar.println(line);
                } else {
                    self.screen.note(&line);
                }
            }
            Step::Done(word, good) => {
                let (mark, look) = if *good { ("✓", Style::Good) } else { ("✗", Style::Bad) };
                bar.set_style(style("{msg}"));
                bar.finish_with_message(format!(
                    "{} {prefix}  {word}",
                    paint(mark, look, self.screen.color_err)
                ));
                if !self.screen.progress {
                    self.screen.note(&format!("{mark} {prefix}  {word}"));
                }
            }
        }
    }

    /// Ends the drawing. Threads that are done stay; the others are told of in the summary.
    pub fn finish(&self) {
        for (bar, _) in self.lines.values().filter(|(bar, _)| !bar.is_finished()) {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
