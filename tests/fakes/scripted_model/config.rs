//! An `opencode.json` that knows this server.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::models;

/// Writes the configuration for a server at `address`.
pub(crate) fn write(file: &Path, address: SocketAddr) -> io::Result<()> {
    let text = format!("{:#}\n", opencode(address));
    #[expect(clippy::disallowed_methods, reason = "a new file of a test, which nobody reads meanwhile")]
    std::fs::write(file, text)
}

/// No title, sharing, update or snapshot, so that a turn makes no requests but its own.
fn opencode(address: SocketAddr) -> Value {
    let models: Map<_, _> = models::NAMES.iter().map(|name| ((*name).to_owned(), model(name))).collect();
    json!({
        "$schema": "https://opencode.ai/config.json",
        "model": "scripted/ok",
        "small_model": "scripted/ok",
        "share": "disabled",
        "autoupdate": false,
        "snapshot": false,
        "provider": {
            "scripted": {
                "name": "Scripted",
                "npm": "@ai-sdk/openai-compatible",
                "options": { "baseURL": format!("http://{address}/v1"), "apiKey": "scripted" },
                "models": models,
            },
        },
    })
}

/// A model's abilities. Dollars are for a million tokens.
fn model(name: &str) -> Value {
    let limit = json!({ "context": 100_000, "output": 8_000 });
    if name == "plain" {
        return json!({ "name": name, "tool_call": true, "reasoning": false, "limit": limit });
    }
    json!({
        "name": name,
        "tool_call": true,
        "reasoning": true,
        "cost": { "input": 1, "output": 10, "cache_read": 0.1 },
        "limit": limit,
        "variants": {
            "low": { "reasoningEffort": "low" },
            "medium": { "reasoningEffort": "medium" },
            "high": { "reasoningEffort": "high" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_is_known_to_opencode() {
        let config = opencode(SocketAddr::from(([127, 0, 0, 1], 4000)));
        let provider = &config["provider"]["scripted"];
        assert_eq!(provider["options"]["baseURL"], "http://127.0.0.1:4000/v1");
        assert!(models::NAMES.iter().all(|name| provider["models"][name]["tool_call"] == true));
        assert!(provider["models"]["plain"].get("cost").is_none());
    }
}
