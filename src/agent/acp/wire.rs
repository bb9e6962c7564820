//! The messages of the protocol, as far as we read them.
//!
//! Tolerant: unknown fields and updates are skipped, and a field of another type than we know counts as one
//! that is not there.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The version that we speak.
pub(crate) const VERSION: u64 = 1;

/// The code of a request for something that is not there.
pub(crate) const METHOD_NOT_FOUND: i64 = -32601;

/// One line.
#[derive(Debug)]
pub(crate) enum Message {
    /// An answer to our request of this number.
    Answer(u64, Result<Value, RpcError>),
    /// The agent wants an answer; its id is a number, from 0, or a text.
    Request { id: Value, method: String, params: Value },
    /// The agent tells something.
    Notification { method: String, params: Value },
}

/// Why a request was refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RpcError {
    #[serde(deserialize_with = "lenient")]
    pub(crate) code: i64,
    #[serde(deserialize_with = "lenient")]
    pub(crate) message: String,
    pub(crate) data: Value,
}

/// Reads a line; `None` when it is no message.
pub(crate) fn decode(line: &[u8]) -> Option<Message> {
    let Value::Object(mut object) = serde_json::from_slice(line).ok()? else { return None };
    let id = object.remove("id").filter(|id| !id.is_null());
    let params = object.remove("params").unwrap_or_default();
    match (object.remove("method"), id) {
        (Some(Value::String(method)), Some(id)) => Some(Message::Request { id, method, params }),
        (Some(Value::String(method)), None) => Some(Message::Notification { method, params }),
        (None, Some(id)) => {
            let answer = match object.remove("error").filter(|error| !error.is_null()) {
                Some(error) => Err(RpcError::deserialize(error).unwrap_or_default()),
                None => Ok(object.remove("result").unwrap_or_default()),
            };
            Some(Message::Answer(id.as_u64()?, answer))
        }
        _ => None,
    }
}

/// The answer to `initialize`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Initialized {
    #[serde(deserialize_with = "lenient")]
    pub(crate) protocol_version: u64,
    #[serde(deserialize_with = "lenient")]
    pub(crate) agent_capabilities: Capabilities,
}

/// What an agent can do.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Capabilities {
    #[serde(deserialize_with = "lenient")]
    pub(crate) load_session: bool,
    #[serde(deserialize_with = "lenient")]
    pub(crate) session_capabilities: SessionCapabilities,
}

/// What it can do with sessions; what is there, even if empty, it can.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SessionCapabilities {
    pub(crate) resume: Option<Value>,
}

/// The answer to `session/new`, `session/load` and `session/resume`, and part of that to
/// `session/set_config_option`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SessionAnswer {
    #[serde(deserialize_with = "lenient")]
    pub(crate) session_id: String,
    #[serde(deserialize_with = "lenient")]
    pub(crate) models: Option<Models>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) modes: Option<Modes>,
    #[serde(deserialize_with = "each")]
    pub(crate) config_options: Vec<ConfigOption>,
}

/// The models of an agent without an option for them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Models {
    #[serde(deserialize_with = "lenient")]
    pub(crate) current_model_id: String,
    #[serde(deserialize_with = "each")]
    pub(crate) available_models: Vec<Model>,
}

/// One of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Model {
    #[serde(deserialize_with = "lenient")]
    pub(crate) model_id: String,
    #[serde(deserialize_with = "lenient")]
    pub(crate) name: String,
}

/// The modes of an agent without an option for them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Modes {
    #[serde(deserialize_with = "lenient")]
    pub(crate) current_mode_id: String,
    #[serde(deserialize_with = "each")]
    pub(crate) available_modes: Vec<Mode>,
}

/// One of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Mode {
    #[serde(deserialize_with = "lenient")]
    pub(crate) id: String,
}

/// An option of a session.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ConfigOption {
    #[serde(deserialize_with = "lenient")]
    pub(crate) id: String,
    /// `model`, `thought_level`, `mode`, …
    #[serde(deserialize_with = "lenient")]
    pub(crate) category: String,
    #[serde(deserialize_with = "lenient")]
    pub(crate) current_value: String,
    #[serde(deserialize_with = "each")]
    pub(crate) options: Vec<ConfigValue>,
}

/// A value of an option, or a group of values.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigValue {
    #[serde(deserialize_with = "lenient")]
    pub(crate) value: String,
    #[serde(deserialize_with = "lenient")]
    pub(crate) name: String,
    #[serde(deserialize_with = "each")]
    pub(crate) options: Vec<ConfigValue>,
}

/// One `session/update`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Update {
    /// `agent_message_chunk`, `tool_call`, …
    #[serde(deserialize_with = "lenient")]
    pub(crate) session_update: String,
    /// A block of a message, or what a tool call shows.
    pub(crate) content: Value,
    /// The total cost of the session, in a `usage_update`.
    #[serde(deserialize_with = "lenient")]
    pub(crate) cost: Option<Cost>,
    #[serde(rename = "_meta", deserialize_with = "lenient")]
    pub(crate) meta: Meta,
    #[serde(flatten)]
    pub(crate) tool: ToolCall,
}

