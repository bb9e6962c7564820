//! Where a value stands in the text of a JSON file, so that a finding can show it.
//!
//! A search and no parser: good for pointing, never for deciding. One invariant: a span is a byte
//! range of the text, on character boundaries.

use std::collections::HashMap;
use std::ops::Range;

/// The first `"key": value` behind `from`. `value` is as JSON writes it.
pub(super) fn field(source: &str, key: &str, value: &str, from: usize) -> Option<Range<usize>> {
    let quoted = format!("\"{key}\"");
    let rest = source.get(from..)?;
    rest.match_indices(value).find_map(|(at, _)| {
        let end = at + value.len();
        let whole = !rest[end..].starts_with(|c: char| c.is_ascii_alphanumeric());
        let before = rest[..at].trim_end().strip_suffix(':')?.trim_end().strip_suffix(&quoted)?;
        whole.then_some(from + before.len()..from + end)
    })
}

/// The first `"key": "text"` behind `from`.
pub(super) fn text(source: &str, key: &str, text: &str, from: usize) -> Option<Range<usize>> {
    field(source, key, &serde_json::Value::from(text).to_string(), from)
}

/// Where each id stands first: `"id": "…"`. For whoever looks for many in a long file.
pub(super) fn ids(source: &str) -> HashMap<&str, Range<usize>> {
    let mut found = HashMap::new();
    for (at, key) in source.match_indices("\"id\"") {
        let rest = &source[at + key.len()..];
        let value = rest.trim_start().strip_prefix(':').and_then(|rest| rest.trim_start().strip_prefix('"'));
        let Some((id, behind)) = value.and_then(|value| value.split_once('"')) else { continue };
        found.entry(id).or_insert(at..source.len() - behind.len());
    }
    found
}

/// The place of what a message names first in backticks, as an id or as any text.
pub(super) fn named(source: &str, message: &str) -> Option<Range<usize>> {
    let name = message.split('`').nth(1).filter(|name| !name.is_empty())?;
    let as_key = || {
        let quoted = format!("\"{name}\"");
        source.find(&quoted).map(|at| at..at + quoted.len())
    };
    // A thread of the older tool is known by its first task.
    let first_task = || {
        let at = source.find(&format!("\"{name}."))?;
        Some(at..at + 1 + source[at + 1..].find('"')? + 1)
    };
    let ids = ["id", "threadId"].iter().find_map(|key| text(source, key, name, 0));
    ids.or_else(as_key).or_else(first_task)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_keys() {
        let source = r#"{"id" : "01.01.01", "n": 12, "list": [{"n":1, "name": "01.01.01"}]}"#;
        let shown = |span: Option<Range<usize>>| span.map(|span| source[span].to_owned());
        assert_eq!(shown(text(source, "id", "01.01.01", 0)).as_deref(), Some(r#""id" : "01.01.01""#));
        assert_eq!(shown(text(source, "id", "01.01.01", 5)), None);
        assert_eq!(shown(field(source, "n", "1", 0)).as_deref(), Some(r#""n":1"#));
        assert_eq!(shown(named(source, "the `list` is odd")).as_deref(), Some("\"list\""));
        assert_eq!(named(source, "nothing is named"), None);
        assert_eq!(shown(ids(source).remove("01.01.01")).as_deref(), Some(r#""id" : "01.01.01""#));
    }
}
