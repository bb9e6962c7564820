//! Which model a session is to use, and how that is set. Pure.
//!
//! Agents name models in their own ways: `provider/model` (opencode), `model(method)` with the model as its
//! name (qwen), or the model alone. One is meant when its whole name fits, else when the model alone does.

use serde_json::{Value, json};

use super::wire::{ConfigOption, ConfigValue, SessionAnswer};
use crate::agent::near;
use crate::model::{Failure, FailureKind, ModelRef, SessionId};

/// What may be chosen in a session, and what is chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offers {
    model: Option<Choice>,
    effort: Option<Choice>,
    mode: Option<Choice>,
}

/// One thing that may be chosen.
#[derive(Debug, Clone)]
struct Choice {
    way: Way,
    current: String,
    /// Values and names.
    values: Vec<(String, String)>,
}

/// How a choice is set.
#[derive(Debug, Clone)]
enum Way {
    /// `session/set_config_option`, with its id.
    Option(String),
    /// A method of its own, and the name of what it is given.
    Method(&'static str, &'static str),
}

/// A request that sets something.
#[derive(Debug, PartialEq)]
pub(crate) struct Set {
    /// The method.
    pub(crate) method: &'static str,
    /// Its arguments.
    pub(crate) params: Value,
}

impl Choice {
    fn of_option(option: &ConfigOption) -> Self {
        let values = option.options.iter().flat_map(flat).collect();
        Self { way: Way::Option(option.id.clone()), current: option.current_value.clone(), values }
    }

    fn set(&self, session: &SessionId, value: &str) -> Option<Set> {
        let set = |method, params| Some(Set { method, params });
        match &self.way {
            _ if self.current == value => None,
            Way::Option(id) => set(
                "session/set_config_option",
                json!({ "sessionId": session.0, "configId": id, "value": value }),
            ),
            Way::Method(method, name) => set(*method, json!({ "sessionId": session.0, *name: value })),
        }
    }

    fn has(&self, value: &str) -> bool {
        self.values.iter().any(|(known, _)| known == value)
    }
}

/// A group's values, or the value itself.
fn flat(value: &ConfigValue) -> Vec<(String, String)> {
    if value.options.is_empty() {
        vec![(value.value.clone(), value.name.clone())]
    } else {
        value.options.iter().flat_map(flat).collect()
    }
}

impl Offers {
    /// What a session offers.
    pub(crate) fn of(answer: &SessionAnswer) -> Self {
        let mut offers = Self::default();
        offers.update(&answer.config_options);
        if let (None, Some(models)) = (&offers.model, &answer.models) {
            let values = models.available_models.iter();
            offers.model = Some(Choice {
                way: Way::Method("session/set_model", "modelId"),
                current: models.current_model_id.clone(),
                values: values.map(|model| (model.model_id.clone(), model.name.clone())).collect(),
            });
        }
        if let (None, Some(modes)) = (&offers.mode, &answer.modes) {
            offers.mode = Some(Choice {
                way: Way::Method("session/set_mode", "modeId"),
                current: modes.current_mode_id.clone(),
                values: modes.available_modes.iter().map(|mode| (mode.id.clone(), String::new())).collect(),
            });
        }
        offers
    }

    /// The options as they are now: which efforts there are depends on the model.
    pub(crate) fn update(&mut self, options: &[ConfigOption]) {
        let of = |kind: &str| options.iter().find(|it| it.category == kind || it.id == kind);
        if let Some(model) = of("model") {
            self.model = Some(Choice::of_option(model));
            self.effort = of("thought_level").map(Choice::of_option);
        }
        if let Some(mode) = of("mode") {
            self.mode = Some(Choice::of_option(mode));
        }
    }

    /// A request was granted.
    pub(crate) fn granted(&mut self, set: &Set) {
        for choice in [&mut self.model, &mut self.effort, &mut self.mode].into_iter().flatten() {
            let name = match &choice.way {
                Way::Option(id) if set.params["configId"] == id.as_str() => "value",
                Way::Method(method, name) if *method == set.method => name,
                _ => continue,
            };
            choice.current = set.params[name].as_str().unwrap_or_default().to_owned();
        }
    }

    /// How to set the model; `None` when it is set, or the agent lets nobody choose.
    ///
    /// # Errors
    /// `ModelUnknown`, with the names that come closest.
    pub(crate) fn model(&self, session: &SessionId, wanted: &ModelRef) -> Result<Option<Set>, Failure> {
        let Some(choice) = self.model.as_ref().filter(|choice| !choice.values.is_empty()) else {
            return Ok(None);
        };
        let name = wanted.name();
        let own = || choice.values.iter().find(|(value, _)| *value == wanted.model);
        let named = || choice.values.iter().find(|(_, known)| *known == wanted.model || *known == name);
        if choice.current == name || choice.current == wanted.model {
            // Some have chosen what they do not list.
            return Ok(None);
        }
        match choice.values.iter().find(|(value, _)| *value == name).or_else(own).or_else(named) {
            Some((value, _)) => Ok(choice.set(session, value)),
            None => {
                let known = choice.values.iter().map(|(value, name)| (name.as_str(), value.clone()));
                let hint = near::did_you_mean(wanted, known);
                let words = format!("the agent does not know model `{name}`{hint}");
                Err(Failure::new(FailureKind::ModelUnknown, words))
            }
        }
    }

    /// How to set the model's variant; without one, what the model does by itself, which is not what every
    /// agent begins with.
    ///
    /// # Errors
    /// `ModelUnknown` when there is no such variant.
    pub(crate) fn variant(&self, session: &SessionId, wanted: &ModelRef) -> Result<Option<Set>, Failure> {
        match (&self.effort, &wanted.variant) {
            (Some(effort), Some(variant)) if effort.has(variant) => Ok(effort.set(session, variant)),
            (Some(effort), None) if effort.has("default") => Ok(effort.set(session, "default")),
            (_, None) => Ok(None),
            (effort, Some(variant)) => {
                let values: Vec<_> = effort.iter().flat_map(|effort| &effort.values).collect();
                let names: Vec<_> = values.iter().map(|(value, _)| format!("`{value}`")).collect();
                let has = if names.is_empty() { "it has none".to_owned() } else { names.join(", ") };
                let words = format!("model `{}` has no variant `{variant}`: {has}", wanted.name());
                Err(Failure::new(FailureKind::ModelUnknown, words))
            }
        }
    }

    /// How to set the mode that takes the prompt.
    ///
    /// # Errors
    /// `Task` when the agent has no such mode.
    pub(crate) fn mode(&self, session: &SessionId, wanted: Option<&str>) -> Result<Option<Set>, Failure> {
        match (&self.mode, wanted) {
            (_, None) => Ok(None),
            (Some(mode), Some(wanted)) if mode.has(wanted) => Ok(mode.set(session, wanted)),
            (mode, Some(wanted)) => {
                let values: Vec<_> = mode.iter().flat_map(|mode| &mode.values).collect();
                let names: Vec<_> = values.iter().map(|(value, _)| format!("`{value}`")).collect();
                let has = if names.is_empty() { "it has none".to_owned() } else { names.join(", ") };
                let words = format!("the agent has no mode `{wanted}`: {has}");
                Err(Failure::new(FailureKind::Task, words))
            }
        }
    }
}

#[cfg(test)]
mod tests;
