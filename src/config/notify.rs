//! `notify` of `work/config.yaml`: who is told of what.

use serde::{Deserialize, Serialize};

use super::reader::Reader;
use super::yaml::{Node, Value};
use crate::model::NoticeKind;

/// How a person is told who is looking elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// What they are told of.
    pub on: Vec<NoticeKind>,
    /// In the status lines of the tmux servers that have to do with it.
    pub tmux: bool,
    /// By the desktop: `notify-send`, or `osascript` on macOS.
    pub desktop: bool,
    /// A program and its arguments, which gets JSON on its standard input; empty for none.
    pub command: Vec<String>,
}

impl Default for Notify {
    fn default() -> Self {
        Self { on: NoticeKind::ALL.to_vec(), tmux: true, desktop: false, command: Vec::new() }
    }
}

pub(super) fn notify(reader: &mut Reader, node: &Node, notify: &mut Notify) {
    let known = ["on", "tmux", "desktop", "command"];
    for (key, node) in reader.map(node, "`notify`", &known).unwrap_or_default() {
        match key.name.as_str() {
            "on" => {
                let kinds: Vec<_> = reader.list(node, "`notify.on`").to_vec();
                notify.on = kinds.iter().filter_map(|node| kind(reader, node)).collect();
            }
            "tmux" => notify.tmux = flag(reader, node, "`notify.tmux`").unwrap_or(notify.tmux),
            "desktop" => notify.desktop = flag(reader, node, "`notify.desktop`").unwrap_or(notify.desktop),
            _ => notify.command = command(reader, node),
        }
    }
}

fn kind(reader: &mut Reader, node: &Node) -> Option<NoticeKind> {
    let word = reader.text(node, "an item of `notify.on`")?;
    let kind = NoticeKind::ALL.into_iter().find(|kind| kind.name() == word);
    if kind.is_none() {
        let message = format!("`{word}` is nothing that a person is told of");
        reader.error(
            "C010",
            node.span.clone(),
            message,
            "write `done`, `failed`, `waiting`, `batch` or `budget`",
        );
    }
    kind
}

fn flag(reader: &mut Reader, node: &Node, what: &str) -> Option<bool> {
    match &node.value {
        Value::Plain(word) if word == "true" => Some(true),
        Value::Plain(word) if word == "false" => Some(false),
        _ => {
            reader.wrong_type(node, what, "`true` or `false`");
            None
        }
    }
}

fn command(reader: &mut Reader, node: &Node) -> Vec<String> {
    let words = reader.list(node, "`notify.command`").to_vec();
    words.iter().filter_map(|word| reader.text(word, "a word of `notify.command`")).collect()
}
