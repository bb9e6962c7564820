//! Taking typed values out of a YAML tree, and reporting what does not fit.

use std::ops::Range;

use crate::diag::Diagnostic;

use super::yaml::{Key, Node, Value, read};

/// The codes of what can be wrong with any file of settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codes {
    pub(super) syntax: &'static str,
    pub(super) unknown_key: &'static str,
    pub(super) duplicate_key: &'static str,
    pub(super) wrong_type: &'static str,
}

/// Collects diagnostics while values are taken.
pub(super) struct Reader {
    codes: Codes,
    /// What was found so far.
    pub(super) found: Vec<Diagnostic>,
}

impl Reader {
    /// A reader that has found nothing.
    pub(super) fn new(codes: Codes) -> Self {
        Self { codes, found: Vec::new() }
    }

    /// The tree of `source`, if it is YAML.
    pub(super) fn read(&mut self, source: &str) -> Option<Node> {
        match read(source) {
            Ok(node) => Some(node),
            Err(error) => {
                let at = error.span.start;
                let start = source[..at].rfind('\n').map_or(0, |line| line + 1);
                let line = source[start..].lines().next().unwrap_or("");
                let help = if line.starts_with('\t') || line.trim_start_matches(' ').starts_with('\t') {
                    "indent with spaces: YAML takes no tabs"
                } else {
                    "quote texts that hold `: `, `#`, `*`, `&`, `@` or brackets, and close what is opened"
                };
                let finding =
                    Diagnostic::error(self.codes.syntax, format!("this is not YAML: {}", error.message));
                self.found.push(finding.at(error.span, "").help(help));
                None
            }
        }
    }

    /// The entries of a map, of which only `known` keys are used. A key that stands twice counts once.
    pub(super) fn map<'a>(
        &mut self,
        node: &'a Node,
        what: &str,
        known: &[&str],
    ) -> Option<Vec<(&'a Key, &'a Node)>> {
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node, what, "keys with values");
            return None;
        };
        let mut kept: Vec<(&Key, &Node)> = Vec::new();
        for (key, value) in entries {
            if let Some((first, _)) = kept.iter().find(|(first, _)| first.name == key.name) {
                let finding =
                    Diagnostic::error(self.codes.duplicate_key, format!("`{}` stands twice", key.name))
                        .at(key.span.clone(), "not used")
                        .and_at(first.span.clone(), "the first one");
                self.found.push(finding.help("leave one of them"));
            } else if known.is_empty() || known.contains(&key.name.as_str()) {
                kept.push((key, value));
            } else {
                self.unknown_key(key, what, known);
            }
        }
        Some(kept)
    }

    /// The items of a list. Nothing at all is an empty one.
    pub(super) fn list<'a>(&mut self, node: &'a Node, what: &str) -> &'a [Node] {
        match &node.value {
            Value::List(items) => items,
            Value::Null => &[],
            _ => {
                self.wrong_type(node, what, "a list");
                &[]
            }
        }
    }

    /// A text. A number or a bool is taken as it is written.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.value {
            Value::Text(text) | Value::Plain(text) => Some(text.clone()),
            _ => {
                self.wrong_type(node, what, "a text");
                None
            }
        }
    }

    /// Reports an error at `span`.
    pub(super) fn error(&mut self, code: &'static str, span: Range<usize>, message: String, help: &str) {
        self.found.push(Diagnostic::error(code, message).at(span, "").help(help));
    }

    /// Reports that `node` holds something else than `expected`.
    pub(super) fn wrong_type(&mut self, node: &Node, what: &str, expected: &str) {
        let is = match &node.value {
            Value::Null => "nothing",
            Value::Plain(_) => "a number or bool",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "keys with values",
        };
        let message = format!("{what} is {is}, and has to be {expected}");
        self.error(
            self.codes.wrong_type,
            node.span.clone(),
            message,
            "see `work agents --help` for an example",
        );
    }

    fn unknown_key(&mut self, key: &Key, what: &str, known: &[&str]) {
        let near = known.iter().find(|name| is_near(&key.name, name));
        let help = match near {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!(
                "{what} knows {}",
                known.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        let finding =
            Diagnostic::warning(self.codes.unknown_key, format!("{what} has no key `{}`", key.name));
        self.found.push(finding.at(key.span.clone(), "not used").help(help));
    }
}

/// Whether one word is surely a slip of the other: other case or separators, or two letters off.
fn is_near(given: &str, known: &str) -> bool {
    let plain =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let (given, known) = (plain(given), plain(known));
    if given.len() > 40 {
        return false;
    }
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (i, a) in given.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in known.bytes().enumerate() {
            let cost = corner + usize::from(a != b);
            corner = row[j + 1];
            row[j + 1] = cost.min(corner + 1).min(row[j] + 1);
        }
    }
    row[known.len()] <= known.len().min(6) / 3
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn slips_are_near() {
        for (given, known) in [
            ("bestFor", "best_for"),
            ("modles", "models"),
            ("Name", "name"),
            ("stall-timeout", "stallTimeout"),
        ] {
            assert!(is_near(given, known), "{given}");
        }
        for (given, known) in [("color", "models"), ("x", "env"), ("tools", "models"), ("mode", "name")] {
            assert!(!is_near(given, known), "{given}");
        }
    }
}
