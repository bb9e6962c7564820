//! Session records: stale ones, those that can't be resumed, and what is amiss with their journals.

use std::collections::{BTreeMap, HashSet};

use super::Checked;
use crate::diag::{Diagnostic, Severity};
use crate::engine::{Workspace, owner, status};
use crate::model::{AgentName, SessionRecord, SessionRef, SessionState, Thread, TurnNumber};
use crate::store::Journals;

/// Adds what is odd. `thorough`: also what matters to nobody any more, since the thread is done.
pub(super) fn check(state: &Checked<'_>, workspace: &Workspace, thorough: bool, found: &mut Vec<Diagnostic>) {
    for thread in &state.stream.threads {
        open(state, thread, found);
        numbers(state, thread, found);
        let settled = status::status_of(thread).is_settled();
        if thorough || !settled {
            unresumable(state, thread, found);
        }
        if !settled {
            directory(state, thread, found);
        }
    }
    current(state, found);
    unknown_agents(state, found);
    journals(state, &Journals::new(&workspace.private), found);
}

/// `1`, or `1, 2 and 5`.
fn listed(numbers: &[u32]) -> String {
    let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// Attempts without an end.
fn open(state: &Checked<'_>, thread: &Thread, found: &mut Vec<Diagnostic>) {
    let id = thread.id;
    let open: Vec<&SessionRecord> = thread.sessions.iter().filter(|record| record.is_open()).collect();
    if open.len() > 1 {
        let finding = Diagnostic::error("S003", format!("thread {id} has several open attempts"));
        found.push(state.at_thread(finding, thread));
    }
    for record in open.into_iter().filter(|record| !record.owner().is_some_and(owner::is_alive)) {
        let message = format!("attempt {} of thread {id} is open, and its owner is dead", record.attempt);
        let finding =
            Diagnostic::note("S004", message).help("it counts as interrupted, and the next run writes it so");
        found.push(state.at_record(finding, thread, record));
    }
}

/// What numbers and times of attempts contradict.
fn numbers(state: &Checked<'_>, thread: &Thread, found: &mut Vec<Diagnostic>) {
    let mut seen = HashSet::new();
    for record in &thread.sessions {
        let (attempt, id) = (record.attempt, thread.id);
        if let Some(before) = record.resumed_from.filter(|before| !seen.contains(before)) {
            let message = format!(
                "attempt {attempt} of thread {id} continues attempt {before}, and there is no earlier one of that number"
            );
            found.push(state.at_record(Diagnostic::warning("S015", message), thread, record));
        }
        if !seen.insert(attempt) {
            let message = format!("thread {id} has two attempts of the number {attempt}");
            let finding = Diagnostic::error("S011", message).help("give one of them another number");
            found.push(state.at_record(finding, thread, record));
        }
        let end = match &record.state {
            SessionState::Ended { end, .. } => end.at,
            SessionState::Running { .. } => None,
        };
        if end.is_some_and(|end| end < record.started_at) {
            let message = format!("attempt {attempt} of thread {id} ended before it began");
            found.push(state.at_record(Diagnostic::warning("S014", message), thread, record));
        }
    }
}

/// Current sessions in the file that do not follow from the records.
fn current(state: &Checked<'_>, found: &mut Vec<Diagnostic>) {
    for raw in state.raw["threads"].as_array().into_iter().flatten() {
        let Some(said) = raw["currentSessionId"].as_str() else { continue };
        let id = raw["id"].as_str().and_then(|id| id.parse().ok());
        let Some(thread) = id.and_then(|id| state.stream.thread(id)) else { continue };
        let is_it = |record: &&SessionRecord| match &record.session {
            SessionRef::Known(id) => id.0 == said,
            SessionRef::Invented(id) => id == said,
            SessionRef::Unopened => false,
        };
        if thread.sessions.iter().filter(|record| record.is_open()).any(|record| is_it(&record)) {
            continue;
        }
        let message =
            format!("thread {} has `{said}` as its current session, and no open attempt has it", thread.id);
        let finding =
            Diagnostic::warning("S012", message).help("the next change of the stream writes what is true");
        found.push(state.at_thread(finding, thread));
    }
}

/// Attempts whose sessions no agent knows: one finding a thread and kind.
fn unresumable(state: &Checked<'_>, thread: &Thread, found: &mut Vec<Diagnostic>) {
    let of = |kind: fn(&SessionRef) -> bool| -> Vec<&SessionRecord> {
        thread.sessions.iter().filter(|record| kind(&record.session)).collect()
    };
    let invented = of(|session| matches!(session, SessionRef::Invented(_)));
    let unopened = of(|session| matches!(session, SessionRef::Unopened));
    for (records, why) in [(invented, "made up by an older tool"), (unopened, "missing")] {
        let Some(first) = records.first() else { continue };
        let attempts: Vec<u32> = records.iter().map(|record| record.attempt).collect();
        let message = format!(
            "{} {} of thread {} can't be resumed: the session id is {why}",
            plural(attempts.len(), "attempt"),
            listed(&attempts),
            thread.id
        );
        found.push(state.at_record(Diagnostic::note("S006", message), thread, first));
    }
}

/// The folder that the next agent would find the session by.
fn directory(state: &Checked<'_>, thread: &Thread, found: &mut Vec<Diagnostic>) {
    let Some(last) = thread.last_record().filter(|record| record.session.known().is_some()) else { return };
    if let Some(directory) = last.directory.as_ref().filter(|directory| !directory.is_dir()) {
        let message = format!(
            "attempt {} of thread {} worked in `{}`, which is no longer there",
            last.attempt,
            thread.id,
            directory.display()
        );
        let finding =
            Diagnostic::warning("S008", message).help("its session can't be resumed from elsewhere");
        found.push(state.at_record(finding, thread, last));
    }
}

/// Agents of attempts that agents.yaml has no more: one finding an agent.
fn unknown_agents(state: &Checked<'_>, found: &mut Vec<Diagnostic>) {
    let mut missing: BTreeMap<&str, (Vec<&Thread>, bool)> = BTreeMap::new();
    for thread in &state.stream.threads {
        let open = !status::status_of(thread).is_settled();
        let names: HashSet<&AgentName> = thread.sessions.iter().map(|record| &record.agent).collect();
        for name in names.into_iter().filter(|name| !name.0.is_empty() && !state.knows(name)) {
            let of_agent = missing.entry(&name.0).or_default();
            of_agent.0.push(thread);
            // Whoever goes on with the thread would go on with the last one.
            of_agent.1 |= open && thread.last_record().is_some_and(|last| last.agent == *name);
        }
    }
    for (name, (threads, open)) in missing {
        let ids: Vec<String> = threads.iter().map(|thread| thread.id.to_string()).collect();
        let message = format!(
            "agent `{name}` worked on {} {}, and agents.yaml does not have it",
            plural(ids.len(), "thread"),
            ids.join(", ")
        );
        let severity = if open { Severity::Warning } else { Severity::Note };
        let finding = Diagnostic::new(severity, "S013", message);
        found.extend(threads.first().map(|thread| state.at_thread(finding, thread)));
    }
}

/// Turns of records without a journal here, and journals without a record.
fn journals(state: &Checked<'_>, journals: &Journals, found: &mut Vec<Diagnostic>) {
    let stream = &state.stream.id;
    let folders = journals.threads(stream).unwrap_or_default();
    let mut missing: Vec<(&Thread, Vec<TurnNumber>)> = Vec::new();
    for thread in &state.stream.threads {
        let there = journals.turns(stream, thread.id).unwrap_or_default();
        let named: HashSet<TurnNumber> =
            thread.sessions.iter().flat_map(|record| &record.turns).copied().collect();
        let mut gone: Vec<TurnNumber> = named.iter().filter(|turn| !there.contains(turn)).copied().collect();
        gone.sort_unstable();
        if !gone.is_empty() {
            missing.push((thread, gone));
        }
        let nameless: Vec<TurnNumber> = there.into_iter().filter(|turn| !named.contains(turn)).collect();
        if !nameless.is_empty() {
            let message = format!(
                "no attempt of thread {} names the {} of {} {}",
                thread.id,
                plural(nameless.len(), "journal"),
                plural(nameless.len(), "turn"),
                listed(&nameless)
            );
            let place =
                format!("`work logs {}` shows what lies in {}", thread.id, folder(journals, state, thread));
            found.push(state.at_thread(Diagnostic::warning("S010", message).help(place), thread));
        }
    }
    for id in folders.into_iter().filter(|id| state.stream.thread(*id).is_none()) {
        let dir = journals.dir(stream, id);
        let message = format!("there are journals of thread {id}, which the state does not have");
        found.push(Diagnostic::warning("S010", message).help(format!("they lie in `{}`", dir.display())));
    }
    // A state that was cloned has none of its journals: told once.
    let all = missing.len() > 1 && !journals.dir_of(stream).is_dir();
    if all {
        let message = format!("the journals of {} threads are not on this machine", missing.len());
        found.push(Diagnostic::note("S009", message));
        return;
    }
    for (thread, turns) in missing {
        let (word, turns) = (plural(turns.len(), "turn"), listed(&turns));
        let message = format!("{word} {turns} of thread {} left no journal on this machine", thread.id);
        found.push(state.at_thread(Diagnostic::note("S009", message), thread));
    }
}

fn folder(journals: &Journals, state: &Checked<'_>, thread: &Thread) -> String {
    format!("`{}`", journals.dir(&state.stream.id, thread.id).display())
}
