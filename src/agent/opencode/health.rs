//! Whether a server is well, and whether one that died is started again. Pure, fed with what was seen and
//! the time.
//!
//! Slow is not dead: any answer and any heartbeat is a sign of life. Only a server that gives none for
//! the whole grace, and is asked in vain meanwhile, is taken for dead.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::Failure;

/// How patient we are with a server.
#[derive(Debug, Clone, Copy)]
pub struct HealthLimits {
    /// Silent for longer than this while it is needed, it is asked whether it is well. While it is listened
    /// to it gives a sign every 10 s.
    pub quiet: Duration,
    /// How long it may take to answer that, and how long to wait before it is asked again.
    pub answer: Duration,
    /// Without any sign of life for so long, it is dead.
    pub grace: Duration,
    /// One that lives for longer than this has not died of its start.
    pub settled: Duration,
    /// How long one that died again and again is left alone.
    pub rest: Duration,
}

impl Default for HealthLimits {
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(15),
            answer: Duration::from_secs(10),
            grace: Duration::from_secs(45),
            settled: Duration::from_secs(60),
            rest: Duration::from_secs(60),
        }
    }
}

/// So often it must be asked in vain, at least: we may have slept ourselves.
const IN_VAIN: u32 = 2;

/// What was seen of a running server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signs {
    /// Somebody waits for it: turns are followed, or a request has failed.
    pub(crate) needed: bool,
    /// A request has failed since its last sign of life.
    pub(crate) doubted: bool,
    /// Its last sign of life; or, if that is later, since when it is needed.
    pub(crate) since: Instant,
    /// How often it was asked in vain since then, and when for the last time.
    pub(crate) in_vain: u32,
    /// When the last of that was.
    pub(crate) asked: Instant,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nobody needs it: look when somebody does.
    Unneeded,
    /// Look again then, if nothing happens before.
    Look(Instant),
    /// Ask it whether it is well.
    Ask,
    /// It is dead, after so long without a sign.
    Dead(Duration),
}

/// Whether a server is well.
pub(crate) fn judge(signs: &Signs, now: Instant, limits: &HealthLimits) -> Verdict {
    if !signs.needed && !signs.doubted {
        return Verdict::Unneeded;
    }
    let silent = now.saturating_duration_since(signs.since);
    let again = signs.asked + limits.answer;
    match signs.in_vain {
        IN_VAIN.. if silent >= limits.grace => Verdict::Dead(silent),
        1.. if now < again => Verdict::Look(again),
        1.. => Verdict::Ask,
        0 if signs.doubted || silent >= limits.quiet => Verdict::Ask,
        0 => Verdict::Look(signs.since + limits.quiet),
    }
}

/// After so many deaths in a row it is given up.
const TRIES: u32 = 5;

/// The pause after the second death in a row; it doubles with each that follows.
const PAUSE: Duration = Duration::from_millis(500);

/// The deaths of servers that were of no use to anybody, in a row.
#[derive(Debug, Default)]
pub(crate) struct Deaths {
    in_a_row: u32,
    last: Option<(Instant, Failure)>,
}

/// Whether a server may be started.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Start {
    /// At once.
    Now,
    /// Then.
    At(Instant),
    /// Not before somebody asks again after that time, and why.
    GivenUp(Failure),
}

impl Deaths {
    /// A server died at `at`, or did not even start. One that was of use, or lived long, did not die of
    /// its start.
    pub(crate) fn died(
        &mut self,
        at: Instant,
        lived: Duration,
        of_use: bool,
        why: Failure,
        limits: &HealthLimits,
    ) {
        let harmless = of_use || lived >= limits.settled;
        self.in_a_row = if harmless { 0 } else { self.in_a_row + 1 };
        self.last = Some((at, why));
    }

