//! The words of a report that are the same in Markdown and HTML: times, sums, counts. Times are UTC, since a
//! report is read elsewhere than where it was made.

use chrono::{DateTime, Utc};

use crate::engine::report::{Left, Report, SessionReport, Taken, ThreadReport};
use crate::model::{Progress, Spent, TaskStatus, grouped};
use crate::ui::spent;

/// How many files a sentence names.
const FILES: usize = 10;

/// `2026-03-04 05:06 UTC`.
pub(super) fn utc(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// `2026-03-04 05:06:07`, for tables that say above that their times are UTC.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `45s`, `12m 5s`, `1h 24m`, `49h 0m`.
pub(super) fn took(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3_600, seconds / 60 % 60),
    }
}

/// `1 thread`, `2 threads`.
pub(super) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// What sessions cost together: what is not known is said, and is no zero.
pub(super) fn cost(taken: &Taken) -> String {
    spent::cost(&taken.used)
}

/// The same as a sentence.
pub(super) fn cost_sentence(taken: &Taken) -> String {
    let Spent { sessions, cost, unpriced, .. } = taken.used;
    match (cost, unpriced) {
        _ if sessions == 0 => "nothing: no agent has worked".to_owned(),
        (None, _) => "unknown: no session told a price".to_owned(),
        (Some(cost), 0) => cost.to_string(),
        (Some(cost), unpriced) => {
            format!("{cost}, and what {} cost that told no price", count(unpriced, "session"))
        }
    }
}

/// How long sessions took together.
pub(super) fn time(taken: &Taken) -> String {
    match taken.used.sessions {
        0 => String::new(),
        sessions if sessions == taken.untimed => "unknown".to_owned(),
        _ if taken.untimed == 0 => took(taken.seconds),
        _ => format!("≥ {}", took(taken.seconds)),
    }
}

/// The same as a sentence.
pub(super) fn time_sentence(taken: &Taken) -> String {
    let note = match taken.untimed {
        0 => String::new(),
        untimed => format!(", without {} whose end nobody saw", count(untimed, "session")),
    };
    format!("{}, all sessions added up{note}", took(taken.seconds))
}

/// Tokens of sessions together, in and out, for a table.
pub(super) fn tokens(taken: &Taken) -> [String; 2] {
    spent::tokens(&taken.used)
}

/// All tokens of some sessions, for a figure.
pub(super) fn all_tokens(taken: &Taken) -> String {
    spent::all_tokens(&taken.used)
}

/// The same in a few words, for the facts of a thread.
pub(super) fn tokens_note(taken: &Taken) -> String {
    format!("tokens: {}", all_tokens(taken))
}

/// All tokens of some sessions, as a sentence.
pub(super) fn tokens_sentence(taken: &Taken) -> String {
    let Spent { sessions, tokens, unmetered, .. } = taken.used;
    if unmetered == sessions {
        return "unknown: no session told any".to_owned();
    }
    let mut notes = Vec::new();
    if tokens.cache_read > 0 {
        notes.push(format!("{} of the first from a cache", grouped(tokens.cache_read)));
    }
    if tokens.cache_write > 0 {
        notes.push(format!("{} more written to a cache", grouped(tokens.cache_write)));
    }
    if unmetered > 0 {
        notes.push(format!("without {} that told none", count(unmetered, "session")));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    format!("{} in, {} out{notes}", grouped(tokens.sent()), grouped(tokens.received()))
}

/// `2 of 5 tasks`, and what became of the others that are not open.
pub(super) fn tasks(progress: &Progress) -> String {
    let mut text = format!("{} of {}", progress.completed, count(progress.total, "task"));
    for (number, word) in [(progress.blocked, "blocked"), (progress.cancelled, "cancelled")] {
        if number > 0 {
            text.push_str(&format!(", {number} {word}"));
        }
    }
    text
}

/// `1 completed, 2 failed`, in the order of a life.
pub(super) fn counts(counts: &std::collections::BTreeMap<&'static str, usize>) -> String {
    const ORDER: [&str; 9] = [
        "running",
        "waiting",
        "completed",
        "incomplete",
        "failed",
        "interrupted",
        "blocked",
        "pending",
        "cancelled",
    ];
    let found = ORDER.iter().filter_map(|word| Some(format!("{} {word}", counts.get(word)?)));
    found.collect::<Vec<_>>().join(", ")
}

/// The status of a task, in words.
pub(super) fn task_status(status: TaskStatus) -> String {
    status.name().replace('_', " ")
}

/// When a session ended, how long it took, and what it cost, for a table.
pub(super) fn session_took(session: &SessionReport) -> String {
    session.seconds.map_or_else(|| "unknown".to_owned(), took)
}

/// What a session cost.
pub(super) fn session_cost(session: &SessionReport) -> String {
    session.cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string())
}

