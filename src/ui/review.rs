//! What changed since an approval, as text.

use super::{Screen, Style, one_line, paint, printable, time};
use crate::engine::review::{Basis, Line, Part, PartChange, Review, ReviewKind};

/// The most lines of one part that are shown.
const MOST: usize = 20;

/// The whole review.
#[must_use]
pub fn review_text(screen: &Screen, review: &Review) -> String {
    let Some(at) = review.approved_at else { return "the plan is not approved\n".to_owned() };
    let by = review.approved_by.as_deref().map(|by| format!(" by {}", one_line(by))).unwrap_or_default();
    let mut text = format!("approved {}{by}\n", time::ago(at, screen.now));
    if review.threads.is_empty() && review.texts.is_empty() {
        return format!("{text}nothing changed since then\n");
    }
    match &review.basis {
        Basis::Commit(commit) => text.push_str(&format!("compared with commit {}\n", one_line(commit))),
        Basis::Hashes => text.push_str("the approved text was not found; its hashes tell what changed\n"),
        Basis::Same | Basis::Copy => {}
    }
    for change in &review.threads {
        let (words, style) = match change.kind {
            ReviewKind::New => ("is new", Style::Good),
            ReviewKind::Gone => ("is gone", Style::Bad),
            ReviewKind::Changed => ("changed", Style::Attention),
            ReviewKind::Renamed => ("was renamed", Style::Attention),
            ReviewKind::Reassigned => ("names another agent; it runs as before", Style::Faint),
        };
        heading(screen, &mut text, &change.id.to_string(), &change.name, words, style);
        change.parts.iter().for_each(|part| part_lines(screen, &mut text, part));
    }
    for change in &review.texts {
        let id = change.id.map_or_else(|| "plan".to_owned(), |id| id.to_string());
        let whole = change.parts.iter().find(|part| part.part == Part::Whole);
        let (words, style) = match whole.and_then(|part| part.lines.first()) {
            Some(Line::Added(_)) => ("is new", Style::Good),
            Some(Line::Removed(_)) => ("is gone", Style::Bad),
            None => ("says something else", Style::Attention),
        };
        heading(screen, &mut text, &id, &change.name, words, style);
        let parts = change.parts.iter().filter(|part| part.part != Part::Whole);
        parts.for_each(|part| part_lines(screen, &mut text, part));
    }
    text
}

fn heading(screen: &Screen, text: &mut String, id: &str, name: &str, words: &str, style: Style) {
    let (id, words) = (paint(id, Style::Strong, screen.color), paint(words, style, screen.color));
    text.push_str(&format!("\n{id} {}  {words}\n", one_line(name)));
}

fn part_lines(screen: &Screen, text: &mut String, part: &PartChange) {
    text.push_str(&format!("  {}\n", part.part.words()));
    for line in part.lines.iter().take(MOST) {
        let (mark, line, style) = match line {
            Line::Removed(line) => ('-', line, Style::Bad),
            Line::Added(line) => ('+', line, Style::Good),
        };
        let line = printable(line).replace('\t', "    ");
        text.push_str(&format!("    {}\n", paint(format!("{mark} {line}").trim_end(), style, screen.color)));
    }
    if part.lines.len() > MOST {
        text.push_str(&format!("    … and {} more lines\n", part.lines.len() - MOST));
    }
}
