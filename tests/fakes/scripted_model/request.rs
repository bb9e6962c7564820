//! A request for a completion, seen as the server needs it. Pure.

use serde_json::{Map, Value};

/// The body of a request.
#[derive(Debug, Clone)]
pub(crate) struct ChatRequest {
    body: Map<String, Value>,
}

impl ChatRequest {
    /// Reads a body; it must be a JSON object with messages.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(body)) if body.get("messages").is_some_and(Value::is_array) => Ok(Self { body }),
            Ok(_) => Err("the body is no object with `messages`".to_owned()),
            Err(error) => Err(format!("the body is no JSON: {error}")),
        }
    }

    /// The model that is asked.
    pub(crate) fn model(&self) -> &str {
        self.body.get("model").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the answer is to be streamed.
    pub(crate) fn stream(&self) -> bool {
        self.body.get("stream").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether a streamed answer is to end with its usage.
    pub(crate) fn wants_usage(&self) -> bool {
        self.body.get("stream_options").is_some_and(|options| options["include_usage"] == true)
    }

    /// The conversation.
    pub(crate) fn messages(&self) -> &[Value] {
        self.body.get("messages").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The names of the tools that are offered.
    pub(crate) fn tools(&self) -> Vec<&str> {
        let tools = self.body.get("tools").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        tools.iter().filter_map(|tool| tool["function"]["name"].as_str()).collect()
    }

    /// Everything else that was asked for: limits, temperature, effort.
    pub(crate) fn parameters(&self) -> Map<String, Value> {
        let known = |name: &str| matches!(name, "model" | "messages" | "tools");
        self.body
            .iter()
            .filter(|(name, _)| !known(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The text of the last user message.
    pub(crate) fn last_user_text(&self) -> String {
        self.last_user().map(|at| text_of(&self.messages()[at])).unwrap_or_default()
    }

    /// How many tool results follow the last user message.
    pub(crate) fn tool_results(&self) -> usize {
        let from = self.last_user().map_or(0, |at| at + 1);
        self.messages()[from..].iter().filter(|message| message["role"] == "tool").count()
    }

    /// Whether this asks the model to play a part, which an agent's own housekeeping does. The
    /// prompts of the work are quoted in such a request, so their scripts are not meant.
    pub(crate) fn asks_to_be(&self, part: &str) -> bool {
        let mut system = self.messages().iter().filter(|message| message["role"] == "system");
        let opening = system.next().map(text_of).unwrap_or_default();
        opening.lines().next().is_some_and(|line| line.contains(part))
    }

    /// The number of letters in the conversation, for an estimate of tokens.
    pub(crate) fn length(&self) -> usize {
        self.messages().iter().map(|message| text_of(message).len()).sum()
    }

    fn last_user(&self) -> Option<usize> {
        self.messages().iter().rposition(|message| message["role"] == "user")
    }
}

/// The text of a message, whose content is text or a list of parts.
fn text_of(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(messages: &Value) -> ChatRequest {
        ChatRequest::parse(json!({ "messages": messages }).to_string().as_bytes()).expect("a request")
    }

    #[test]
    fn only_results_after_the_last_user_message_count() {
        let request = request(&json!([
            { "role": "user", "content": "one" },
            { "role": "tool", "content": "a" },
            { "role": "user", "content": [{ "type": "text", "text": "two" }, { "type": "text", "text": "three" }] },
            { "role": "assistant", "content": null },
            { "role": "tool", "content": "b" },
            { "role": "tool", "content": "c" },
        ]));
        assert_eq!(request.last_user_text(), "two\nthree");
        assert_eq!(request.tool_results(), 2);
    }

    #[test]
    fn a_body_without_messages_is_refused() {
        for body in ["", "[]", "{}", r#"{"messages":1}"#] {
            assert!(ChatRequest::parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn housekeeping_is_told_from_work() {
        let title = json!([{ "role": "system", "content": "You are a title generator.\nBe brief." }]);
        assert!(request(&title).asks_to_be("title generator"));
        assert!(!request(&title).asks_to_be("brief"));
        assert!(
            !request(&json!([{ "role": "user", "content": "a title generator" }]))
                .asks_to_be("title generator")
        );
    }
}