/// A tool call, as far as one message tells of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ToolCall {
    #[serde(deserialize_with = "lenient")]
    pub(crate) tool_call_id: String,
    #[serde(deserialize_with = "lenient")]
    pub(crate) title: Option<String>,
    /// `execute`, `edit`, …
    #[serde(deserialize_with = "lenient")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) status: Option<String>,
    pub(crate) raw_input: Value,
    pub(crate) raw_output: Value,
    #[serde(deserialize_with = "each")]
    pub(crate) locations: Vec<Location>,
}

/// A file that a tool call touches.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Location {
    #[serde(deserialize_with = "lenient")]
    pub(crate) path: String,
}

/// Money.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Cost {
    #[serde(deserialize_with = "lenient")]
    pub(crate) amount: f64,
}

/// What an agent tells beyond the protocol.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Meta {
    /// qwen: the tokens of one step.
    #[serde(deserialize_with = "lenient")]
    pub(crate) usage: Option<Tokens>,
    /// qwen: the tool's own name.
    #[serde(deserialize_with = "lenient")]
    pub(crate) tool_name: Option<String>,
    /// goose.
    pub(crate) goose: Value,
    /// gemini: the tokens of the turn.
    pub(crate) quota: Value,
}

/// Counts of tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Tokens {
    #[serde(deserialize_with = "lenient")]
    pub(crate) input_tokens: u64,
    #[serde(deserialize_with = "lenient")]
    pub(crate) output_tokens: u64,
    #[serde(deserialize_with = "lenient")]
    pub(crate) total_tokens: u64,
    #[serde(deserialize_with = "lenient")]
    pub(crate) thought_tokens: u64,
    #[serde(deserialize_with = "lenient")]
    pub(crate) cached_read_tokens: u64,
    #[serde(deserialize_with = "lenient")]
    pub(crate) cached_write_tokens: u64,
}

/// The answer to `session/prompt`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PromptAnswer {
    #[serde(deserialize_with = "lenient")]
    pub(crate) stop_reason: String,
    #[serde(deserialize_with = "lenient")]
    pub(crate) usage: Option<Tokens>,
    #[serde(rename = "_meta", deserialize_with = "lenient")]
    pub(crate) meta: Meta,
}

/// `session/request_permission`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PermissionRequest {
    pub(crate) tool_call: Value,
    #[serde(deserialize_with = "each")]
    pub(crate) options: Vec<PermissionOption>,
}

/// An answer that is offered.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PermissionOption {
    #[serde(deserialize_with = "lenient")]
    pub(crate) option_id: String,
    #[serde(deserialize_with = "lenient")]
    pub(crate) name: String,
    /// `allow_once`, `allow_always`, `reject_once`, `reject_always`.
    #[serde(deserialize_with = "lenient")]
    pub(crate) kind: String,
}

/// Reads an object; one that is none is empty.
pub(crate) fn read<T: DeserializeOwned + Default>(value: Value) -> T {
    T::deserialize(value).unwrap_or_default()
}

fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Value::deserialize(from).map(read)
}

/// A list of which each item counts for itself.
fn each<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let items = match Value::deserialize(from)? {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    Ok(items.into_iter().filter_map(|item| T::deserialize(item).ok()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_a_message_or_none() {
        let decoded = |line: &str| decode(line.as_bytes());
        assert!(matches!(decoded(r#"{"id":0,"result":{}}"#), Some(Message::Answer(0, Ok(_)))));
        assert!(matches!(decoded(r#"{"id":7,"result":null,"error":null}"#), Some(Message::Answer(7, Ok(_)))));
        assert!(
            matches!(decoded(r#"{"id":7,"error":{"code":401,"message":"no"}}"#), Some(Message::Answer(7, Err(error))) if error.code == 401)
        );
        assert!(
            matches!(decoded(r#"{"id":"a","method":"x"}"#), Some(Message::Request { id, .. }) if id == "a")
        );
        assert!(matches!(decoded(r#"{"id":0,"method":"x"}"#), Some(Message::Request { id, .. }) if id == 0));
        assert!(matches!(
            decoded(r#"{"id":null,"method":"x","params":{}}"#),
            Some(Message::Notification { .. })
        ));
        for garbage in ["", "hello", "[1]", "3", r#"{"id":"ours?","result":1}"#, r#"{"jsonrpc":"2.0"}"#, "{"]
        {
            assert!(decoded(garbage).is_none(), "{garbage}");
        }
    }

    /// Mutant: `lenient` that fails.
    #[test]
    fn a_strange_field_costs_only_itself() {
        let update: Update = read(json!({
            "sessionUpdate": "tool_call", "toolCallId": "c1", "title": 7, "status": {"new": "form"},
            "locations": [3, {"path": "/a"}], "_meta": "words", "cost": [], "later": true,
        }));
        assert_eq!((update.session_update.as_str(), update.tool.tool_call_id.as_str()), ("tool_call", "c1"));
        assert_eq!((update.tool.title, update.tool.status), (None, None));
        assert_eq!(update.tool.locations.len(), 1);
        let answer: SessionAnswer = read(json!({ "sessionId": "s", "models": 3, "configOptions": null }));
        assert!(answer.models.is_none() && answer.config_options.is_empty() && answer.session_id == "s");
    }
}
