//! The directives of a prompt. Pure.

use std::time::Duration;

/// One directive and what follows it on its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directive {
    /// Its name, without the `@`.
    pub(crate) name: String,
    /// The rest of the line.
    pub(crate) rest: String,
}

/// The script in a prompt; a prompt without one says so.
pub(crate) fn read(prompt: &str) -> Vec<Directive> {
    let script = prompt.split_once("```script\n").map_or("@text no script", |(_, rest)| rest);
    script
        .lines()
        .take_while(|line| !line.starts_with("```"))
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix('@')?.split_once(' ').unwrap_or((&line[1..], ""));
            Some(Directive { name: name.to_owned(), rest: rest.to_owned() })
        })
        .collect()
}

/// A time such as `500ms` or `2s`.
pub(crate) fn time(text: &str) -> Duration {
    let number = |unit: &str| text.strip_suffix(unit).and_then(|digits| digits.parse().ok());
    match (number("ms"), number("s")) {
        (Some(milliseconds), _) => Duration::from_millis(milliseconds),
        (None, Some(seconds)) => Duration::from_secs(seconds),
        (None, None) => Duration::ZERO,
    }
}

/// The value of a word `name=value`.
pub(crate) fn value(words: &str, name: &str) -> Option<f64> {
    words.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}
