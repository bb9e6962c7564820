//! The words of a report that are the same in Markdown and HTML: times, sums, counts. Times are UTC, since a
//! report is read elsewhere than where it was made.

use chrono::{DateTime, Utc};

use crate::engine::report::{Left, Report, SessionReport, Spent, ThreadReport};
use crate::model::{Progress, TaskStatus, Usage};

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

/// `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `$1.51`; small sums need more digits to say anything.
pub(super) fn dollars(cost: f64) -> String {
    if cost == 0.0 {
        "$0".to_owned()
    } else if cost < 0.1 {
        format!("${cost:.4}")
    } else {
        format!("${cost:.2}")
    }
}

/// What sessions cost together: what is not known is said, and is no zero.
pub(super) fn cost(spent: &Spent) -> String {
    match (spent.told(), spent.unpriced) {
        _ if spent.sessions == 0 => String::new(),
        (None, _) => "unknown".to_owned(),
        (Some(cost), 0) => dollars(cost),
        (Some(cost), _) => format!("{} + unknown", dollars(cost)),
    }
}

/// The same as a sentence.
pub(super) fn cost_sentence(spent: &Spent) -> String {
    match (spent.told(), spent.unpriced) {
        _ if spent.sessions == 0 => "nothing: no agent has worked".to_owned(),
        (None, _) => "unknown: no session told a price".to_owned(),
        (Some(cost), 0) => dollars(cost),
        (Some(cost), unpriced) => {
            format!("{}, and what {} cost that told no price", dollars(cost), count(unpriced, "session"))
        }
    }
}

/// How long sessions took together.
pub(super) fn time(spent: &Spent) -> String {
    match spent {
        Spent { sessions: 0, .. } => String::new(),
        Spent { sessions, untimed, .. } if sessions == untimed => "unknown".to_owned(),
        Spent { seconds, untimed: 0, .. } => took(*seconds),
        Spent { seconds, .. } => format!("{} + unknown", took(*seconds)),
    }
}

/// The same as a sentence.
pub(super) fn time_sentence(spent: &Spent) -> String {
    let note = match spent.untimed {
        0 => String::new(),
        untimed => format!(", without {} whose end nobody saw", count(untimed, "session")),
    };
    format!("{}, all sessions added up{note}", took(spent.seconds))
}

/// Tokens that went in, as `work status` counts them.
pub(super) fn tokens_in(usage: &Usage) -> u64 {
    usage.input + usage.cache_read
}

/// Tokens that came out.
pub(super) fn tokens_out(usage: &Usage) -> u64 {
    usage.output + usage.reasoning
}

/// Tokens of sessions together, in and out, for a table.
pub(super) fn tokens(spent: &Spent) -> [String; 2] {
    [tokens_in(&spent.usage), tokens_out(&spent.usage)].map(|tokens| match spent.unmetered {
        _ if spent.sessions == 0 => String::new(),
        0 => grouped(tokens),
        unmetered if unmetered == spent.sessions => "unknown".to_owned(),
        _ => format!("{} + unknown", grouped(tokens)),
    })
}

/// All tokens of some sessions, as a sentence.
pub(super) fn tokens_sentence(spent: &Spent) -> String {
    let usage = &spent.usage;
    if spent.unmetered == spent.sessions {
        return "unknown: no session told any".to_owned();
    }
    let mut notes = Vec::new();
    if usage.cache_read > 0 {
        notes.push(format!("{} of the first from a cache", grouped(usage.cache_read)));
    }
    if usage.cache_write > 0 {
        notes.push(format!("{} more written to a cache", grouped(usage.cache_write)));
    }
    if spent.unmetered > 0 {
        notes.push(format!("without {} that told none", count(spent.unmetered, "session")));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    format!("{} in, {} out{notes}", grouped(tokens_in(usage)), grouped(tokens_out(usage)))
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
    session.cost.map_or_else(|| "unknown".to_owned(), dollars)
}

/// Tokens of a session, in and out; empty where none are told.
pub(super) fn session_tokens(session: &SessionReport) -> [String; 2] {
    session.usage.map_or([String::new(), String::new()], |usage| {
        [grouped(tokens_in(&usage)), grouped(tokens_out(&usage))]
    })
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
    let sessions = match report.spent.sessions {
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

    #[test]
    fn sums_are_said_as_people_say_them() {
        for (seconds, said) in [(0, "0s"), (59, "59s"), (61, "1m 1s"), (3_600, "1h 0m"), (180_000, "50h 0m")]
        {
            assert_eq!(took(seconds), said);
        }
        for (number, said) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), said);
        }
        for (cost, said) in [(0.0, "$0"), (0.0123, "$0.0123"), (0.1, "$0.10"), (1.5123, "$1.51")] {
            assert_eq!(dollars(cost), said);
        }
    }

    /// Tried mutant: `told` that gives the sum whatever is unpriced.
    #[test]
    fn what_no_agent_told_is_no_zero() {
        let spent = |sessions, unpriced, cost| Spent {
            sessions,
            unpriced,
            usage: Usage { cost, ..Usage::default() },
            ..Spent::default()
        };
        assert_eq!(cost(&spent(0, 0, 0.0)), "");
        assert_eq!(cost(&spent(2, 2, 0.0)), "unknown");
        assert_eq!(cost(&spent(2, 1, 1.5)), "$1.50 + unknown");
        assert_eq!(cost(&spent(2, 0, 0.0)), "$0");
        assert_eq!(cost_sentence(&spent(2, 2, 0.0)), "unknown: no session told a price");
    }
}
