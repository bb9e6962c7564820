//! Questions with several answers. Only for terminals; every question has a flag that answers it.

use dialoguer::console::Term;
use dialoguer::{Input, Select};

use super::Screen;
use super::text::{cut, one_line};

/// Asks for one of the items; `default` is the one that is marked first. `None` when the person wants
/// none: Escape, `q`, Ctrl-C, or a terminal that is gone.
#[must_use]
pub fn choose(question: &str, items: &[String], default: usize) -> Option<usize> {
    let term = Term::stderr();
    let room = usize::from(term.size().1).saturating_sub(4).max(20);
    // A line that wraps would be redrawn in the wrong place.
    let items: Vec<String> = items.iter().map(|item| cut(&one_line(item), room)).collect();
    let chosen = Select::new().with_prompt(question).items(&items).default(default).interact_on_opt(&term);
    // Ctrl-C leaves it hidden.
    let _ = term.show_cursor();
    chosen.ok().flatten()
}

/// A terminal that was asked in the middle of a question: its cursor comes back, and the person hears what
/// became of it.
pub fn abandon(screen: &Screen, words: &str) {
    let _ = Term::stderr().show_cursor();
    screen.say(&format!("\n{words}"));
}

/// Asks for a line. `None` for an empty one, Ctrl-C, or a terminal that is gone.
#[must_use]
pub fn ask(question: &str) -> Option<String> {
    let term = Term::stderr();
    let text: Result<String, _> =
        Input::new().with_prompt(question).allow_empty(true).interact_text_on(&term);
    let _ = term.show_cursor();
    text.ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
