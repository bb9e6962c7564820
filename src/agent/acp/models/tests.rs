//! What is chosen of what agents list.

use super::*;
use crate::agent::acp::wire;

fn session() -> SessionId {
    SessionId("s".to_owned())
}

fn offers(json: &str) -> Offers {
    Offers::of(&wire::read(serde_json::from_str(json).expect("JSON")))
}

fn opencode() -> Offers {
    offers(
        r#"{"sessionId":"s","configOptions":[
        {"id":"model","category":"model","currentValue":"a/one","options":[{"value":"a/one"},{"value":"a/two"}]},
        {"id":"effort","category":"thought_level","currentValue":"low","options":[{"value":"low"},{"value":"default"}]},
        {"id":"mode","category":"mode","currentValue":"build","options":[{"value":"build"},{"value":"plan"}]}]}"#,
    )
}

fn qwen() -> Offers {
    offers(
        r#"{"models":{"currentModelId":"x(openai)","availableModels":[
        {"modelId":"$r|big(openai)","name":"big"},{"modelId":"x(openai)","name":"x"}]}}"#,
    )
}

fn set(offers: &Offers, model: &str) -> Result<Option<String>, String> {
    let model: ModelRef = model.parse().expect("a model");
    let chosen = |set: Option<Set>| set.map(|set| set.params.to_string());
    offers.model(&session(), &model).map(chosen).map_err(|failure| failure.message)
}

#[test]
fn a_model_is_found_by_its_name_or_the_model_alone() {
    let option =
        |value: &str| Ok(Some(json!({ "sessionId": "s", "configId": "model", "value": value }).to_string()));
    let method = |value: &str| Ok(Some(json!({ "sessionId": "s", "modelId": value }).to_string()));
    assert_eq!(set(&opencode(), "a/one"), Ok(None), "it is set");
    assert_eq!(set(&opencode(), "a/two"), option("a/two"));
    assert_eq!(
        set(&opencode(), "b/twoo"),
        Err("the agent does not know model `b/twoo`; did you mean `a/two`?".to_owned())
    );
    assert_eq!(set(&qwen(), "openai/big"), method("$r|big(openai)"));
    assert_eq!(set(&qwen(), "openai/x"), Ok(None), "it is set, under another name");
    assert_eq!(set(&Offers::default(), "any/thing"), Ok(None), "nothing is listed");
    let grouped = r#"{"configOptions":[{"id":"model","currentValue":"x","options":[
        {"name":"A","options":[{"value":"one"},{"value":"two"}]}]}]}"#;
    assert_eq!(set(&offers(grouped), "a/two"), option("two"));
    let unlisted = r#"{"models":{"currentModelId":"flash","availableModels":[{"modelId":"pro"}]}}"#;
    assert_eq!(set(&offers(unlisted), "google/flash"), Ok(None), "in use, though not listed");
}

#[test]
fn what_is_granted_is_not_asked_for_again() {
    let model: ModelRef = "a/two".parse().expect("a model");
    let mut offers = opencode();
    let set = offers.model(&session(), &model).expect("known").expect("not set");
    offers.granted(&set);
    assert_eq!(offers.model(&session(), &model), Ok(None));
    let effort = offers.variant(&session(), &model).expect("known").expect("low is not the default");
    assert_eq!(effort.params["value"], "default");
    offers.granted(&effort);
    assert_eq!(offers.variant(&session(), &model), Ok(None));
    let mode = offers.mode(&session(), Some("plan")).expect("known").expect("not set");
    assert_eq!(mode.params, json!({ "sessionId": "s", "configId": "mode", "value": "plan" }));
}

#[test]
fn an_unknown_variant_or_mode_is_refused() {
    let model = |text: &str| text.parse::<ModelRef>().expect("a model");
    let failed = |result: Result<Option<Set>, Failure>| result.expect_err("unknown").message;
    assert!(failed(opencode().variant(&session(), &model("a/one#huge"))).ends_with("`low`, `default`"));
    assert!(failed(qwen().variant(&session(), &model("a/x#huge"))).ends_with("it has none"));
    assert_eq!(qwen().variant(&session(), &model("a/x")), Ok(None));
    assert!(failed(opencode().mode(&session(), Some("nobody"))).contains("`nobody`: `build`, `plan`"));
}
