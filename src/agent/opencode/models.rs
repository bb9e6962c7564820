//! Which models there are. A prompt with an unknown one is accepted, fails later, and spoils the
//! session for the prompts after it, so it is never sent.

use super::wire::ProviderList;
use crate::agent::near;
use crate::model::{Failure, FailureKind, ModelRef};

/// Whether the model and its variant are known.
///
/// # Errors
/// `ModelUnknown`, with the names that come closest.
pub(crate) fn check(list: &ProviderList, model: &ModelRef) -> Result<(), Failure> {
    let provider = list.providers.iter().find(|provider| provider.id == model.provider);
    let known = provider.and_then(|provider| provider.models.get(&model.model));
    let unknown = |words: String| Err(Failure::new(FailureKind::ModelUnknown, words));
    match (provider, known, &model.variant) {
        (_, Some(_), None) => Ok(()),
        (_, Some(known), Some(variant)) if known.variants.contains_key(variant) => Ok(()),
        (_, Some(known), Some(variant)) => {
            let variants: Vec<_> = known.variants.keys().map(|name| format!("`{name}`")).collect();
            let has = if variants.is_empty() { "it has none".to_owned() } else { variants.join(", ") };
            unknown(format!("model `{}` has no variant `{variant}`: {has}", model.name()))
        }
        (Some(_), None, _) => unknown(format!("model `{}` is not known{}", model.name(), hint(list, model))),
        (None, None, _) => unknown(format!(
            "provider `{}` of model `{}` is not connected{}",
            model.provider,
            model.name(),
            hint(list, model)
        )),
    }
}

fn hint(list: &ProviderList, model: &ModelRef) -> String {
    let name = |provider: &str, model: &str| format!("{provider}/{model}");
    let names = list
        .providers
        .iter()
        .flat_map(|provider| provider.models.keys().map(|model| (model.as_str(), name(&provider.id, model))));
    near::did_you_mean(model, names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> ProviderList {
        serde_json::from_str(
            r#"{"providers":[
                {"id":"anthropic","models":{"claude-sonnet-4-5":{},"claude-opus-4-5":{"variants":{"high":{}}}}},
                {"id":"openrouter","models":{"openai/gpt-5.2":{}}}]}"#,
        )
        .expect("a list")
    }

    fn said(model: &str) -> String {
        check(&list(), &model.parse().expect("a model")).err().map(|error| error.message).unwrap_or_default()
    }

    #[test]
    fn known_models_pass() {
        for model in
            ["anthropic/claude-sonnet-4-5", "anthropic/claude-opus-4-5#high", "openrouter/openai/gpt-5.2"]
        {
            assert_eq!(said(model), "");
        }
    }

    #[test]
    fn unknown_ones_come_with_candidates() {
        for (model, expected) in [
            ("anthropic/claude-sonet-4-5", "did you mean `anthropic/claude-sonnet-4-5`"),
            ("antropic/claude-opus-4-5", "provider `antropic` of model"),
            ("antropic/claude-opus-4-5", "`anthropic/claude-opus-4-5`"),
            ("openai/openai/gpt-5.2", "did you mean `openrouter/openai/gpt-5.2`"),
            ("anthropic/claude-opus-4-5#huge", "has no variant `huge`: `high`"),
            ("anthropic/claude-sonnet-4-5#high", "it has none"),
        ] {
            assert!(said(model).contains(expected), "{model}: {}", said(model));
        }
        assert!(!said("x/y").contains("did you mean"));
    }
}
