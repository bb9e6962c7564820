//! What the model can't hold, kept in `extra` until the file is written again.

use serde::Deserialize;
use serde_json::Value;

use crate::model::Extra;
use crate::store::tasks::fields::Word;

/// The known value; an unknown word is kept under its key.
pub(super) fn known<T>(word: Word<T>, unknown: T, key: &str, extra: &mut Extra) -> T {
    match word {
        Word::Known(value) => value,
        Word::Other(word) => {
            extra.insert(key.to_owned(), Value::String(word));
            unknown
        }
    }
}

/// The kept word if the value is still what it was taken for.
pub(super) fn word<T: PartialEq>(value: T, unknown: &T, key: &str, extra: &mut Extra) -> Word<T> {
    match take(extra, key) {
        Some(Value::String(word)) if value == *unknown => Word::Other(word),
        _ => Word::Known(value),
    }
}

/// The known value, if there is one; an unknown word is kept and means nothing to us.
pub(super) fn known_or_none<T>(word: Option<Word<T>>, key: &str, extra: &mut Extra) -> Option<T> {
    known(word.map_or(Word::Known(None), Word::some), None, key, extra)
}

/// The kept word if there still is no value.
pub(super) fn word_or_none<T>(value: Option<T>, key: &str, extra: &mut Extra) -> Option<Word<T>> {
    match (value, take(extra, key)) {
        (Some(value), _) => Some(Word::Known(value)),
        (None, Some(Value::String(word))) => Some(Word::Other(word)),
        (None, _) => None,
    }
}

impl<T> Word<T> {
    fn some(self) -> Word<Option<T>> {
        match self {
            Self::Known(value) => Word::Known(Some(value)),
            Self::Other(word) => Word::Other(word),
        }
    }
}

/// Removes a field and keeps the order of the others.
pub(super) fn take(extra: &mut Extra, key: &str) -> Option<Value> {
    if extra.is_empty() { None } else { extra.shift_remove(key) }
}

/// A value read where it is, without a copy.
pub(super) fn read<T: for<'de> Deserialize<'de>>(raw: &Value) -> Option<T> {
    T::deserialize(raw).ok()
}

/// A part of a record that has no `extra` of its own.
pub(super) struct Part<T> {
    pub(super) key: &'static str,
    pub(super) read: fn(&Value) -> Option<T>,
    pub(super) write: fn(&T) -> Option<Value>,
}

impl<T: PartialEq> Part<T> {
    /// What the model can hold of it; all of it is kept when that is not everything.
    pub(super) fn to_model(&self, raw: Option<Value>, extra: &mut Extra) -> Option<T> {
        let raw = raw?;
        let value = (self.read)(&raw);
        if value.as_ref().and_then(self.write).as_ref() != Some(&raw) {
            extra.insert(self.key.to_owned(), raw);
        }
        value
    }

    /// What was kept if it still means the same, else what the model says.
    pub(super) fn to_wire(&self, value: Option<&T>, extra: &mut Extra) -> Option<Value> {
        match take(extra, self.key) {
            Some(raw) if (self.read)(&raw).as_ref() == value => Some(raw),
            _ => value.and_then(self.write),
        }
    }
}
