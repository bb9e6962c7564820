//! The rig itself: opencode without `work`, asking the scripted model server.

use std::time::Duration;

use serde_json::{Value, json};
use work::sys::process;

use crate::support::opencode::{Place, Server, scripted};
use crate::support::scripted_model::ScriptedModel;
use crate::support::wait::{wait_for, wait_until};

fn rig() -> (ScriptedModel, Place, Server) {
    let model = ScriptedModel::start();
    let place = Place::new(&model);
    let server = place.serve(&[]);
    (model, place, server)
}

fn parts_of<'a>(parts: &'a [Value], kind: &str) -> Vec<&'a Value> {
    parts.iter().filter(|part| part["type"] == kind).collect()
}

#[test]
fn a_turn_thinks_works_and_speaks_and_its_cost_is_known() {
    let (model, place, server) = rig();
    let session = server.session(&json!({}));
    let last = server.turn(
        &session,
        "ok",
        "@reason I had better look.\n\
         @bash echo hello > greeting.txt; cat greeting.txt\n\
         @also bash echo second\n\
         @usage input=500 output=40 cached=100 reasoning=10\n\
         @write note.txt one\ntwo\n\
         @usage input=100 output=10\n\
         @text All is done.\n\
         @usage input=100 output=10",
    );
    assert_eq!(place.read("greeting.txt").as_deref(), Some("hello\n"));
    assert_eq!(place.read("note.txt").as_deref(), Some("one\ntwo\n"));
    assert_eq!(last["info"]["finish"], "stop");

    let parts = server.parts(&session);
    assert_eq!(parts_of(&parts, "reasoning")[0]["text"], "I had better look.");
    assert_eq!(parts_of(&parts, "text")[0]["text"], "All is done.");
    let outputs: Vec<_> =
        parts_of(&parts, "tool").iter().map(|part| part["state"]["output"].clone()).collect();
    assert_eq!(outputs[..2], [json!("hello\n"), json!("second\n")]);

    let total = wait_for("the session's totals", Duration::from_secs(10), || {
        let session = server.http.get(&format!("/session/{session}")).json;
        (session["tokens"]["input"] == 600).then_some(session)
    });
    assert_eq!(total["tokens"]["cache"]["read"], 100);
    assert_eq!((&total["tokens"]["output"], &total["tokens"]["reasoning"]), (&json!(50), &json!(10)));
    // 600 at 1, 100 cached at 0.1 and 60 at 10 dollars a million.
    let cost = total["cost"].as_f64().expect("a cost");
    assert!((cost - 0.001_21).abs() < 1e-9, "{cost}");

    let requests = model.requests_of(&session);
    let replies: Vec<_> =
        requests.iter().map(|request| request["reply"].as_str().unwrap_or_default()).collect();
    assert_eq!(replies, ["answer 1 of 3", "answer 2 of 3", "answer 3 of 3"]);
    let results: Vec<_> = requests[1]["messages"].as_array().expect("messages").iter().collect();
    let results: Vec<_> = results.iter().filter(|message| message["role"] == "tool").collect();
    assert_eq!(results[0]["content"], "hello\n");
    assert_eq!(results.len(), 2);
    assert_eq!(requests[0]["headers"]["authorization"], "(hidden)");
}

#[test]
fn a_second_turn_remembers_the_first() {
    let (model, _place, server) = rig();
    let session = server.session(&json!({}));
    server.turn(&session, "ok", "@bash echo remembered-output\n@text first answer");
    let last = server.turn(&session, "plain", "@text second answer");
    assert_eq!(
        last["parts"].as_array().and_then(|parts| parts_of(parts, "text").first().map(|p| p["text"].clone())),
        Some(json!("second answer"))
    );
    let request = model.requests_of(&session).pop().expect("a request");
    let conversation = request["messages"].to_string();
    assert!(conversation.contains("remembered-output") && conversation.contains("first answer"));
    assert_eq!(request["model"], "plain");
}

