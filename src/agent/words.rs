//! What agents and providers say, made fit for a message: the kind of failure in a text, a paragraph of it,
//! and a text cut to a length that a journal can bear.

use serde_json::Value;

use crate::model::FailureKind;

/// The longest message we keep; a provider may send a whole web page.
const LONGEST: usize = 600;

/// The longest output or argument of a tool that is passed on, in bytes.
const LONGEST_OUTPUT: usize = 8 * 1024;

/// Some providers tell of a spent quota with another status than 429.
pub(crate) fn is_quota(message: &str) -> bool {
    let message = message.to_lowercase();
    ["insufficient_quota", "quota exceeded", "exceeded your current quota", "rate limit", "rate_limit"]
        .iter()
        .any(|words| message.contains(words))
}

/// The kind of failure that a text speaks of, where it is all that an agent tells. A status counts only as a
/// word of its own.
pub(crate) fn kind(text: &str) -> FailureKind {
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let status = |code: &str| lower.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == code);
    if says(&["context length", "context window", "context_length", "maximum context", "prompt is too long"])
    {
        FailureKind::ContextFull
    } else if is_quota(&lower) || status("429") || says(&["too many requests"]) {
        FailureKind::RateLimit
    } else if status("401")
        || status("403")
        || says(&[
            "unauthorized",
            "unauthenticated",
            "forbidden",
            "authenticat",
            "api key",
            "api_key",
            "x-api-key",
        ])
    {
        FailureKind::Auth
    } else if says(&["model not found", "model_not_found", "unknown model"])
        || (says(&["model"]) && says(&["does not exist"]))
    {
        FailureKind::ModelUnknown
    } else if says(&["session not found"]) {
        FailureKind::SessionUnknown
    } else {
        FailureKind::Provider
    }
}

/// The first paragraph, without a stack, cut at a length that fits a table's cell and a log's line.
pub(crate) fn paragraph(message: &str) -> String {
    let first: Vec<_> = message
        .lines()
        .take_while(|line| !line.trim_start().starts_with("at "))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(4)
        .collect();
    let text = first.join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The first line, cut to what a table can show.
pub(crate) fn line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// A text cut to a length that a journal can bear, saying how much is left out.
pub(crate) fn cap(text: &str) -> String {
    if text.len() <= LONGEST_OUTPUT {
        return text.to_owned();
    }
    let end = (0..=LONGEST_OUTPUT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}\n… ({} more bytes)", &text[..end], text.len() - end)
}

/// Arguments, each text in them cut.
pub(crate) fn capped(input: &Value) -> Value {
    match input {
        Value::String(text) => Value::String(cap(text)),
        Value::Array(items) => Value::Array(items.iter().map(capped).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), capped(value))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_tells_the_kind_of_a_failure() {
        for (text, expected) in [
            ("401 stub says 401", FailureKind::Auth),
            ("Incorrect API key provided", FailureKind::Auth),
            ("Authentication required", FailureKind::Auth),
            ("429 slow down", FailureKind::RateLimit),
            ("You exceeded your current quota", FailureKind::RateLimit),
            ("This model's maximum context length is 8192 tokens", FailureKind::ContextFull),
            ("The model `zzz` does not exist", FailureKind::ModelUnknown),
            ("Model not found: a/b", FailureKind::ModelUnknown),
            ("Session not found: nope", FailureKind::SessionUnknown),
            ("took 1401 ms, then terminated", FailureKind::Provider),
            ("", FailureKind::Provider),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn a_message_is_one_short_paragraph() {
        let stack = "Model not found: a/b.\n    at x (y.js:1)\n    at z";
        assert_eq!(paragraph(stack), "Model not found: a/b.");
        assert!(paragraph(&"ä".repeat(5000)).chars().count() <= LONGEST + 1);
    }
}
