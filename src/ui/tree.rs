//! Trees: a stream as stages, batches, threads and tasks.

use super::text::{columns, cut};
use super::{Screen, Style, one_line, paint};

/// One node of a tree, already in words.
#[derive(Debug, Clone)]
pub struct TreeNode {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What stands behind the name, with its style.
    pub note: Option<(String, Style)>,
    /// What hangs below it.
    pub children: Vec<TreeNode>,
}

/// The tree as text.
#[must_use]
pub fn tree(screen: &Screen, root: &TreeNode) -> String {
    let mut text = format!("{}\n", line(screen, root, 0));
    below(screen, root, "", &mut text);
    text
}

/// One node on one line: only its name is cut where there is little room.
fn line(screen: &Screen, node: &TreeNode, indent: usize) -> String {
    let (note, style) = node.note.as_ref().map_or(("", Style::Faint), |(note, style)| (note, *style));
    let mut name = one_line(&node.name);
    if let Some(room) = screen.room {
        let taken = indent + columns(&node.id) + 1 + if note.is_empty() { 0 } else { 2 + columns(note) };
        name = cut(&name, usize::from(room).saturating_sub(taken).max(8));
    }
    let id = paint(&node.id, Style::Strong, screen.color);
    let mut line = if name.is_empty() { id } else { format!("{id} {name}") };
    if !note.is_empty() {
        line.push_str(&format!("  {}", paint(note, style, screen.color)));
    }
    line
}

fn below(screen: &Screen, node: &TreeNode, indent: &str, text: &mut String) {
    for (index, child) in node.children.iter().enumerate() {
        let last = index + 1 == node.children.len();
        let (branch, rest) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
        let taken = columns(indent) + columns(branch);
        text.push_str(&format!("{indent}{branch}{}\n", line(screen, child, taken)));
        below(screen, child, &format!("{indent}{rest}"), text);
    }
}
