//! Times in the state file: UTC, RFC 3339 with milliseconds.
//!
//! A file of a thousand tasks has two thousand of them, all of one form, `2026-01-02T03:04:05.678Z`.
//! That form is read and written here, digit by digit, in a tenth of the time; every other one is
//! chrono's business.

use std::borrow::Cow;
use std::ops::Range;

use chrono::{DateTime, Datelike as _, NaiveDate, SecondsFormat, Timelike as _, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fields::Key;

/// A time in UTC, RFC 3339 with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Time(pub(super) DateTime<Utc>);

/// The form that we write, with every digit 0.
const FORM: [u8; 24] = *b"0000-00-00T00:00:00.000Z";
/// Where its numbers stand: year, month, day, hour, minute, second, millisecond.
const NUMBERS: [Range<usize>; 7] = [0..4, 5..7, 8..10, 11..13, 14..16, 17..19, 20..23];

/// Reads our own form; anything else gives `None`.
fn read(text: &str) -> Option<DateTime<Utc>> {
    let text: &[u8; 24] = text.as_bytes().try_into().ok()?;
    let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    if !text.iter().zip(&FORM).all(fits) {
        return None;
    }
    let number =
        |range: Range<usize>| text[range].iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let [year, month, day, hour, minute, second, milli] = NUMBERS.map(number);
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    date.and_hms_milli_opt(hour, minute, second, milli).map(|time| time.and_utc())
}

/// Writes our own form; a time that does not fit in it gives `None`.
fn write(time: DateTime<Utc>) -> Option<[u8; 24]> {
    let year = u32::try_from(time.year()).ok().filter(|year| *year <= 9999)?;
    // More than a billion in a leap second.
    let milli = Some(time.nanosecond()).filter(|nano| nano % 1_000_000 == 0).map(|nano| nano / 1_000_000)?;
    let mut text = FORM;
    let numbers = [year, time.month(), time.day(), time.hour(), time.minute(), time.second(), milli];
    for (range, mut number) in NUMBERS.into_iter().zip(numbers) {
        for digit in text[range].iter_mut().rev() {
            *digit += u8::try_from(number % 10).ok()?;
            number /= 10;
        }
    }
    (milli < 1000).then_some(text)
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = write(self.0).as_ref().and_then(|text| std::str::from_utf8(text).ok()) {
            return serializer.serialize_str(text);
        }
        let whole = self.0.nanosecond().is_multiple_of(1_000_000);
        let format = if whole { SecondsFormat::Millis } else { SecondsFormat::AutoSi };
        serializer.serialize_str(&self.0.to_rfc3339_opts(format, true))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Key(text) = Key::deserialize(deserializer)?;
        match read(&text) {
            Some(time) => Ok(Self(time)),
            None => text.parse().map(Self).map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_other_form_is_left_to_chrono() {
        for text in [
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.6789Z",
            "2026-01-02T03:04:05.678+01:00",
            "2026-01-02 03:04:05.678Z",
            "2026-01-02T03:04:60.678Z",
            "2026-13-02T03:04:05.678Z",
            "2026-02-30T03:04:05.678Z",
            "20:6-01-02T03:04:05.678Z",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let time = |text: &str| serde_json::from_value::<Time>(text.into());
        assert_eq!(
            time("2026-01-02T04:04:05+01:00").expect("a time"),
            time("2026-01-02T03:04:05.000Z").expect("a time")
        );
        assert!(time("2026-02-30T03:04:05.678Z").is_err() && time("soon").is_err());
    }

    proptest! {
        #[test]
        fn our_form_is_what_chrono_reads_and_writes(millis in -70_000_000_000_000_i64..260_000_000_000_000) {
            let time = DateTime::from_timestamp_millis(millis).expect("a time");
            let text = time.to_rfc3339_opts(SecondsFormat::Millis, true);
            if let Some(written) = write(time) {
                prop_assert_eq!(std::str::from_utf8(&written).expect("text"), &text);
                prop_assert_eq!(read(&text), Some(time));
            } else {
                prop_assert!(!(0..=9999).contains(&time.year()));
            }
            let json = serde_json::to_string(&Time(time)).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<Time>(&json).expect("a time"), Time(time));
        }
    }
}
