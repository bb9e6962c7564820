//! Times as people say them: local, and how long ago. Stored times are UTC.

use chrono::{DateTime, Local, TimeDelta, Utc};

/// `3m`, `2h`, `5d`: the largest unit that fits.
#[must_use]
pub(super) fn span(delta: TimeDelta) -> String {
    let seconds = delta.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `3m ago`, or `just now`.
#[must_use]
pub(super) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match (now - at).num_seconds() {
        ..2 => "just now".to_owned(),
        _ => format!("{} ago", span(now - at)),
    }
}

/// Local date and time to the second.
#[must_use]
pub(super) fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_use_the_largest_unit_that_fits() {
        for (seconds, said) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3_599, "59m"), (3_600, "1h"), (172_800, "2d"), (-5, "0s")]
        {
            assert_eq!(span(TimeDelta::seconds(seconds)), said);
        }
    }
}
