//! What the server calls an error, and what kind of failure that is.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::wire::ErrorObject;
use crate::agent::words::{is_quota, paragraph};
use crate::model::{Failure, FailureKind};

/// The name of the error of a turn that was aborted.
pub(crate) const ABORTED: &str = "MessageAbortedError";

/// The failure that an error of a session or message stands for.
pub(crate) fn failure(error: &ErrorObject, now: DateTime<Utc>) -> Failure {
    let message = error.data.message.as_deref().unwrap_or(error.name.as_str());
    let kind = kind(error, message);
    let reset_at = (kind == FailureKind::RateLimit).then(|| reset_at(error, now)).flatten();
    Failure { reset_at, ..Failure::new(kind, paragraph(message)) }
}

fn kind(error: &ErrorObject, message: &str) -> FailureKind {
    match (error.name.as_str(), error.data.status_code) {
        ("ContextOverflowError", _) => FailureKind::ContextFull,
        ("ProviderAuthError", _) | (_, Some(401 | 403)) => FailureKind::Auth,
        (_, Some(429)) => FailureKind::RateLimit,
        _ if is_quota(message) => FailureKind::RateLimit,
        _ if message.contains("Model not found") => FailureKind::ModelUnknown,
        ("ProviderModelNotFoundError", _) => FailureKind::ModelUnknown,
        _ if message.starts_with("Session not found") => FailureKind::SessionUnknown,
        _ => FailureKind::Provider,
    }
}

/// When the provider said that its limit resets.
fn reset_at(error: &ErrorObject, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let header = |name: &str| {
        error.data.response_headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(
            |(_, value)| match value {
                Value::String(text) => text.trim().to_owned(),
                other => other.to_string(),
            },
        )
    };
    let after = |milliseconds: f64| {
        let bounded = milliseconds.is_finite() && (0.0..1e12).contains(&milliseconds);
        #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
        bounded.then(|| now + TimeDelta::milliseconds(milliseconds as i64))
    };
    if let Some(at) = header("retry-after-ms").and_then(|text| text.parse().ok()).and_then(after) {
        return Some(at);
    }
    if let Some(text) = header("retry-after") {
        return match text.parse::<f64>() {
            Ok(seconds) => after(seconds * 1000.0),
            Err(_) => DateTime::parse_from_rfc2822(&text).ok().map(|at| at.with_timezone(&Utc)),
        };
    }
    let epoch = header("x-ratelimit-reset")?.parse::<i64>().ok()?;
    // Some count seconds, some milliseconds, since 1970; small numbers count from now.
    match epoch {
        0..=10_000_000 => Some(now + TimeDelta::seconds(epoch)),
        10_000_001..=100_000_000_000 => DateTime::from_timestamp(epoch, 0),
        _ => DateTime::from_timestamp_millis(epoch),
    }
}

/// Whether an error is only the name of its class, once or twice, and perhaps a stack.
pub(crate) fn says_nothing(error: &ErrorObject) -> bool {
    paragraph(error.data.message.as_deref().unwrap_or_default())
        .split(": ")
        .all(|part| part.is_empty() || part == error.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> ErrorObject {
        serde_json::from_str(json).expect("an error object")
    }

    fn now() -> DateTime<Utc> {
        "2026-01-01T00:00:00Z".parse().expect("a time")
    }

    #[test]
    fn each_error_has_its_kind() {
        for (json, kind) in [
            (r#"{"name":"APIError","data":{"message":"no","statusCode":401}}"#, FailureKind::Auth),
            (r#"{"name":"APIError","data":{"message":"no","statusCode":403}}"#, FailureKind::Auth),
            (r#"{"name":"ProviderAuthError","data":{"message":"log in"}}"#, FailureKind::Auth),
            (r#"{"name":"APIError","data":{"message":"slow","statusCode":429}}"#, FailureKind::RateLimit),
            (
                r#"{"name":"APIError","data":{"message":"You exceeded your current quota","statusCode":400}}"#,
                FailureKind::RateLimit,
            ),
            (
                r#"{"name":"UnknownError","data":{"message":"Model not found: stub/zzz."}}"#,
                FailureKind::ModelUnknown,
            ),
            (r#"{"name":"ContextOverflowError","data":{"message":"too long"}}"#, FailureKind::ContextFull),
            (r#"{"name":"APIError","data":{"message":"boom","statusCode":500}}"#, FailureKind::Provider),
            (r#"{"name":"UnknownError"}"#, FailureKind::Provider),
            ("{}", FailureKind::Provider),
        ] {
            assert_eq!(failure(&error(json), now()).kind, kind, "{json}");
        }
    }

    #[test]
    fn a_rate_limit_tells_when_it_resets() {
        for (headers, expected) in [
            (r#"{"retry-after":"90"}"#, Some("2026-01-01T00:01:30Z")),
            (r#"{"Retry-After":"Thu, 01 Jan 2026 01:00:00 GMT"}"#, Some("2026-01-01T01:00:00Z")),
            (r#"{"retry-after-ms":"1500","retry-after":"9"}"#, Some("2026-01-01T00:00:01.500Z")),
            (r#"{"x-ratelimit-reset":"1767229200"}"#, Some("2026-01-01T01:00:00Z")),
            (r#"{"retry-after":"soon"}"#, None),
            (r#"{"retry-after":"-5"}"#, None),
            ("{}", None),
        ] {
            let json =
                format!(r#"{{"name":"APIError","data":{{"statusCode":429,"responseHeaders":{headers}}}}}"#);
            let expected = expected.map(|text| text.parse::<DateTime<Utc>>().expect("a time"));
            assert_eq!(failure(&error(&json), now()).reset_at, expected, "{headers}");
        }
    }
}
