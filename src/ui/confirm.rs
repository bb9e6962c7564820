//! A question with yes or no. Only for terminals; every question has a flag that answers it.

use std::io::stdin;

use super::Screen;

/// Asks, and reads a line: `y` and `yes` are a yes, anything else is a no, and so is the end of the input.
/// A line, so that what is typed ahead or beyond the `y` is not left to the shell.
#[must_use]
pub fn confirm(screen: &Screen, question: &str) -> bool {
    screen.ask(&format!("{question} [y/N] "));
    let mut line = String::new();
    let read = stdin().read_line(&mut line);
    if !line.ends_with('\n') {
        screen.ask("\n");
    }
    read.is_ok() && matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
