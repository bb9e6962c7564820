//! What waits for a person, and the commands that answer it.

use super::{Screen, Style, one_line, paint, time};
use crate::engine::answer::how;
use crate::engine::status::ThreadRow;
use crate::model::{Ask, ThreadId};

/// Every request that waits, with its thread and that one's name: what is asked, how long it waits, and how
/// to answer.
#[must_use]
pub fn asks_text(screen: &Screen, asks: &[(ThreadId, &str, &Ask)]) -> String {
    let of = |thread: ThreadId| asks.iter().filter(|(other, ..)| *other == thread).count();
    let one = |&(thread, name, ask): &(ThreadId, &str, &Ask)| {
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
    asks.iter().map(one).collect()
}

/// The same below a table.
pub(super) fn asks_below(screen: &Screen, threads: &[ThreadRow]) -> String {
    let asks: Vec<_> = threads
        .iter()
        .flat_map(|row| row.asks().iter().map(move |ask| (row.id, row.name.as_str(), ask)))
        .collect();
    let text = asks_text(screen, &asks);
    if text.is_empty() { text } else { format!("\n{text}") }
}