/// Tokens of a session, in and out; empty where none are told.
pub(super) fn session_tokens(session: &SessionReport) -> [String; 2] {
    session
        .told
        .tokens
        .filter(|tokens| tokens.total() > 0)
        .map_or([String::new(), String::new()], |tokens| [grouped(tokens.sent()), grouped(tokens.received())])
}

/// What each attempt changed outside the `**Paths:**` of the thread, a sentence each.
pub(super) fn outside(thread: &ThreadReport) -> Vec<String> {
    let sessions = thread.sessions.iter();
    let words = |session: &SessionReport| {
        let outside = session.outside_paths.as_ref()?;
        Some(format!("Attempt {} changed {}.", session.attempt, outside.words(FILES)))
    };
    sessions.filter_map(words).collect()
}

/// What is said of a thread beside its name.
pub(super) fn thread_note(thread: &ThreadReport) -> String {
    if thread.in_plan { String::new() } else { "no longer in the plan".to_owned() }
}

/// The threads that were begun and go on no further: the first of them, and how many more there are.
pub(super) fn stuck(report: &Report) -> (Vec<(&ThreadReport, &Left)>, usize) {
    const SHOWN: usize = 12;
    let mut all: Vec<_> =
        report.threads().filter_map(|thread| Some((thread, thread.left.as_ref()?))).collect();
    // One more takes no more room than saying so.
    let more = if all.len() > SHOWN + 1 { all.len() - SHOWN } else { 0 };
    all.truncate(all.len() - more);
    (all, more)
}

/// What changed in the plan since it was approved, as a sentence; empty when nothing did.
pub(super) fn drift(report: &Report) -> String {
    const NAMED: usize = 5;
    let ids: Vec<String> = report.drift.iter().map(|drift| drift.id.to_string()).collect();
    match ids.len() {
        0 => String::new(),
        1..=NAMED => format!("the plan is not what was approved, in {}", ids.join(", ")),
        number => format!(
            "the plan is not what was approved, in {} and {} others",
            ids[..NAMED - 1].join(", "),
            number + 1 - NAMED
        ),
    }
}

/// The facts of a report in two lines, for a terminal.
#[must_use]
pub fn report_summary(report: &Report) -> String {
    let sessions = match report.spent.used.sessions {
        0 => "no agent has worked yet".to_owned(),
        number => {
            let parts = [count(number, "session"), time(&report.spent), cost(&report.spent)];
            parts.join("  ·  ")
        }
    };
    let threads = report.counts.values().sum();
    let standing = match counts(&report.counts) {
        none if none.is_empty() => "no threads yet".to_owned(),
        standing => format!("{}: {standing}", count(threads, "thread")),
    };
    format!("{}  ·  {standing}\n{sessions}\n", tasks(&report.tasks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Money;

    #[test]
    fn sums_are_said_as_people_say_them() {
        for (seconds, said) in [(0, "0s"), (59, "59s"), (61, "1m 1s"), (3_600, "1h 0m"), (180_000, "50h 0m")]
        {
            assert_eq!(took(seconds), said);
        }
    }

    #[test]
    fn a_price_that_nobody_told_is_said_in_a_sentence() {
        let taken = |sessions, unpriced, cost: Option<f64>| {
            let cost = cost.map(Money::of_dollars);
            Taken { used: Spent { sessions, unpriced, cost, ..Spent::default() }, ..Taken::default() }
        };
        for (taken, said) in [
            (taken(0, 0, None), "nothing: no agent has worked"),
            (taken(2, 2, None), "unknown: no session told a price"),
            (taken(2, 1, Some(1.5)), "$1.50, and what 1 session cost that told no price"),
            (taken(2, 0, Some(0.0)), "$0"),
        ] {
            assert_eq!(cost_sentence(&taken), said);
        }
    }
}
