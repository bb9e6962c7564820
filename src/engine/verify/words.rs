//! A check in words: for people, and for the agent that is to mend what failed.

use crate::model::{CheckedCommand, Thread, Verification};

/// The check that keeps a thread from being done whose tasks are.
#[must_use]
pub fn unsettled(thread: &Thread) -> Option<&Verification> {
    let tasks = !thread.tasks.is_empty() && thread.tasks_are_settled();
    thread.check().filter(|check| tasks && !check.is_settled())
}

/// Why a thread is not done whose agent has ended its turn: its check, or its open tasks.
#[must_use]
pub fn open_words(thread: &Thread) -> String {
    if let Some(check) = unsettled(thread) {
        return check.words();
    }
    let open = thread.tasks.iter().filter(|task| !task.status.is_settled()).count();
    if open == 1 { "1 task is open".to_owned() } else { format!("{open} tasks are open") }
}

/// The section of a prompt that tells what the last check found; empty when it has nothing to tell.
#[must_use]
pub fn failure(thread: &Thread) -> String {
    match thread.check() {
        Some(check @ Verification::Failed(_)) => check.failed().map(told).unwrap_or_default(),
        Some(check @ (Verification::Stopped { .. } | Verification::Due)) if thread.tasks_are_settled() => {
            format!(
                "The tasks are done, and the thread is not: {}. Run the commands yourself, and mend what fails.\n",
                check.words()
            )
        }
        _ => String::new(),
    }
}

fn told(failed: &CheckedCommand) -> String {
    let CheckedCommand { command, end, tail, .. } = failed;
    let mut text = format!(
        "After the last turn the commands that must pass were run where you work, and this one {}:\n\n{}\n",
        end.words(),
        fenced("sh", command)
    );
    match tail.is_empty() {
        true => text.push_str("It wrote nothing.\n"),
        false => text.push_str(&format!("The last that it wrote:\n\n{}\n", fenced("text", tail))),
    }
    text.push_str(
        "Mend that. The commands are run again after your turn; the thread is done when they pass.\n",
    );
    text
}

/// A text in a fence that is longer than any within it.
fn fenced(kind: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{kind}\n{}\n{fence}\n", text.trim_end())
}
