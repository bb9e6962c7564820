//! Trees: a stream as stages, batches, threads and tasks.

use super::{Screen, Style, paint};

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
    let mut text = format!("{}\n", line(screen, root));
    below(screen, root, "", &mut text);
    text
}

fn line(screen: &Screen, node: &TreeNode) -> String {
    let note = node.note.as_ref().map(|(note, style)| format!("  {}", paint(note, *style, screen.color)));
    let name = if node.name.is_empty() { String::new() } else { format!(" {}", node.name) };
    format!("{}{name}{}", paint(&node.id, Style::Strong, screen.color), note.unwrap_or_default())
}

fn below(screen: &Screen, node: &TreeNode, indent: &str, text: &mut String) {
    for (index, child) in node.children.iter().enumerate() {
        let last = index + 1 == node.children.len();
        let (branch, rest) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
        text.push_str(&format!("{indent}{branch}{}\n", line(screen, child)));
        below(screen, child, &format!("{indent}{rest}"), text);
    }
}
