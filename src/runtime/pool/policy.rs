//! Which warm agents are let go, and when to look again. Pure: fed with how each stands, and the time.
//!
//! One invariant: an agent that somebody uses, be it that it works, starts or waits for a person, is never
//! let go, however many there are.

use std::time::Duration;

use tokio::time::Instant;

/// How an agent stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing<K> {
    /// Which one.
    pub(super) key: K,
    /// Since when nobody uses it; `None` while somebody does.
    pub(super) idle_since: Option<Instant>,
    /// It will not be used again: its process is gone, or its entry reads otherwise by now.
    pub(super) stale: bool,
}

/// How many are kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// One that nobody has used for so long is let go.
    pub(super) idle: Duration,
    /// With more than so many, the one that was not used for longest is let go.
    pub(super) live: usize,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict<K> {
    /// These are let go, the one that was not used for longest first.
    pub(super) let_go: Vec<K>,
    /// When the next one is due if nothing happens; `None`: not before something happens.
    pub(super) look_again: Option<Instant>,
}

/// Who is let go now. Of those that were used last at the same time, the one with the smaller key goes first.
pub(super) fn judge<K: Ord + Clone>(agents: &[Standing<K>], limits: Limits, now: Instant) -> Verdict<K> {
    // A clock that went backwards has nobody idle since the future.
    let since = |one: &Standing<K>| one.idle_since.map(|since| since.min(now));
    let due_at = |one: &Standing<K>| since(one).and_then(|since| since.checked_add(limits.idle));
    let mut idle: Vec<&Standing<K>> = agents.iter().filter(|one| one.idle_since.is_some()).collect();
    idle.sort_by(|a, b| (since(a), &a.key).cmp(&(since(b), &b.key)));
    let (mut let_go, mut kept): (Vec<_>, Vec<_>) =
        idle.into_iter().partition(|one| one.stale || due_at(one).is_some_and(|due| due <= now));
    let too_many = (agents.len() - let_go.len()).saturating_sub(limits.live).min(kept.len());
    let_go.extend(kept.drain(..too_many));
    let look_again = kept.into_iter().filter_map(due_at).min();
    Verdict { let_go: let_go.into_iter().map(|one| one.key.clone()).collect(), look_again }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    /// `name`, idle for so many seconds, or `None` while it is used; stale with a `!` before its name.
    type Row = (&'static str, Option<i64>);

    /// What it is about, the agents, how many may live, who is let go, and in how many seconds to look again.
    type Case = (&'static str, &'static [Row], usize, &'static [&'static str], Option<u64>);

    /// Who is let go, and in how many seconds to look again.
    fn verdict(rows: &[Row], live: usize, idle: Duration) -> (Vec<&'static str>, Option<u64>) {
        // The monotonic clock may have begun less than an hour ago.
        let now = Instant::now() + Duration::from_secs(3600);
        let at = |seconds: i64| match u64::try_from(seconds) {
            Ok(past) => now - Duration::from_secs(past),
            Err(_) => now + Duration::from_secs(seconds.unsigned_abs()),
        };
        let agents: Vec<Standing<&str>> = rows
            .iter()
            .map(|(name, idle)| Standing {
                key: name.trim_start_matches('!'),
                idle_since: idle.map(at),
                stale: name.starts_with('!'),
            })
            .collect();
        let verdict = judge(&agents, Limits { idle, live }, now);
        (verdict.let_go, verdict.look_again.map(|at| (at - now).as_secs()))
    }

    /// Tried mutants: no `min(now)` for a clock that went backwards; the newest instead of the oldest over
    /// the limit; those that are due not subtracted before counting; `<` for `<=` when one is due; agents in
    /// use among those that may go.
    #[test]
    fn the_idle_go_when_their_time_is_up_or_there_are_too_many() {
        let table: &[Case] = &[
            ("nothing to do", &[], 2, &[], None),
            ("all in use, within the limit", &[("a", None), ("b", None)], 2, &[], None),
            ("all in use, beyond the limit", &[("a", None), ("b", None), ("c", None)], 1, &[], None),
            ("one is idle", &[("a", Some(20)), ("b", None)], 2, &[], Some(40)),
            ("the next one that is due", &[("a", Some(20)), ("b", Some(50))], 2, &[], Some(10)),
            ("its time is up to the second", &[("a", Some(60)), ("b", Some(59))], 9, &["a"], Some(1)),
            ("both times are up", &[("a", Some(61)), ("b", Some(99))], 9, &["b", "a"], None),
            ("the oldest goes first", &[("a", Some(5)), ("b", Some(9)), ("c", None)], 2, &["b"], Some(55)),
            ("a tie is broken by the key", &[("b", Some(9)), ("a", Some(9))], 1, &["a"], Some(51)),
            ("as soon as one is idle", &[("a", None), ("b", None), ("c", Some(0))], 2, &["c"], None),
            (
                "only as many as are too many",
                &[("a", Some(3)), ("b", Some(2)), ("c", Some(1))],
                2,
                &["a"],
                Some(58),
            ),
            ("what is due makes room", &[("a", Some(70)), ("b", Some(5)), ("c", None)], 2, &["a"], Some(55)),
            ("what is stale goes at once", &[("!a", Some(0)), ("b", Some(9))], 9, &["a"], Some(51)),
            ("unless it is used", &[("!a", None)], 9, &[], None),
            ("none is kept", &[("a", Some(0)), ("b", None)], 0, &["a"], None),
            ("idle since the future is idle since now", &[("a", Some(-30))], 9, &[], Some(60)),
            ("and the newest", &[("a", Some(-30)), ("b", Some(1))], 1, &["b"], Some(60)),
        ];
        for (what, rows, live, let_go, again) in table {
            assert_eq!(verdict(rows, *live, IDLE), (let_go.to_vec(), *again), "{what}");
        }
    }

    #[test]
    fn the_time_may_be_none_at_all_or_for_ever() {
        assert_eq!(verdict(&[("a", Some(0)), ("b", None)], 9, Duration::ZERO), (vec!["a"], None));
        assert_eq!(verdict(&[("a", Some(99))], 9, Duration::MAX), (vec![], None));
    }
}
