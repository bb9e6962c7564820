//! The plugin that tells an agent's tools which stream and thread they work for.
//!
//! opencode gives its tools the environment of the server, which is one for all sessions. The plugin
//! looks up the session of each call and adds what we stored with it.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::sys::{atomic, paths};

const SOURCE: &str = include_str!("plugin.js");

/// Writes the plugin into `directory` and gives the configuration that enables it: what the user has in
/// `OPENCODE_CONFIG_CONTENT` with our plugin added, and with turns that go on when something is denied: of
/// requests at the same time opencode refuses all when one is, without a word to the agent, and would end
/// its turn. `None` when that is not plain JSON, and must stay.
pub(crate) fn install(directory: &Path, users: Option<&str>) -> io::Result<Option<String>> {
    paths::private_dir(directory)?;
    let path = directory.canonicalize()?.join("opencode-plugin.js");
    atomic::write_private(&path, SOURCE.as_bytes()).map_err(io::Error::other)?;
    Ok(config(users, &url(&path)))
}

fn config(users: Option<&str>, plugin: &str) -> Option<String> {
    let mut config = match users {
        None => Map::new(),
        Some(text) => serde_json::from_str(text).ok()?,
    };
    match config.entry("plugin").or_insert_with(|| json!([])) {
        Value::Array(plugins) => plugins.push(json!(plugin)),
        _ => return None,
    }
    if let Value::Object(experimental) = config.entry("experimental").or_insert_with(|| json!({})) {
        experimental.entry("continue_loop_on_deny").or_insert(json!(true));
    }
    Some(Value::Object(config).to_string())
}

fn url(path: &Path) -> String {
    let mut url = String::from("file://");
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_configuration_is_kept() {
        let merged = |users| {
            config(users, "file:///p.js").map(|text| serde_json::from_str::<Value>(&text).expect("JSON"))
        };
        let goes_on = json!({ "continue_loop_on_deny": true });
        assert_eq!(merged(None), Some(json!({ "plugin": ["file:///p.js"], "experimental": goes_on })));
        assert_eq!(
            merged(Some(r#"{"theme":"x","plugin":["a"],"experimental":{"continue_loop_on_deny":false}}"#)),
            Some(json!({
                "theme": "x",
                "plugin": ["a", "file:///p.js"],
                "experimental": { "continue_loop_on_deny": false },
            }))
        );
        for strange in ["// a comment\n{}", "[]", r#"{"plugin":"a"}"#] {
            assert_eq!(merged(Some(strange)), None, "{strange}");
        }
    }

    #[test]
    fn the_plugin_is_private_and_its_url_is_encoded() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path().join("a b");
        let config = install(&dir, None).expect("written").expect("a configuration");
        assert!(config.contains("/a%20b/opencode-plugin.js"), "{config}");
        let mode = std::fs::metadata(dir.join("opencode-plugin.js")).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
