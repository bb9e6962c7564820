//! How the wire structs are read: known fields go to their places, unknown ones are kept.
//!
//! `#[serde(flatten)]` would say the same, but it copies every value into a buffer first, and then a
//! wrong value is reported at the end of its object instead of where it stands.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{Error as PlainError, StrDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A key of an object, borrowed from the file where possible.
pub(super) struct Key<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// A word of a closed list, or a word that only a newer version knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word<T> {
    /// A word that we know.
    Known(T),
    /// Any other.
    Other(String),
}

impl<T: Serialize> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(known) => known.serialize(serializer),
            Self::Other(word) => serializer.serialize_str(word),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = Word<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word")
            }
            fn visit_str<E>(self, word: &str) -> Result<Self::Value, E> {
                let known = T::deserialize(StrDeserializer::<PlainError>::new(word));
                Ok(known.map_or_else(|_| Word::Other(word.to_owned()), Word::Known))
            }
        }
        deserializer.deserialize_str(Visitor(PhantomData))
    }
}

/// A field that the file must have.
pub(super) fn required<T, E: serde::de::Error>(value: Option<T>, key: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(key))
}

/// Implements `Deserialize` for a wire struct that has a field `extra`.
///
/// `required` fields must be there, `optional` ones have a default. A key that comes twice is an
/// error: of two contradicting values, dropping one in silence would be a loss.
macro_rules! read_fields {
    (
        $name:ident, $what:literal,
        required { $($field:ident: $key:literal),* $(,)? }
        optional { $($maybe:ident: $maybe_key:literal),* $(,)? }
    ) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($what)
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        use serde::de::Error as _;
                        $(let mut $field = None;)*
                        $(let mut $maybe = None;)*
                        let mut extra = crate::model::Extra::new();
                        while let Some(key) = map.next_key::<$crate::store::tasks::fields::Key<'de>>()? {
                            match key.0.as_ref() {
                                $($key => if $field.replace(map.next_value()?).is_some() {
                                    return Err(A::Error::duplicate_field($key));
                                },)*
                                $($maybe_key => if $maybe.replace(map.next_value()?).is_some() {
                                    return Err(A::Error::duplicate_field($maybe_key));
                                },)*
                                other => if extra.insert(other.to_owned(), map.next_value()?).is_some() {
                                    return Err(A::Error::custom(format_args!("duplicate field `{other}`")));
                                },
                            }
                        }
                        Ok($name {
                            $($field: $crate::store::tasks::fields::required($field, $key)?,)*
                            $($maybe: $maybe.unwrap_or_default(),)*
                            extra,
                        })
                    }
                }
                deserializer.deserialize_map(Visitor)
            }
        }
    };
}
pub(super) use read_fields;
