//! Tokens and cost, which stand in every record.
//!
//! They are read straight into their numbers, without a JSON value in between. One invariant: an object that
//! these numbers don't tell in full, to the last key and kind of number, is kept as it is.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value};

use super::fields::Key;
use crate::model::Usage;

/// What stands behind `usage`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum WireUsage {
    /// Exactly what we would write for these numbers, in whatever order.
    Known(Usage),
    /// Anything else.
    Other(Value),
}

/// The numbers that were found so far.
#[derive(Default)]
struct Found {
    counts: [Option<u64>; 5],
    cost: Option<f64>,
}

/// The counts by their keys, in the order of [`Found::counts`].
const COUNTS: [&str; 5] = ["input", "output", "reasoning", "cacheRead", "cacheWrite"];

impl Found {
    /// Takes a number in; gives it back when it is none of ours, or comes again.
    fn take(&mut self, key: &str, value: Value) -> Result<(), Value> {
        let place = COUNTS.iter().position(|name| *name == key);
        match (place.and_then(|at| self.counts.get_mut(at)), value.as_u64()) {
            (Some(free @ None), Some(count)) => *free = Some(count),
            (None, _) if key == "cost" && self.cost.is_none() && value.is_f64() => self.cost = value.as_f64(),
            _ => return Err(value),
        }
        Ok(())
    }

    /// All of them, if all are there.
    fn whole(&self) -> Option<Usage> {
        let [input, output, reasoning, cache_read, cache_write] = self.counts;
        Some(Usage {
            input: input?,
            output: output?,
            reasoning: reasoning?,
            cache_read: cache_read?,
            cache_write: cache_write?,
            cost: self.cost?,
        })
    }

    /// What was found, as an object.
    fn object(&self) -> Map<String, Value> {
        let counts = COUNTS.iter().zip(self.counts);
        let counts = counts.filter_map(|(key, count)| Some(((*key).to_owned(), Value::from(count?))));
        counts.chain(self.cost.map(|cost| ("cost".to_owned(), Value::from(cost)))).collect()
    }
}

impl Serialize for WireUsage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Known(usage) => usage.serialize(serializer),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for WireUsage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = WireUsage;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tokens and cost")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireUsage, A::Error> {
                let mut found = Found::default();
                while let Some(Key(key)) = map.next_key()? {
                    if let Err(odd) = found.take(&key, map.next_value()?) {
                        let mut object = found.object();
                        object.insert(key.into_owned(), odd);
                        while let Some((key, value)) = map.next_entry()? {
                            object.insert(key, value);
                        }
                        return Ok(WireUsage::Other(Value::Object(object)));
                    }
                }
                Ok(found.whole().map_or_else(|| WireUsage::Other(found.object().into()), WireUsage::Known))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<WireUsage, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = seq.next_element()? {
                    list.push(value);
                }
                Ok(WireUsage::Other(Value::Array(list)))
            }
            fn visit_bool<E>(self, value: bool) -> Result<WireUsage, E> {
                Ok(WireUsage::Other(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<WireUsage, E> {
                Ok(WireUsage::Other(value.into()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<WireUsage, E> {
                Ok(WireUsage::Other(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<WireUsage, E> {
                Ok(WireUsage::Other(Number::from_f64(value).map_or(Value::Null, Value::Number)))
            }
            fn visit_str<E>(self, value: &str) -> Result<WireUsage, E> {
                Ok(WireUsage::Other(value.into()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"input":1,"output":2,"reasoning":3,"cacheRead":4,"cacheWrite":5,"cost":0.25}"#;

    /// The numbers are known only where they are all that there is; everything else comes back as it was.
    ///
    /// Mutant: `Found::take` takes a number that comes again (the second of two inputs wins in silence).
    #[test]
    fn nothing_is_lost_and_nothing_is_added() {
        let whole: WireUsage = serde_json::from_str(WHOLE).expect("usage");
        let usage = Usage { input: 1, output: 2, reasoning: 3, cache_read: 4, cache_write: 5, cost: 0.25 };
        assert_eq!(whole, WireUsage::Known(usage));
        assert_eq!(serde_json::to_string(&whole).expect("JSON"), WHOLE);
        for odd in [
            WHOLE.replace("0.25", "1"),
            WHOLE.replace("\"input\":1", "\"input\":1.0"),
            WHOLE.replace("\"input\":1", "\"input\":-1"),
            WHOLE.replace("\"input\":1,", ""),
            WHOLE.replace("}", ",\"more\":[null]}"),
            WHOLE.replace("\"input\":1", "\"input\":{\"a\":\"b\"}"),
            r#"{"later":1,"input":1}"#.to_owned(),
            "{}".to_owned(),
            "[1,\"a\"]".to_owned(),
            "true".to_owned(),
            "1".to_owned(),
            "-1".to_owned(),
            "1.5".to_owned(),
            "\"much\"".to_owned(),
        ] {
            let read: WireUsage = serde_json::from_str(&odd).expect("JSON");
            assert!(matches!(read, WireUsage::Other(_)), "{odd}");
            let written = serde_json::to_value(&read).expect("JSON");
            assert_eq!(written, serde_json::from_str::<Value>(&odd).expect("JSON"), "{odd}");
        }
        let twice: WireUsage = serde_json::from_str(&WHOLE.replace("}", ",\"input\":9}")).expect("JSON");
        assert!(
            matches!(twice, WireUsage::Other(_)),
            "as any value of two keys, the last counts, and it is kept"
        );
    }
}
