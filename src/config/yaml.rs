//! YAML as a tree whose every node knows its bytes.
//!
//! The only file that names serde-saphyr. Knows nothing of agents and settings. Keys that stand twice
//! are both kept, so that the reader can show both places.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// A value and its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// The value.
    pub(super) value: Value,
    /// Where it stands.
    pub(super) span: Range<usize>,
}

/// A key and its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    /// The key as text.
    pub(super) name: String,
    /// Where it stands.
    pub(super) span: Range<usize>,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Nothing.
    Null,
    /// `true`, `false` or a number, as it is written.
    Plain(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys with values, in order.
    Map(Vec<(Key, Node)>),
}

/// Why a text is not YAML, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// What the parser says.
    pub(super) message: String,
    /// The place; empty at the end of the file if the parser names none.
    pub(super) span: Range<usize>,
}

/// Reads one document. A file without any gives [`Value::Null`].
pub(super) fn read(source: &str) -> Result<Node, SyntaxError> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
        with_snippet: false,
    };
    let read = serde_saphyr::from_str_with_options::<serde_saphyr::Spanned<Raw>>(source, options);
    match read {
        Ok(raw) => Ok(node(source, raw)),
        Err(_) if is_blank(source) => Ok(Node { value: Value::Null, span: 0..0 }),
        Err(error) => {
            let place = error.location().map(|location| bytes(source, &location));
            let span = place.unwrap_or(source.len()..source.len());
            Err(SyntaxError { message: message(&error.to_string()), span })
        }
    }
}

/// Whether there is nothing but blanks, comments and document marks.
fn is_blank(source: &str) -> bool {
    let source = source.trim_start_matches('\u{feff}');
    source.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#') || line == "---")
}

/// The parser's words, on one line, without the place that is shown anyway.
fn message(text: &str) -> String {
    let line = text.lines().next().unwrap_or("").trim();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let end = line.find(" at line ").unwrap_or(line.len());
    line[..end].trim_end_matches([',', '.', ':']).to_owned()
}

type RawNode = serde_saphyr::Spanned<Raw>;

/// A value as the deserializer gives it.
enum Raw {
    Null,
    Plain(String),
    Text(String),
    List(Vec<RawNode>),
    Map(Vec<(serde_saphyr::Spanned<String>, RawNode)>),
}

fn node(source: &str, raw: RawNode) -> Node {
    let span = bytes(source, &raw.referenced);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Plain(text) => {
            // `1.10` is a number to YAML, and a text to whoever wrote it as one.
            let written = source[bytes(source, &raw.defined)].trim();
            Value::Plain(if written.is_empty() { text } else { written.to_owned() })
        }
        Raw::Text(text) => Value::Text(text),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(source, item)).collect()),
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let span = bytes(source, &key.referenced);
                    (Key { name: key.value, span }, node(source, value))
                })
                .collect(),
        ),
    };
    Node { span: whole(source, &value, span), value }
}

/// The bytes of a whole list or map: the parser gives only its start.
fn whole(source: &str, value: &Value, span: Range<usize>) -> Range<usize> {
    let last = match value {
        Value::List(items) => items.last().map(|item| item.span.end),
        Value::Map(entries) => entries.last().map(|(key, value)| value.span.end.max(key.span.end)),
        _ => return span,
    };
    let opening = source[span.start..].chars().next();
    let Some(close) = opening.and_then(|c| [('[', ']'), ('{', '}')].into_iter().find(|(open, _)| *open == c))
    else {
        return span.start..last.unwrap_or(span.end).max(span.end);
    };
    let end = last.unwrap_or(span.start + 1).max(span.start + 1);
    let rest = &source[end..];
    let skipped = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    let end = if skipped.starts_with(close.1) { end + (rest.len() - skipped.len()) + 1 } else { end };
    span.start..end.max(span.end)
}

/// The bytes of a location, on character boundaries within the source.
fn bytes(source: &str, location: &serde_saphyr::Location) -> Range<usize> {
    let span = location.span();
    let number = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok());
    let start = match number(span.byte_offset()) {
        Some(start) => start,
        None => line_and_column(source, location.line(), location.column()),
    };
    let start = source.floor_char_boundary(start.min(source.len()));
    let length = number(span.byte_len()).unwrap_or(0);
    start..source.ceil_char_boundary(start.saturating_add(length).min(source.len())).max(start)
}

/// The byte at a line and column, both from 1.
fn line_and_column(source: &str, line: u64, column: u64) -> usize {
    let count = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let start: usize = source.split_inclusive('\n').take(count(line)).map(str::len).sum();
    let line = source[start..].lines().next().unwrap_or("");
    start + line.char_indices().nth(count(column)).map_or(line.len(), |(at, _)| at)
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Plain(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Raw, E> {
        Err(E::custom("binary values have no place here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
            if entries.len() > 100_000 {
                return Err(A::Error::custom("more keys than any settings have"));
            }
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, Value, read};

    fn shape(node: &Node, source: &str) -> String {
        let text = &source[node.span.clone()];
        match &node.value {
            Value::List(items) => items.iter().map(|item| shape(item, source)).collect::<Vec<_>>().join(" "),
            Value::Map(entries) => entries
                .iter()
                .map(|(key, value)| {
                    format!("{}@{}={}", key.name, &source[key.span.clone()], shape(value, source))
                })
                .collect::<Vec<_>>()
                .join(" "),
            Value::Plain(value) => format!("{value}~{text}"),
            Value::Text(value) => format!("{value}:{text}"),
            Value::Null => "null".to_owned(),
        }
    }

    #[test]
    fn each_node_knows_its_bytes() {
        for (source, expected) in [
            ("a: é\nb: [x, 1.10]\n", "a@a=é:é b@b=x:x 1.10~1.10"),
            ("é: 'q'\r\n", "é@é=q:'q'"),
            ("- true\n- 007\n-\n", "true~true 007~007 null"),
            ("a: 1\na: 2\n", "a@a=1~1 a@a=2~2"),
            ("\u{feff}a: b\n", "a@a=b:b"),
            ("x: &n one\ny: *n\n", "x@x=one:one y@y=one:*n"),
            ("# nothing\n", "null"),
            ("", "null"),
            ("---\n", "null"),
        ] {
            let node = read(source).expect(source);
            assert_eq!(shape(&node, source), expected, "{source:?}");
        }
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        for source in
            ["a: [1\n", "a: 'x\n", "a:\n\t- b\n", "a: b: c\n", "{", "a: *x\n", "a: 1\n---\nb: 2\n", "\0"]
        {
            let error = read(source).expect_err(source);
            assert!(error.span.end <= source.len(), "{source:?} {error:?}");
            assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error:?}");
        }
    }
}
