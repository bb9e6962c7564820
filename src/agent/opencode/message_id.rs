//! Ids of the messages we send. Choosing them ourselves tells our turn from everyone else's.
//!
//! The form is the server's own: `msg_`, twelve hex digits of time and counter, fourteen letters. The
//! server takes a message for old, and silently drops it, unless its id sorts after every id of the
//! session; so an id is also made to sort after the last one that is known there.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};

/// The last number given out by this process; later ones are larger, whatever the clock does.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Twelve hex digits.
const SPAN: u64 = 1 << 48;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new id that sorts after all that this process made, and after `last`.
pub(crate) fn next(now: DateTime<Utc>, last: Option<&str>, random: [u8; 14]) -> String {
    let by_clock = u64::try_from(now.timestamp_millis()).unwrap_or(0).wrapping_mul(4096) % SPAN;
    let floor = last.and_then(number).map_or(by_clock, |last| by_clock.max(last + 1));
    let previous = LAST
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(floor.max(last + 1)))
        .unwrap_or_else(|last| last);
    let number = floor.max(previous + 1);
    let tail: String = random.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % 62])).collect();
    format!("msg_{number:012x}{tail}")
}

fn number(id: &str) -> Option<u64> {
    u64::from_str_radix(id.strip_prefix("msg_")?.get(..12)?, 16).ok().filter(|number| number + 1 < SPAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_even_when_the_clock_stands_still_or_steps_back() {
        let late: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().expect("a time");
        let early: DateTime<Utc> = "2026-11-21T11:00:00Z".parse().expect("a time");
        let ids = [next(late, None, [7; 14]), next(late, None, [7; 14]), next(early, None, [0; 14])];
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == 30));
    }

    #[test]
    fn an_id_sorts_after_the_last_one_of_the_session() {
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().expect("a time");
        let last = "msg_f00000000001abcdefghijklmn";
        assert!(next(now, Some(last), [0; 14]).as_str() > last);
        assert!(next(now, Some("msg_work-1"), [0; 14]).starts_with("msg_"));
    }
}