#[test]
fn a_refused_key_fails_at_once_and_a_busy_model_is_tried_again() {
    let (model, _place, server) = rig();
    let session = server.session(&json!({}));
    let refused = server.turn(&session, "fail-401", "");
    assert_eq!(refused["info"]["error"]["name"], "APIError");
    assert_eq!(refused["info"]["error"]["data"]["statusCode"], 401);
    assert_eq!(model.requests_of(&session).len(), 1);

    let session = server.session(&json!({}));
    let busy = server.turn(&session, "ok", "@status 429 retry-after-ms=10 times=2\n@text at last");
    assert_eq!((&busy["info"]["error"], &busy["info"]["finish"]), (&Value::Null, &json!("stop")));
    assert_eq!(model.requests_of(&session).len(), 3);

    let session = server.session(&json!({}));
    let wrong = server.turn(&session, "ok", "@nonsense");
    assert_eq!(wrong["info"]["error"]["data"]["message"], "script line 1: `@nonsense` is no directive");
}

#[test]
fn a_full_context_is_summed_up_or_fails_the_turn() {
    let (model, _place, server) = rig();
    let full = r#"{"error":{"message":"maximum context length exceeded","code":"context_length_exceeded"}}"#;
    let session = server.session(&json!({}));
    let last = server.turn(&session, "ok", &format!("@status 400 times=1 {full}\n@text never asked for"));
    assert_eq!(last["info"]["finish"], "stop");
    let replies: Vec<_> =
        model.requests_of(&session).iter().map(|request| request["reply"].clone()).collect();
    assert_eq!(replies, ["answer 1 of 1", "summary", "no script"]);

    let session = server.session(&json!({}));
    let last = server.turn(&session, "context-full", "");
    assert_eq!(last["info"]["error"]["name"], "ContextOverflowError");
}

#[test]
fn a_cut_stream_is_asked_for_again() {
    let (model, _place, server) = rig();
    let session = server.session(&json!({}));
    let last = server.turn(&session, "ok", "@text half\n@cut times=1\n@text and whole");
    assert_eq!(last["info"]["finish"], "stop");
    let states: Vec<_> = model.requests_of(&session).iter().map(|request| request["state"].clone()).collect();
    assert_eq!(states, ["cut", "complete"]);
}

#[test]
fn a_silent_model_is_left_by_an_abort_and_by_a_kill() {
    let (model, _place, server) = rig();
    let session = server.session(&json!({}));
    server.start_turn(&session, "ok", "@text Let me think.\n@hang");
    model.wait_for_state(&session, "open");
    wait_until("the words before the silence", Duration::from_secs(20), || {
        !parts_of(&server.parts(&session), "text").is_empty()
    });
    assert_eq!(server.http.post(&format!("/session/{session}/abort"), &json!({})).json, true);
    model.wait_for_state(&session, "client-gone");

    let other = server.session(&json!({}));
    server.start_turn(&other, "hang", "");
    model.wait_for_state(&other, "open");
    process::signal_process(server.pid, nix::sys::signal::Signal::SIGKILL);
    model.wait_for_state(&other, "client-gone");
}

#[test]
fn a_run_takes_its_prompt_from_standard_input() {
    let model = ScriptedModel::start();
    let place = Place::new(&model);
    let mut command = place.command();
    command.args(["run", "--format", "json", "--model", "scripted/ok"]);
    let prompt = scripted("@bash pwd > where.txt\n@text Done \"so\".");
    let output =
        process::run(command, Some(prompt.clone().into_bytes()), Duration::from_secs(120)).expect("a run");
    assert!(output.status.success(), "{}", output.error_text());
    let where_it_ran = place.read("where.txt").expect("a file that the tool wrote");
    assert_eq!(where_it_ran.trim_end(), place.project().to_string_lossy());
    let said = output.text();
    let said = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let texts: Vec<_> =
        said.filter(|event| event["type"] == "text").map(|event| event["part"]["text"].clone()).collect();
    assert_eq!(texts, ["Done \"so\"."]);

    let titles = model.requests().into_iter().filter(|request| request["reply"] == "title").count();
    assert_eq!(titles, 1, "a session without a title asks for one");
    let request = model.wait_for_request("where.txt");
    assert!(request["messages"].to_string().contains(&json!(prompt).to_string()[1..20]), "{request}");
    assert!(model.url().starts_with("http://127.0.0.1:"));
}
