//! The server's objects and events, as far as we read them.
//!
//! Tolerant: unknown fields and unknown events are skipped, and a field that an older or newer server
//! leaves out has a default, so that only what we need to know can make an object unreadable.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One event of `/event`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Event {
    /// E.g. `message.updated`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// What it tells; its form follows from `kind`.
    #[serde(default)]
    pub(crate) properties: Value,
}

impl Event {
    /// The session it is about; some events name it only in what they carry.
    pub(crate) fn session(&self) -> Option<&str> {
        ["/sessionID", "/part/sessionID", "/info/sessionID", "/info/id"]
            .iter()
            .find_map(|place| self.properties.pointer(place).and_then(Value::as_str))
    }

    /// For `session.created`: the new session's parent.
    pub(crate) fn parent(&self) -> Option<&str> {
        self.properties.pointer("/info/parentID").and_then(Value::as_str)
    }
}

/// A session.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SessionInfo {
    /// `ses_…`.
    pub(crate) id: String,
    /// The directory it works in.
    pub(crate) directory: String,
    /// What a person knows it by.
    pub(crate) title: String,
    /// When it was last used.
    pub(crate) time: SessionTime,
    /// Cost so far.
    pub(crate) cost: f64,
    /// Tokens so far.
    pub(crate) tokens: Tokens,
    /// What its creator stored with it.
    pub(crate) metadata: BTreeMap<String, Value>,
}

/// When a session was used, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct SessionTime {
    pub(crate) updated: i64,
}

/// Token counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Tokens {
    pub(crate) input: f64,
    pub(crate) output: f64,
    pub(crate) reasoning: f64,
    pub(crate) cache: CacheTokens,
}

/// Token counts of the provider's cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct CacheTokens {
    pub(crate) read: f64,
    pub(crate) write: f64,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// A person, or opencode itself (compaction).
    User,
    /// The model.
    Assistant,
}

/// A message without its parts.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageInfo {
    pub(crate) id: String,
    pub(crate) role: Role,
    /// For an answer: the user's message that it answers.
    #[serde(default, rename = "parentID")]
    pub(crate) parent_id: Option<String>,
    #[serde(default)]
    pub(crate) time: Times,
    /// Why the model stopped: `stop`, `tool-calls`, `length`, …
    #[serde(default)]
    pub(crate) finish: Option<String>,
    #[serde(default)]
    pub(crate) error: Option<ErrorObject>,
    /// For an answer: what it cost.
    #[serde(default)]
    pub(crate) cost: f64,
    /// For an answer: its tokens.
    #[serde(default)]
    pub(crate) tokens: Tokens,
    /// `true` for the summary of a compaction; an object for a user's message.
    #[serde(default)]
    pub(crate) summary: Value,
}

impl MessageInfo {
    /// Whether it sums up the conversation for opencode's own use.
    pub(crate) fn is_summary(&self) -> bool {
        self.summary == Value::Bool(true)
    }
}

/// When something began and ended, in milliseconds.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Times {
    pub(crate) created: Option<f64>,
    pub(crate) completed: Option<f64>,
    pub(crate) end: Option<f64>,
}

/// A message with its parts, as `GET /session/ID/message` gives it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Message {
    pub(crate) info: MessageInfo,
    #[serde(default)]
    pub(crate) parts: Vec<Part>,
}

/// A part of a message.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part {
    pub(crate) id: String,
    #[serde(rename = "messageID")]
    pub(crate) message_id: String,
    /// `text`, `reasoning`, `tool`, `step-start`, …
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) time: Option<Times>,
    #[serde(default)]
    pub(crate) tool: String,
    #[serde(default)]
    pub(crate) state: Option<ToolState>,
}

/// How far a tool call is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ToolState {
    pub(crate) status: String,
    pub(crate) input: Value,
    pub(crate) title: Option<String>,
    pub(crate) output: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) metadata: Value,
}

/// `message.part.delta`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Delta {
    #[serde(rename = "messageID")]
    pub(crate) message_id: String,
    #[serde(rename = "partID")]
    pub(crate) part_id: String,
    pub(crate) field: String,
    pub(crate) delta: String,
}

/// An error of a session, a message or a route.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorObject {
    pub(crate) name: String,
    pub(crate) data: ErrorData,
}

/// What an error tells.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ErrorData {
    pub(crate) message: Option<String>,
    pub(crate) status_code: Option<u16>,
    pub(crate) response_headers: BTreeMap<String, Value>,
}

/// `session.status`, and a value of `GET /session/status`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Status {
    Idle,
    Busy,
    Retry {
        #[serde(default)]
        attempt: u32,
        #[serde(default)]
        message: String,
        /// When it asks again, in milliseconds since 1970.
        #[serde(default)]
        next: Option<f64>,
    },
    /// A status of a later server.
    #[serde(other)]
    Unknown,
}

/// A pending permission request.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PermissionRequest {
    pub(crate) id: String,
    #[serde(default, rename = "sessionID")]
    pub(crate) session_id: String,
    #[serde(default)]
    pub(crate) permission: String,
    #[serde(default)]
    pub(crate) patterns: Vec<String>,
    /// What `always` would allow.
    #[serde(default)]
    pub(crate) always: Vec<String>,
}

/// A pending question.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct QuestionRequest {
    pub(crate) id: String,
    #[serde(default, rename = "sessionID")]
    pub(crate) session_id: String,
    #[serde(default)]
    pub(crate) questions: Vec<QuestionItem>,
}

/// One of the questions of a request.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct QuestionItem {
    #[serde(default)]
    pub(crate) question: String,
    #[serde(default)]
    pub(crate) options: Vec<QuestionOption>,
}

/// An answer that is offered.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct QuestionOption {
    #[serde(default)]
    pub(crate) label: String,
}

/// `permission.replied`, `question.replied`, `question.rejected`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Replied {
    #[serde(rename = "requestID")]
    pub(crate) request_id: String,
    #[serde(default)]
    pub(crate) reply: Option<String>,
    #[serde(default)]
    pub(crate) answers: Vec<Vec<String>>,
}

/// `GET /config/providers`: the providers that are connected. Its `options` hold keys and are not read.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ProviderList {
    #[serde(default)]
    pub(crate) providers: Vec<Provider>,
}

/// A provider and its models.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Provider {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) models: BTreeMap<String, Model>,
}

/// A model; its id is the key of the map it stands in.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Model {
    #[serde(default)]
    pub(crate) variants: BTreeMap<String, Value>,
}

/// `GET /global/health`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Health {
    #[serde(default)]
    pub(crate) version: String,
}
