//! What was deleted, or would be, in words.

use super::added::kind;
use crate::engine::edits::{Deleted, StreamDeleted};
use crate::ui::one_line;

/// The verb of what is done.
pub(super) const DONE: &str = "deleted";

/// A part of the plan.
pub(super) fn part_words(deleted: &Deleted, verb: &str) -> String {
    let (id, count) = (deleted.deleted.id, |count: usize, word: &str| plural(count, word));
    let mut text = format!("{verb} {} {id} {}", kind(id), one_line(&deleted.deleted.name));
    let mut holds = vec![count(deleted.lines, "line")];
    if deleted.threads.len() > 1 {
        holds.push(count(deleted.threads.len(), "thread"));
    }
    if deleted.tasks > 1 {
        holds.push(count(deleted.tasks, "task"));
    }
    text.push_str(&format!(" ({} of PLAN.md)\n", holds.join(", ")));
    let ids =
        |ids: &[crate::model::ThreadId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if !deleted.kept.is_empty() {
        text.push_str(&format!("kept in tasks.json for their history: {}\n", ids(&deleted.kept)));
    }
    if !deleted.dependents.is_empty() {
        text.push_str(&format!("these depend on it, and have to be changed: {}\n", ids(&deleted.dependents)));
    }
    text.push_str(&format!("PLAN.md as it was can be got back from {}\n", deleted.recovery.words()));
    text
}

/// A stream.
pub(super) fn stream_words(deleted: &StreamDeleted, verb: &str) -> String {
    let (threads, sessions) = (plural(deleted.threads, "thread"), plural(deleted.sessions, "session record"));
    let name = one_line(&deleted.name);
    let mut text = format!("{verb} stream {} {name} ({threads}, {sessions})\n", deleted.deleted);
    let goes = if verb == DONE { "went" } else { "goes" };
    text.push_str(&format!("its folder {goes} to `{}`\n", deleted.folder.display()));
    if let Some(journals) = &deleted.journals {
        text.push_str(&format!(
            "its journals {} to `{}`\n",
            if verb == DONE { "went" } else { "go" },
            journals.display()
        ));
    }
    if let Some(commit) = &deleted.commit {
        let id = &deleted.deleted;
        text.push_str(&format!("commit {commit} has it: `git checkout {commit} -- work/{id}`\n"));
    }
    text
}

fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