    /// Whether the next may be started. After the rest one may be tried; dies it as well, the rest begins anew.
    pub(crate) fn start(&self, now: Instant, limits: &HealthLimits) -> Start {
        let Some((at, why)) = &self.last else { return Start::Now };
        let until = match self.in_a_row {
            0 | 1 => return Start::Now,
            TRIES.. => *at + limits.rest,
            several => *at + PAUSE * 2_u32.pow(several - 2),
        };
        match self.in_a_row {
            _ if now >= until => Start::Now,
            TRIES.. => {
                let left = (until - now).as_secs() + 1;
                let times = self.in_a_row;
                let words = format!(
                    "opencode died {times} times in a row, so it is not started again for {left} s; the last \
                     time: {}",
                    why.message
                );
                Start::GivenUp(Failure::new(why.kind, words))
            }
            _ => Start::At(until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureKind;

    const LIMITS: HealthLimits = HealthLimits {
        quiet: Duration::from_secs(15),
        answer: Duration::from_secs(10),
        grace: Duration::from_secs(45),
        settled: Duration::from_secs(60),
        rest: Duration::from_secs(60),
    };

    /// Mutant: `Dead` without having asked in vain (the row of a machine that slept).
    #[test]
    fn only_long_silence_that_was_asked_about_is_death() {
        let zero = Instant::now();
        let at = |seconds| zero + Duration::from_secs(seconds);
        let dead = |seconds| Verdict::Dead(Duration::from_secs(seconds));
        // needed, doubted, asked in vain, the last time at, now => verdict
        for (needed, doubted, in_vain, asked, now, wanted) in [
            (false, false, 0, 0, 5000, Verdict::Unneeded),
            (true, false, 0, 0, 0, Verdict::Look(at(15))),
            (true, false, 0, 0, 14, Verdict::Look(at(15))),
            (true, false, 0, 0, 15, Verdict::Ask),
            (true, false, 0, 0, 5000, Verdict::Ask),
            (false, true, 0, 0, 1, Verdict::Ask),
            (true, true, 0, 0, 1, Verdict::Ask),
            (true, false, 1, 25, 26, Verdict::Look(at(35))),
            (true, false, 1, 25, 35, Verdict::Ask),
            (true, false, 1, 25, 5000, Verdict::Ask),
            (true, false, 2, 44, 44, Verdict::Look(at(54))),
            (true, false, 2, 44, 45, dead(45)),
            (false, true, 2, 45, 46, dead(46)),
            (false, true, 3, 20, 30, Verdict::Ask),
            (false, false, 2, 45, 46, Verdict::Unneeded),
        ] {
            let signs = Signs { needed, doubted, since: at(0), in_vain, asked: at(asked) };
            assert_eq!(judge(&signs, at(now), &LIMITS), wanted, "{signs:?} at {now}");
        }
    }

    /// Mutant: no pause before the third start.
    #[test]
    fn who_dies_again_and_again_is_given_up_and_tried_once_after_a_rest() {
        let zero = Instant::now();
        let ms = |ms| zero + Duration::from_millis(ms);
        let why = || Failure::new(FailureKind::AgentCrashed, "it said: no");
        let mut deaths = Deaths::default();
        let mut die = |at| {
            deaths.died(ms(at), Duration::from_secs(1), false, why(), &LIMITS);
            (deaths.start(ms(at), &LIMITS), deaths.start(ms(at + 60_000), &LIMITS))
        };
        assert_eq!(die(0), (Start::Now, Start::Now));
        assert_eq!(die(0), (Start::At(ms(500)), Start::Now));
        assert_eq!(die(1000), (Start::At(ms(2000)), Start::Now));
        assert_eq!(die(2000), (Start::At(ms(4000)), Start::Now));
        for (times, at) in [(5, 5000), (6, 100_000)] {
            let (Start::GivenUp(failure), Start::Now) = die(at) else { panic!("after {times}") };
            assert_eq!(failure.kind, FailureKind::AgentCrashed);
            let words = format!("opencode died {times} times in a row, so it is not started again for 61 s");
            assert!(failure.message.starts_with(&words), "{failure}");
            assert!(failure.message.ends_with("it said: no"), "{failure}");
        }
        // One that was of use, or lived, ends the row.
        for (lived, of_use) in [(1, true), (60, false)] {
            deaths.died(ms(0), Duration::from_secs(lived), of_use, why(), &LIMITS);
            assert_eq!(deaths.start(ms(0), &LIMITS), Start::Now);
        }
    }
}
