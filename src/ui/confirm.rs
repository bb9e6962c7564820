//! A question with yes or no. Only for terminals; every question has a flag that answers it.

use dialoguer::Confirm;

/// Asks. Escape, Ctrl-C and a terminal that is gone are a no.
#[must_use]
pub fn confirm(question: &str) -> bool {
    matches!(Confirm::new().with_prompt(question).default(false).interact_opt(), Ok(Some(true)))
}
