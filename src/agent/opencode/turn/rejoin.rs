//! A turn that somebody else began, and died over: taken up where their events end.

use chrono::{DateTime, Utc};

use super::{Phase, Turn};
use crate::agent::opencode::parts::Parts;
use crate::agent::opencode::wire::{Message, Part, Role};
use crate::model::AgentEvent;

/// The message with which a turn began: the newest with exactly this text, not older than the turn. A
/// session may have had the same prompt before.
pub(crate) fn prompt_of<'a>(messages: &'a [Message], text: &str, since: DateTime<Utc>) -> Option<&'a str> {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970")]
    let since = since.timestamp_millis() as f64;
    let said = |message: &Message| {
        let texts = message.parts.iter().filter(|part| part.kind == "text");
        texts.map(|part| part.text.as_str()).collect::<String>()
    };
    let ours = |message: &&Message| {
        message.info.role == Role::User
            && message.info.time.created.is_some_and(|created| created >= since)
            && said(message) == text
    };
    messages.iter().rev().find(ours).map(|message| message.info.id.as_str())
}

impl Turn {
    /// Takes up the turn that began with this message, of which so much was told. What the session has
    /// beyond that, the next look at it tells.
    pub(crate) fn rejoin(&mut self, prompt: &str, told: &[AgentEvent], messages: &[Message]) {
        self.begin(prompt);
        self.phase = Phase::Open;
        let ours = |message: &&Message| {
            let info = &message.info;
            info.role == Role::Assistant && self.answers_us(info) && !info.is_summary()
        };
        let answers: Vec<&[Part]> = messages.iter().filter(ours).map(|one| one.parts.as_slice()).collect();
        // Known from here on: a new answer would settle what was told before it.
        for message in messages {
            let events = self.message(&message.info, DateTime::UNIX_EPOCH);
            debug_assert!(events.is_empty(), "there is no error yet that could be told");
        }
        self.parts = Parts::inherited(&answers, told);
        // Of sub-agents only tools are told.
        self.child_parts = Parts::inherited(&[], told);
        self.broke();
        // Only the server can tell what was used.
        self.spent = None;
        let usage = |event: &AgentEvent| match event {
            AgentEvent::Usage(usage) => Some(*usage),
            _ => None,
        };
        self.usage = told.iter().rev().find_map(usage).unwrap_or_default();
    }
}
