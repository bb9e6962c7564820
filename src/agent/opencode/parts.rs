//! The parts of an answer: what of each was already told, so that no byte is told twice.
//!
//! A text comes as deltas and once more, whole, at its end. When the stream of events was broken in
//! between, deltas are missing; then the part says nothing until its whole text is known.

mod heir;

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

use super::wire::{Delta, Part, ToolState};
use crate::agent::words::{self, cap, capped};
use crate::model::{AgentEvent, ToolStatus};

/// Text or thought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Voice {
    Text,
    Reasoning,
}

#[derive(Debug)]
struct Spoken {
    voice: Voice,
    /// What was told of it.
    told: String,
    /// Deltas may be missing, so only its whole text counts.
    gap: bool,
    /// Nothing more of it will be told.
    done: bool,
    /// It was given up, and said so.
    void: bool,
}

impl Spoken {
    fn new(voice: Voice) -> Self {
        Self { voice, told: String::new(), gap: false, done: false, void: false }
    }

    /// Gives it up. Whether anybody had heard of it.
    fn bury(&mut self) -> bool {
        self.done = true;
        !std::mem::replace(&mut self.void, true) && !self.told.is_empty()
    }
}

/// The last thing that was told of a tool call.
#[derive(Debug, PartialEq)]
struct Told {
    status: ToolStatus,
    title: String,
    input: Option<Value>,
}

/// All parts of the current turn.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    spoken: HashMap<String, Spoken>,
    tools: HashMap<String, Told>,
    /// Something was told since the model was last asked.
    fresh: bool,
    /// What was told of a part that is not known yet: the next one of that voice.
    unplaced: HashMap<Voice, String>,
}

impl Parts {
    /// Parts that are being told may have lost deltas.
    pub(crate) fn broke(&mut self) {
        for part in self.spoken.values_mut().filter(|part| !part.done) {
            part.gap = true;
        }
    }

    /// An answer of the model is complete: what was told is settled.
    pub(crate) fn settle(&mut self) {
        self.fresh = false;
    }

    /// The model's stream broke and it is asked again. `Restarted` when words were told of it.
    pub(crate) fn retry(&mut self) -> Option<AgentEvent> {
        for part in self.spoken.values_mut() {
            part.bury();
        }
        std::mem::take(&mut self.fresh).then_some(AgentEvent::Restarted)
    }

    /// A whole answer as it is now, after events were lost. Words of an attempt that was given up are
    /// never told, and if they were, `Restarted` says so: the model was asked anew within the answer,
    /// or the answer is complete and they are not.
    pub(crate) fn answer(&mut self, parts: &[Part], complete: bool) -> Vec<AgentEvent> {
        let mut void = false;
        for part in &parts[void_zone(parts)] {
            if let Some(voice) = voice(part) {
                void |= self.spoken.entry(part.id.clone()).or_insert_with(|| Spoken::new(voice)).bury();
            }
        }
        // A text that is not whole yet may be told by deltas that are still on their way.
        let whole = |part: &&Part| part.kind == "tool" || (voice(part).is_some() && ended_at(part));
        let told: Vec<_> = parts.iter().filter(whole).filter_map(|part| self.update(part)).collect();
        for part in parts.iter().filter(|_| complete) {
            if let Some(spoken) = self.spoken.get_mut(&part.id).filter(|spoken| !spoken.done) {
                void |= spoken.bury();
            }
        }
        if complete {
            self.settle();
        }
        void.then_some(AgentEvent::Restarted).into_iter().chain(told).collect()
    }

    /// More of a text.
    pub(crate) fn delta(&mut self, delta: &Delta) -> Option<AgentEvent> {
        if delta.field != "text" || delta.delta.is_empty() {
            return None;
        }
        // A part whose beginning was never seen is told as a whole, at its end.
        let part = self.spoken.get_mut(&delta.part_id)?;
        if part.gap || part.done {
            return None;
        }
        part.told.push_str(&delta.delta);
        self.fresh = true;
        Some(say(part.voice, delta.delta.clone()))
    }

