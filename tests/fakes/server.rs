//! The scripted model server, asked without an agent.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use work::sys::process;

use crate::support::opencode::scripted;
use crate::support::scripted_model::ScriptedModel;
use crate::support::wait::wait_until;

fn ask(server: &ScriptedModel, model: &str, script: &str) -> Value {
    let messages = json!([{ "role": "user", "content": scripted(script) }]);
    server.http().post("/v1/chat/completions", &json!({ "model": model, "messages": messages })).json
}

#[test]
fn an_answer_comes_whole_where_no_stream_is_asked_for() {
    let server = ScriptedModel::start();
    let script = "@reason Hm.\n@text One.\n@text Two.\n@tool look {\"at\":\"it\"}\n@usage input=9 output=4 cached=3 reasoning=1";
    let answer = ask(&server, "ok", script);
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], "One.\nTwo.");
    assert_eq!(choice["message"]["reasoning_content"], "Hm.");
    let call = &choice["message"]["tool_calls"][0]["function"];
    assert_eq!(call, &json!({ "name": "look", "arguments": "{\"at\":\"it\"}" }));
    let usage = &answer["usage"];
    assert_eq!((&usage["prompt_tokens"], &usage["total_tokens"]), (&json!(9), &json!(13)));
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 3);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 1);
}

#[test]
fn requests_are_remembered_found_and_forgotten() {
    let server = ScriptedModel::start();
    ask(&server, "ok", "@text one");
    ask(&server, "fail-500", "@text \"two\" & more");
    assert_eq!(server.requests().len(), 2);
    assert_eq!(server.wait_for_request("\"two\" & more")["state"], "refused 500");
    server.forget();
    assert!(server.requests().is_empty());
}

#[test]
fn all_models_are_listed_and_other_paths_are_not_there() {
    let server = ScriptedModel::start();
    let listed = server.http().get("/v1/models").json;
    let names: Vec<_> = listed["data"].as_array().expect("models").iter().map(|model| &model["id"]).collect();
    assert!(names.contains(&&json!("ok")) && names.contains(&&json!("hang")), "{names:?}");
    assert_eq!(server.http().get("/_health").json["healthy"], true);
    assert_eq!(server.http().get("/v1/other").status, 404);
    assert_eq!(server.http().post("/v1/chat/completions", &json!({ "model": "ok" })).status, 400);
}

#[test]
fn a_signal_ends_it() {
    let server = ScriptedModel::start();
    process::signal_process(server.pid(), Signal::SIGTERM);
    wait_until("the end of the server", Duration::from_secs(10), || {
        server.http().send(reqwest::Method::GET, "/_health", None).is_err()
    });
}
