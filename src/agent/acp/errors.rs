//! What an agent's refusal means.

use serde_json::Value;

use super::wire::RpcError;
use crate::agent::words;
use crate::model::{Failure, FailureKind};

/// The code with which an agent wants its user to log in first.
const LOG_IN: i64 = -32000;

/// The failure that a refusal stands for. Agents tell the reason in the message, in its data, or as a
/// provider's status in place of a code.
pub(crate) fn failure(error: &RpcError) -> Failure {
    let text = text(error);
    let kind = match error.code {
        401 | 403 => FailureKind::Auth,
        429 => FailureKind::RateLimit,
        LOG_IN if words::kind(&text) == FailureKind::Provider => FailureKind::Auth,
        _ => words::kind(&text),
    };
    Failure::new(kind, words::paragraph(&text))
}

/// goose ends a turn that failed as any other, with these words instead of an answer.
pub(crate) fn in_words(said: &str) -> Option<Failure> {
    let told = said.strip_prefix("Ran into this error: ")?;
    let told = told.split("\n\nPlease retry").next().unwrap_or(told);
    Some(Failure::new(words::kind(told), words::paragraph(told)))
}

fn text(error: &RpcError) -> String {
    let data = match &error.data {
        Value::String(text) => Some(text.as_str()),
        data => ["details", "message", "error"].iter().find_map(|name| data.get(name)?.as_str()),
    };
    let message = error.message.strip_prefix("Internal error: ").unwrap_or(&error.message);
    // gemini puts the provider's whole answer into the message.
    let inner = serde_json::from_str::<Value>(message).ok();
    let inner = inner.as_ref().and_then(|inner| inner.pointer("/error/message")?.as_str());
    match (inner, data, message) {
        (Some(inner), _, _) => inner.to_owned(),
        (None, Some(data), "" | "Internal error" | "Invalid params") => data.to_owned(),
        (None, Some(data), message) => format!("{message}: {data}"),
        (None, None, "") => format!("the agent failed with code {}", error.code),
        (None, None, message) => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::acp::wire;

    #[test]
    fn each_agents_errors_have_their_kinds() {
        for (json, kind, message) in [
            (
                r#"{"code":-32603,"message":"Internal error: Incorrect API key provided","data":{"service":"session","errorName":"APIError"}}"#,
                FailureKind::Auth,
                "Incorrect API key provided",
            ),
            (
                r#"{"code":-32603,"message":"Internal error","data":{"details":"401 no such key"}}"#,
                FailureKind::Auth,
                "401 no such key",
            ),
            (
                r#"{"code":401,"message":"{\"error\":{\"code\":401,\"message\":\"no such key\"}}"}"#,
                FailureKind::Auth,
                "no such key",
            ),
            (
                r#"{"code":-32000,"message":"Authentication required"}"#,
                FailureKind::Auth,
                "Authentication required",
            ),
            (
                r#"{"code":-32002,"message":"Resource not found","data":"Session not found: nope"}"#,
                FailureKind::SessionUnknown,
                "Resource not found: Session not found: nope",
            ),
            (r#"{"code":429,"message":"slow down"}"#, FailureKind::RateLimit, "slow down"),
            (
                r#"{"code":-32603,"message":"Internal error","data":{"details":"terminated"}}"#,
                FailureKind::Provider,
                "terminated",
            ),
            (r#"{"code":-1}"#, FailureKind::Provider, "the agent failed with code -1"),
        ] {
            let error: RpcError = wire::read(serde_json::from_str(json).expect("JSON"));
            assert_eq!(failure(&error), Failure::new(kind, message), "{json}");
        }
    }

    #[test]
    fn an_error_in_place_of_an_answer_is_one() {
        let said = "Ran into this error: Authentication error: Status: 401 Unauthorized.\n\nPlease retry if";
        let failure = in_words(said).expect("an error");
        assert_eq!(failure.kind, FailureKind::Auth);
        assert_eq!(failure.message, "Authentication error: Status: 401 Unauthorized.");
        assert_eq!(in_words("I ran into this error: x"), None);
    }
}
