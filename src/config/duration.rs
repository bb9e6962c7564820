//! Lengths of time as people write them: `30m`, `1h30m`, `90s`, `500ms`.

use std::time::Duration;

/// Why a text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no length of time like `30m`, `90s` or `1h30m`")]
pub struct DurationError(String);

/// Reads a length of time that is more than nothing: numbers with `d`, `h`, `m`, `s` or `ms`.
///
/// # Errors
/// When the text is something else, has no unit, or is zero.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    read(text).filter(|time| !time.is_zero()).ok_or_else(|| DurationError(text.to_owned()))
}

/// The same the other way round: `30m`, `1h30m`, `1s500ms`.
#[must_use]
pub fn duration_words(time: Duration) -> String {
    let mut rest = time.as_millis();
    let mut words = String::new();
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest >= length {
            words.push_str(&format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    if words.is_empty() { "0s".to_owned() } else { words }
}

fn read(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let milliseconds = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        rest = rest[letters..].trim_start();
        total = total.checked_add(Duration::from_millis(number.checked_mul(milliseconds)?))?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{duration_words, parse_duration};

    #[test]
    fn lengths_of_time_need_a_unit() {
        for (text, milliseconds) in [
            ("30m", 1_800_000),
            ("1h30m", 5_400_000),
            ("90 s", 90_000),
            ("500ms", 500),
            ("1d", 86_400_000),
            ("2min", 120_000),
        ] {
            assert_eq!(parse_duration(text).map(|time| time.as_millis()), Ok(milliseconds), "{text}");
        }
        for words in ["30m", "1h30m", "1d", "90ms", "1m30s", "2s500ms"] {
            assert_eq!(parse_duration(words).map(duration_words).as_deref(), Ok(words));
        }
        assert_eq!(duration_words(Duration::ZERO), "0s");
        for text in [
            "",
            "30",
            "m",
            "-1s",
            "0s",
            "1.5h",
            "1 week",
            "99999999999999999999s",
            "18446744073709551615d",
            "é",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
