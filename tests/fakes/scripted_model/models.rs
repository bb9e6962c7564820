//! The models that the server offers, and what their names mean.
//!
//! | model | behaviour |
//! |---|---|
//! | `ok` | follows the script |
//! | `plain` | follows the script; has neither reasoning, variants nor cost |
//! | `slow` | follows the script, 200 ms before every piece |
//! | `fail-400`, `fail-401`, `fail-404`, `fail-429`, `fail-500` | refuses with that status |
//! | `hang` | never says anything |
//! | `cut` | begins to speak and breaks the connection |
//! | `garbage` | sends what is no JSON |
//! | `context-full` | refuses: the conversation is too long, also when it is to be summed up |
//! | `context-loop` | sums a conversation up, and then refuses it as too long all the same |
//!
//! Any other name follows the script.

use std::time::Duration;

use super::script::{Act, Answer, Refusal, Times};

/// The names that the server lists.
pub(crate) const NAMES: &[&str] = &[
    "ok",
    "plain",
    "slow",
    "fail-400",
    "fail-401",
    "fail-404",
    "fail-429",
    "fail-500",
    "hang",
    "cut",
    "garbage",
    "context-full",
    "context-loop",
];

/// What a model does whatever the prompt says. `summary`: it is asked to sum a conversation up.
pub(crate) fn behaviour(model: &str, summary: bool) -> Option<Answer> {
    if let Some(status) = model.strip_prefix("fail-").and_then(|code| code.parse().ok()) {
        return Some(refusing(status, None));
    }
    let acts = match model {
        "hang" => vec![Act::Hang(Times::Always)],
        "cut" => vec![Act::Text("This breaks".to_owned()), Act::Cut(Times::Always)],
        "garbage" => vec![Act::Garbage(Times::Always)],
        "context-full" => return Some(context_full()),
        "context-loop" if !summary => return Some(context_full()),
        _ => return None,
    };
    Some(Answer { acts, ..Answer::default() })
}

/// How long a model waits before every piece, at least.
pub(crate) fn chunk_delay(model: &str) -> Duration {
    if model == "slow" { Duration::from_millis(200) } else { Duration::ZERO }
}

fn refusing(status: u16, body: Option<serde_json::Value>) -> Answer {
    let refusal = Refusal { status, headers: Vec::new(), body, times: Times::Always };
    Answer { refusal: Some(refusal), ..Answer::default() }
}

fn context_full() -> Answer {
    let message =
        "This model's maximum context length is 100000 tokens. Please reduce the length of the messages.";
    let error = serde_json::json!({ "message": message, "type": "invalid_request_error", "code": "context_length_exceeded" });
    refusing(400, Some(serde_json::json!({ "error": error })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_failure_has_a_behaviour() {
        for name in NAMES {
            let follows = matches!(*name, "ok" | "plain" | "slow");
            assert_eq!(behaviour(name, false).is_none(), follows, "{name}");
        }
        assert!(behaviour("context-full", true).is_some() && behaviour("context-loop", true).is_none());
        assert!(chunk_delay("slow") > chunk_delay("ok"));
    }
}
