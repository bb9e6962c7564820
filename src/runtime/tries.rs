//! What is tried after an attempt that failed: the next model, or the same once its limit has reset. Pure.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Failure, FailureKind, ModelRef, Remedy};

/// How often one turn waits for a limit: a provider that says it has reset, and has not, is not asked for ever.
const WAITS: u32 = 3;

/// Clocks differ.
const MARGIN: TimeDelta = TimeDelta::seconds(1);

/// What comes after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Another model, at once.
    Model(ModelRef),
    /// A model whose limit resets then.
    Wait(DateTime<Utc>, ModelRef),
    /// A person decides.
    Nothing,
}

/// The models of a turn, and what became of them.
#[derive(Debug)]
pub(super) struct Tries {
    left: std::vec::IntoIter<ModelRef>,
    /// Models that have run into a limit, and when that resets.
    limits: Vec<(DateTime<Utc>, ModelRef)>,
    /// How long may still be waited.
    patience: TimeDelta,
    waits: u32,
}

impl Tries {
    /// Models in order of preference; `patience` is how long may be waited for a limit, in all.
    pub(super) fn new(models: Vec<ModelRef>, patience: Duration) -> Self {
        let patience = TimeDelta::from_std(patience).unwrap_or(TimeDelta::MAX);
        Self { left: models.into_iter(), limits: Vec::new(), patience, waits: WAITS }
    }

    /// The model to begin with.
    pub(super) fn first(&mut self) -> Option<ModelRef> {
        self.left.next()
    }

    /// What comes after an attempt with `model` that failed so; `produced`, if its agent had begun to work.
    pub(super) fn after(
        &mut self,
        model: &ModelRef,
        failure: &Failure,
        produced: bool,
        now: DateTime<Utc>,
    ) -> Next {
        if produced {
            // Work that was begun goes on with the same model, or by a person's choice.
            self.left = Vec::new().into_iter();
            self.limits.clear();
        }
        if failure.kind.remedy() != Remedy::NextModel {
            return Next::Nothing;
        }
        let limited = failure.kind == FailureKind::RateLimit;
        let resets = failure.reset_at.filter(|_| limited);
        self.limits.extend(resets.map(|at| (at + MARGIN, model.clone())));
        match self.left.next() {
            Some(next) => Next::Model(next),
            None if limited => self.wait(now),
            None => Next::Nothing,
        }
    }

    /// Waits for the limit that resets first, if that is soon enough.
    fn wait(&mut self, now: DateTime<Utc>) -> Next {
        let first = self.limits.iter().enumerate().min_by_key(|(_, (at, _))| *at).map(|(index, _)| index);
        let Some((at, model)) = first.map(|index| self.limits.remove(index)) else { return Next::Nothing };
        let time = (at - now).max(TimeDelta::zero());
        if self.waits == 0 || self.patience.is_zero() || time > self.patience {
            return Next::Nothing;
        }
        self.waits -= 1;
        self.patience -= time;
        Next::Wait(at, model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> ModelRef {
        format!("p/{name}").parse().expect("a model")
    }

    fn tries(models: &[&str], minutes: u64) -> Tries {
        let mut tries =
            Tries::new(models.iter().copied().map(model).collect(), Duration::from_secs(minutes * 60));
        assert_eq!(tries.first(), models.first().copied().map(model));
        tries
    }

    fn limit(minutes: i64) -> Failure {
        let reset_at = Some(at(minutes) - MARGIN);
        Failure { reset_at, ..Failure::new(FailureKind::RateLimit, "429") }
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn the_next_model_comes_before_any_wait_and_then_the_limit_that_resets_first() {
        let mut tries = tries(&["a", "b", "c"], 30);
        assert_eq!(tries.after(&model("a"), &limit(20), false, NOW), Next::Model(model("b")));
        assert_eq!(tries.after(&model("b"), &limit(5), false, NOW), Next::Model(model("c")));
        assert_eq!(tries.after(&model("c"), &limit(60), false, NOW), Next::Wait(at(5), model("b")));
        // Then of 30 minutes 25 are left, and the other resets after 15 of them.
        assert_eq!(tries.after(&model("b"), &limit(90), false, at(5)), Next::Wait(at(20), model("a")));
        assert_eq!(tries.after(&model("a"), &limit(40), false, at(20)), Next::Nothing, "10 minutes are left");
    }

    #[test]
    fn work_that_was_begun_waits_for_its_own_model() {
        let mut tries = tries(&["a", "b"], 30);
        assert_eq!(tries.after(&model("a"), &limit(10), true, NOW), Next::Wait(at(10), model("a")));
        let provider = Failure::new(FailureKind::Provider, "500");
        assert_eq!(tries.after(&model("a"), &provider, true, at(10)), Next::Nothing);
    }

    #[test]
    fn nobody_waits_for_what_is_too_late_or_unknown_or_switched_off() {
        let unknown = Failure::new(FailureKind::RateLimit, "429");
        let auth = Failure { reset_at: Some(at(1)), ..Failure::new(FailureKind::Auth, "401") };
        for (failure, minutes) in [(limit(31), 30), (unknown, 30), (limit(1), 0), (limit(-9), 0), (auth, 30)]
        {
            let next = tries(&["a"], minutes).after(&model("a"), &failure, false, NOW);
            assert_eq!(next, Next::Nothing, "{failure:?} within {minutes}");
        }
        // What has reset already is asked at once, but not for ever.
        let mut tries = tries(&["a"], 30);
        let waits = (0..9).filter(|_| tries.after(&model("a"), &limit(-1), false, NOW) != Next::Nothing);
        assert_eq!(waits.count(), 3);
    }
}
