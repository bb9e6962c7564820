//! The mark of a snapshot: the trailers of its commit, by which it is known for ever.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{StreamId, ThreadId, TurnNumber};

/// The name of an object of git: a commit or a tree, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ObjectId(String);

impl ObjectId {
    /// `text` as an object's name, when it is one: 40 or 64 hexadecimal digits.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (hex && matches!(text.len(), 40 | 64)).then(|| Self(text.to_owned()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..10).unwrap_or(&self.0)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// More files than this are not named in a mark.
const MOST_OUTSIDE: usize = 20;

/// The turn that left a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TurnMark {
    /// Its number within the thread.
    pub turn: TurnNumber,
    /// The agent.
    pub agent: String,
    /// Its model.
    pub model: String,
    /// The agent's own id of the session, when it got one.
    pub session: Option<String>,
    /// How it ended: `completed`, `failed`, `cancelled`, `interrupted`.
    pub status: String,
    /// Files of the main checkout that changed while it ran.
    pub outside: Vec<String>,
}

/// What the commit of a snapshot says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The stream.
    pub stream: StreamId,
    /// The thread.
    pub thread: ThreadId,
    /// What the pending change is counted from; a base has none.
    pub base: Option<ObjectId>,
    /// The turn that left it; none for a base, and for what was kept besides.
    pub turn: Option<TurnMark>,
}

impl Mark {
    /// The message of its commit.
    #[must_use]
    pub fn message(&self) -> String {
        let (thread, stream) = (self.thread, &self.stream);
        let title = match (&self.turn, &self.base) {
            (Some(turn), _) => format!("work: turn {} of {thread} by {}", turn.turn, one_line(&turn.agent)),
            (None, Some(_)) => format!("work: {thread} as its worktree was"),
            (None, None) => format!("work: what {thread} began with"),
        };
        let mut text = format!("{title}\n\nWork-Stream: {stream}\nWork-Thread: {thread}\n");
        let mut trailer = |name: &str, value: &str| {
            text.push_str(&format!("Work-{name}: {}\n", one_line(value)));
        };
        if let Some(turn) = &self.turn {
            trailer("Turn", &turn.turn.to_string());
            trailer("Agent", &turn.agent);
            trailer("Model", &turn.model);
            if let Some(session) = &turn.session {
                trailer("Session", session);
            }
            trailer("Status", &turn.status);
            turn.outside.iter().take(MOST_OUTSIDE).for_each(|file| trailer("Outside", file));
        }
        if let Some(base) = &self.base {
            trailer("Base", base.as_str());
        }
        text
    }

    /// The mark that a message holds; none when it is no message of ours.
    #[must_use]
    pub fn read(message: &str) -> Option<Self> {
        let value = |name: &str| {
            message.lines().rev().find_map(|line| {
                line.strip_prefix("Work-")?.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned)
            })
        };
        let turn = value("Turn").and_then(|number| number.parse().ok()).map(|turn| TurnMark {
            turn,
            agent: value("Agent").unwrap_or_default(),
            model: value("Model").unwrap_or_default(),
            session: value("Session"),
            status: value("Status").unwrap_or_default(),
            outside: message
                .lines()
                .filter_map(|line| line.strip_prefix("Work-Outside: ").map(str::to_owned))
                .collect(),
        });
        Some(Self {
            stream: value("Stream")?.parse().ok()?,
            thread: value("Thread")?.parse().ok()?,
            base: value("Base").and_then(|base| ObjectId::new(&base)),
            turn,
        })
    }
}

/// A trailer is one line, whatever a model is called.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let oid = ObjectId::new(&"a".repeat(40)).expect("an id");
        let of = |base, turn| Mark {
            stream: "005-x".parse().expect("an id"),
            thread: "01.02.03".parse().expect("an id"),
            base,
            turn,
        };
        let turn = |agent: &str| TurnMark {
            turn: 7,
            agent: agent.to_owned(),
            model: "p/m#high".to_owned(),
            session: Some("ses_1".to_owned()),
            status: "completed".to_owned(),
            outside: vec!["a b.txt".to_owned(), "c".to_owned()],
        };
        for mark in
            [of(None, None), of(Some(oid.clone()), None), of(Some(oid.clone()), Some(turn("back end")))]
        {
            assert_eq!(Mark::read(&mark.message()), Some(mark));
        }
        let forged = of(Some(oid), Some(turn("x\nWork-Thread: 09.09.09\nWork-Base: y")));
        let read = Mark::read(&forged.message()).expect("a mark");
        assert_eq!((read.thread, read.base), (forged.thread, forged.base));
        assert_eq!(Mark::read("fix: a thing\n\nReviewed-by: x\n"), None);
        assert_eq!((ObjectId::new("HEAD"), ObjectId::new(&"A".repeat(40))), (None, None));
    }
}
