//! What a person can do about an error. Stands beside each error type that knows it.

/// An error that may know the next step.
pub trait Hint {
    /// What to do next: lowercase, commands in backticks, no full stop. Most important first.
    fn hints(&self) -> Vec<String>;
}

/// An error and everything below it, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        source = error.source();
    }
    text
}
