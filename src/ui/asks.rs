//! What waits for a person, and the commands that answer it.

use super::{Screen, Style, one_line, paint, time};
use crate::engine::answer::how;
use crate::model::{Ask, ThreadId};

/// Every request that waits: who asks what, how long it waits, and how to answer.
#[must_use]
pub fn asks_text<'a>(
    screen: &Screen,
    asks: impl Iterator<Item = (ThreadId, &'a str, &'a Ask)> + Clone,
) -> String {
    let of = |thread: ThreadId| asks.clone().filter(|(other, ..)| *other == thread).count();
    let one = |(thread, name, ask): (ThreadId, &str, &Ask)| {
        let id = if of(thread) > 1 { ask.id.clone() } else { thread.to_string() };
        let kind = if ask.is_question() { "asks" } else { "asks for permission" };
        let left = time::span(ask.until - screen.now);
        let words: String = ask.words().lines().map(|line| format!("  {}\n", one_line(line))).collect();
        format!(
            "{}, and is denied in {left}\n{words}  {}\n",
            paint(&format!("{thread} {} {kind}", one_line(name)), Style::Attention, screen.color),
            one_line(&how(&id, ask)),
        )
    };
    asks.clone().map(one).collect()
}

/// The same below a table.
pub(super) fn asks_below<'a>(
    screen: &Screen,
    asks: impl Iterator<Item = (ThreadId, &'a str, &'a Ask)> + Clone,
) -> String {
    let text = asks_text(screen, asks);
    if text.is_empty() { text } else { format!("\n{text}") }
}
