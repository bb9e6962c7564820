//! What the refs say of each thread.

use std::collections::BTreeMap;

use crate::adapters::git::Ref;
use crate::model::{Mark, StreamId, ThreadId, TurnMark, TurnNumber};

/// All that is kept lies below this.
pub(super) const ROOT: &str = "refs/work/";

/// A snapshot of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRef {
    /// The commit.
    pub at: Ref,
    /// The turn that left it.
    pub turn: TurnMark,
    /// What its mark says.
    pub mark: Mark,
}

/// What is kept of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadRefs {
    /// The stream.
    pub stream: StreamId,
    /// The thread.
    pub thread: ThreadId,
    /// What its pending change is counted from.
    pub base: Option<Ref>,
    /// Its newest state that was kept.
    pub tip: Option<Ref>,
    /// What its turns left, by their numbers.
    pub turns: BTreeMap<TurnNumber, TurnRef>,
    /// What was given up, by its number.
    pub dropped: BTreeMap<u32, Ref>,
}

impl ThreadRefs {
    /// A thread of which nothing is kept.
    pub(super) fn none(stream: &StreamId, thread: ThreadId) -> Self {
        let (stream, turns, dropped) = (stream.clone(), BTreeMap::new(), BTreeMap::new());
        Self { stream, thread, base: None, tip: None, turns, dropped }
    }

    /// The name of one of its refs.
    pub(super) fn name(stream: &StreamId, thread: ThreadId, last: &str) -> String {
        format!("{ROOT}{stream}/{thread}/{last}")
    }

    /// Base and tip, when something is pending.
    #[must_use]
    pub fn pending(&self) -> Option<(&Ref, &Ref)> {
        let (base, tip) = (self.base.as_ref()?, self.tip.as_ref()?);
        (base.tree != tip.tree).then_some((base, tip))
    }

    /// The turns that made the pending change, oldest first.
    pub fn pending_turns(&self) -> impl Iterator<Item = &TurnRef> {
        let base = self.base.as_ref().map(|base| &base.commit);
        self.turns.values().filter(move |turn| base.is_some() && turn.mark.base.as_ref() == base)
    }
}

/// Sorts refs to their threads.
pub(super) fn of_refs(refs: Vec<Ref>) -> Vec<ThreadRefs> {
    let mut threads: BTreeMap<(StreamId, ThreadId), ThreadRefs> = BTreeMap::new();
    for found in refs {
        let Some(rest) = found.name.strip_prefix(ROOT) else { continue };
        let words: Vec<&str> = rest.split('/').collect();
        let [stream, thread, kind @ ..] = words.as_slice() else { continue };
        let (Ok(stream), Ok(thread)) = (stream.parse::<StreamId>(), thread.parse::<ThreadId>()) else {
            continue;
        };
        let entry =
            threads.entry((stream.clone(), thread)).or_insert_with(|| ThreadRefs::none(&stream, thread));
        match kind {
            ["base"] => entry.base = Some(found),
            ["tip"] => entry.tip = Some(found),
            ["dropped", number] => drop(number.parse().map(|number| entry.dropped.insert(number, found))),
            ["turns", _] => {
                if let Some(mark) = Mark::read(&found.message)
                    && let Some(turn) = mark.turn.clone()
                {
                    entry.turns.insert(turn.turn, TurnRef { at: found, turn, mark });
                }
            }
            _ => {}
        }
    }
    threads.into_values().collect()
}
