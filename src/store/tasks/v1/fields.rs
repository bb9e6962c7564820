//! Reading loosely: what has the expected type is taken, everything else stays where it is.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::diag::Diagnostic;
use crate::model::Extra;

/// Something odd in a file of the older tool.
pub(super) fn odd(message: String) -> Diagnostic {
    Diagnostic::warning("T101", message)
}

/// Takes a field that can be read as `T`, and leaves any other where it is.
pub(super) fn take<T: DeserializeOwned>(from: &mut Extra, key: &str) -> Option<T> {
    let value = T::deserialize(from.get(key)?).ok()?;
    from.shift_remove(key);
    Some(value)
}

/// Takes a text that is not empty.
pub(super) fn text(from: &mut Extra, key: &str) -> Option<String> {
    take::<String>(from, key).filter(|text| !text.is_empty())
}

/// Takes a time.
pub(super) fn time(from: &mut Extra, key: &str) -> Option<DateTime<Utc>> {
    take(from, key)
}

/// Takes the objects of a list; what is no object stays.
pub(super) fn objects(from: &mut Extra, key: &str) -> Vec<Extra> {
    let Some(Value::Array(items)) = from.get_mut(key) else {
        return Vec::new();
    };
    let mut objects = Vec::new();
    let mut others = Vec::new();
    for item in std::mem::take(items) {
        match item {
            Value::Object(object) => objects.push(object),
            other => others.push(other),
        }
    }
    if others.is_empty() {
        from.shift_remove(key);
    } else {
        *items = others;
    }
    objects
}