    /// A part as it is now.
    pub(crate) fn update(&mut self, part: &Part) -> Option<AgentEvent> {
        match voice(part) {
            Some(voice) => self.spoken(part, voice),
            None if part.kind == "tool" => self.tool(part),
            // The model is asked. If it had spoken already, that was void, and we missed the retry.
            None if part.kind == "step-start" => self.retry(),
            None if part.kind == "step-finish" => {
                self.settle();
                None
            }
            None => None,
        }
    }

    fn spoken(&mut self, part: &Part, voice: Voice) -> Option<AgentEvent> {
        let unplaced = &mut self.unplaced;
        let known = self.spoken.entry(part.id.clone()).or_insert_with(|| match unplaced.remove(&voice) {
            Some(told) => Spoken { told, gap: true, ..Spoken::new(voice) },
            None => Spoken::new(voice),
        });
        if known.done {
            return None;
        }
        known.done = ended_at(part);
        // The end of a text is trimmed by the server, and a plugin may have rewritten it: what was told
        // stays told, and only what goes on from there is new.
        let rest = part.text.strip_prefix(known.told.as_str())?;
        if rest.is_empty() {
            return None;
        }
        known.told.push_str(rest);
        self.fresh = true;
        Some(say(voice, rest.to_owned()))
    }

    fn tool(&mut self, part: &Part) -> Option<AgentEvent> {
        let state = part.state.as_ref()?;
        let status = match state.status.as_str() {
            "pending" => ToolStatus::Pending,
            "running" => ToolStatus::Running,
            "completed" => ToolStatus::Completed,
            "error" => ToolStatus::Failed,
            _ => return None,
        };
        let input = has_arguments(&state.input).then(|| capped(&state.input));
        let now = Told { status, title: title(&part.tool, state), input: input.clone() };
        if self.tools.get(&part.id).is_some_and(|told| *told == now || ended(told.status)) {
            return None;
        }
        let title = now.title.clone();
        self.tools.insert(part.id.clone(), now);
        let output = match status {
            ToolStatus::Pending | ToolStatus::Running => None,
            ToolStatus::Completed => state.output.as_deref().map(cap),
            ToolStatus::Failed => state.error.as_deref().map(cap),
        };
        Some(AgentEvent::ToolCall {
            id: part.id.clone(),
            name: part.tool.clone(),
            title,
            status,
            input,
            output,
        })
    }
}

/// The parts of an answer that were given up: the model was asked anew after them.
fn void_zone(parts: &[Part]) -> Range<usize> {
    let last_step = parts.iter().rposition(|part| part.kind == "step-start").unwrap_or(0);
    parts[..last_step].iter().rposition(|part| part.kind == "step-finish").unwrap_or(0)..last_step
}

fn voice(part: &Part) -> Option<Voice> {
    match part.kind.as_str() {
        "text" => Some(Voice::Text),
        "reasoning" => Some(Voice::Reasoning),
        _ => None,
    }
}

/// Whether the part is whole.
fn ended_at(part: &Part) -> bool {
    part.time.is_some_and(|time| time.end.is_some())
}

fn say(voice: Voice, delta: String) -> AgentEvent {
    match voice {
        Voice::Text => AgentEvent::Text { delta },
        Voice::Reasoning => AgentEvent::Reasoning { delta },
    }
}

fn ended(status: ToolStatus) -> bool {
    matches!(status, ToolStatus::Completed | ToolStatus::Failed)
}

fn has_arguments(input: &Value) -> bool {
    input.as_object().is_some_and(|map| !map.is_empty())
}

/// A line for people: the server's own title, or the argument that says most.
fn title(tool: &str, state: &ToolState) -> String {
    let own = state.title.as_deref().filter(|title| !title.is_empty());
    let argument = || {
        ["command", "filePath", "path", "pattern", "url", "query", "description", "error"]
            .iter()
            .find_map(|name| state.input.get(name).and_then(Value::as_str))
    };
    let line = own.or_else(argument).unwrap_or(tool);
    words::line(line)
}
