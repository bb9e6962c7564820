//! What we rely on in opencode, and would be told nowhere else that it had changed.

use serde_json::json;

use crate::support::opencode::Place;
use crate::support::scripted_model::ScriptedModel;

/// Gives every command of a session the variables in the session's metadata; a sub-agent's session
/// has those of its parents.
const PLUGIN: &str = r#"
export const Variables = async ({ client }) => ({
  "shell.env": async (input, output) => {
    output.env.OPENCODE_SERVER_PASSWORD = ""
    for (let id = input.sessionID; id; ) {
      const { data } = await client.session.get({ path: { id } })
      if (data?.metadata?.variables) return void Object.assign(output.env, data.metadata.variables)
      id = data?.parentID
    }
  },
})
"#;

#[test]
fn a_plugin_gives_each_session_its_own_variables() {
    let model = ScriptedModel::start();
    let place = Place::new(&model);
    let plugin = place.write_beside("variables.js", PLUGIN);
    let content = json!({ "plugin": [format!("file://{}", plugin.display())] }).to_string();
    let server = place.serve(&[("OPENCODE_CONFIG_CONTENT", &content), ("SECRET", "kept")]);
    for name in ["one", "two"] {
        let session = server.session(&json!({ "metadata": { "variables": { "NAME": name } } }));
        server.turn(&session, "ok", &format!("@bash echo $NAME > {name}.txt\n@text done"));
        assert_eq!(place.read(&format!("{name}.txt")), Some(format!("{name}\n")));
    }
    let child = "go\n```script\n@bash echo $NAME $OPENCODE $SECRET > child.txt\n@text child done\n```";
    let task = json!({ "description": "sub", "prompt": child, "subagent_type": "general" });
    let session = server.session(&json!({ "metadata": { "variables": { "NAME": "parent" } } }));
    server.turn(&session, "ok", &format!("@tool task {task}\n@text done"));
    assert_eq!(place.read("child.txt").as_deref(), Some("parent 1 kept\n"));
}

#[test]
fn configuration_in_the_environment_is_merged_over_the_users() {
    let model = ScriptedModel::start();
    let place = Place::new(&model);
    let content = json!({ "username": "ours", "instructions": ["ours.md"] }).to_string();
    let server = place.serve(&[("OPENCODE_CONFIG_CONTENT", &content)]);
    let config = server.http.get("/config").json;
    assert_eq!((&config["username"], &config["instructions"]), (&json!("ours"), &json!(["ours.md"])));
    assert_eq!(config["model"], "scripted/ok", "what is not ours is the user's");
}

#[test]
fn the_connected_providers_are_listed_with_their_models_and_variants() {
    let model = ScriptedModel::start();
    let place = Place::new(&model);
    let server = place.serve(&[]);
    let listed = server.http.get("/config/providers").json;
    let providers = listed["providers"].as_array().expect("providers");
    assert_eq!(providers.len(), 1, "with an empty catalogue only the configured ones exist");
    assert_eq!(providers[0]["id"], "scripted");
    let variants = |model: &str| {
        let variants = providers[0]["models"][model]["variants"].as_object().cloned().unwrap_or_default();
        variants.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(variants("ok"), ["low", "medium", "high"]);
    assert!(variants("plain").is_empty());
}
