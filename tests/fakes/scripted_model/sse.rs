//! The shape of what is sent: chunks of a stream, and a whole completion. Pure.

use serde_json::{Value, json};

/// What all pieces of one answer have in common.
#[derive(Debug, Clone)]
pub(crate) struct Completion {
    /// The number of the request, from which ids are made.
    pub(crate) number: u64,
    /// The model that was asked.
    pub(crate) model: String,
    /// When, in seconds of Unix time.
    pub(crate) created: i64,
}

/// The end of a stream.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// An event that no client can read.
pub(crate) const GARBAGE: &str = "data: {\"choices\": [this is no JSON\n\n";

impl Completion {
    /// A chunk that adds `delta` to the message.
    pub(crate) fn delta(&self, delta: &Value) -> String {
        self.chunk(&json!([{ "index": 0, "delta": delta, "finish_reason": null }]), None)
    }

    /// The chunk that says why the message ends.
    pub(crate) fn finish(&self, reason: &str) -> String {
        self.chunk(&json!([{ "index": 0, "delta": {}, "finish_reason": reason }]), None)
    }

    /// The chunk that reports what was used.
    pub(crate) fn usage(&self, usage: &Value) -> String {
        self.chunk(&json!([]), Some(usage))
    }

    /// The first piece of a tool call: its name, and no arguments yet.
    pub(crate) fn tool_begins(&self, index: usize, name: &str) -> String {
        let call = json!({ "index": index, "id": self.call_id(index), "type": "function", "function": { "name": name, "arguments": "" } });
        self.delta(&json!({ "tool_calls": [call] }))
    }

    /// A further piece of a tool call's arguments.
    pub(crate) fn tool_continues(&self, index: usize, piece: &str) -> String {
        self.delta(&json!({ "tool_calls": [{ "index": index, "function": { "arguments": piece } }] }))
    }

    /// A tool call as a whole.
    pub(crate) fn tool(&self, index: usize, name: &str, arguments: &Value) -> Value {
        json!({ "id": self.call_id(index), "type": "function", "function": { "name": name, "arguments": arguments.to_string() } })
    }

    /// A completion that is not streamed.
    pub(crate) fn whole(&self, message: &Value, reason: &str, usage: &Value) -> Value {
        json!({
            "id": self.id(),
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [{ "index": 0, "message": message, "finish_reason": reason }],
            "usage": usage,
        })
    }

    fn chunk(&self, choices: &Value, usage: Option<&Value>) -> String {
        let mut chunk = json!({
            "id": self.id(),
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage.clone();
        }
        format!("data: {chunk}\n\n")
    }

    fn id(&self) -> String {
        format!("scripted-{}", self.number)
    }

    /// Tool calls need ids that are unique in a conversation.
    fn call_id(&self, index: usize) -> String {
        format!("call_{}_{}_{index}", self.created, self.number)
    }
}
