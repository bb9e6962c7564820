//! What attempts used, summed: tokens by kind, and money, with what nobody told counted beside it.
//!
//! Money is summed in whole billionths of a dollar, so a sum has no noise and no order. One invariant: what an
//! agent did not tell is never a zero; it is counted as not told.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Outcome, SessionRecord, SessionRef, SessionState, Usage};

/// `12,345`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An amount of US dollars, exact to a billionth of one; in files and JSON a number of dollars. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Money(u64);

const NANOS: f64 = 1e9;

impl Money {
    /// So many dollars, rounded to a billionth. What is negative or no number is nothing; what is too much for
    /// anybody's purse is the most that there is.
    #[must_use]
    pub fn of_dollars(dollars: f64) -> Self {
        // A cast saturates, and makes zero of what is no number.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it saturates, as is wanted"
        )]
        let nanos = (dollars * NANOS).round() as u64;
        Self(nanos)
    }

    /// So many billionths of a dollar.
    #[must_use]
    pub const fn of_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// In billionths of a dollar.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// In dollars, as the nearest number that can be written with a point.
    #[must_use]
    pub fn dollars(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "exact up to nine million dollars")]
        let nanos = self.0 as f64;
        nanos / NANOS
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left of it without `other`; never below zero.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// `$1.51`; small sums need more digits to say anything.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("$0"),
            1..50_000 => f.write_str("<$0.0001"),
            50_000..100_000_000 => write!(f, "${:.4}", self.dollars()),
            _ => write!(f, "${:.2}", self.dollars()),
        }
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.dollars())
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::of_dollars)
    }
}

impl JsonSchema for Money {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0 })
    }
}

/// Tokens by kind, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// Input tokens that were not read from a cache.
    pub input: u64,
    /// Output tokens without reasoning.
    pub output: u64,
    /// Reasoning tokens.
    pub reasoning: u64,
    /// Input tokens read from a cache.
    pub cache_read: u64,
    /// Input tokens written to a cache.
    pub cache_write: u64,
}

impl Tokens {
    /// Those that went in: new, and read from a cache.
    #[must_use]
    pub fn sent(self) -> u64 {
        self.input.saturating_add(self.cache_read)
    }

    /// Those that came out, reasoning included.
    #[must_use]
    pub fn received(self) -> u64 {
        self.output.saturating_add(self.reasoning)
    }

    /// All of them, of every kind. This is what a budget of tokens counts.
    #[must_use]
    pub fn total(self) -> u64 {
        self.sent().saturating_add(self.received()).saturating_add(self.cache_write)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write: self.cache_write.saturating_add(other.cache_write),
        }
    }
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        let Usage { input, output, reasoning, cache_read, cache_write, cost: _ } = usage;
        Self { input, output, reasoning, cache_read, cache_write }
    }
}

/// What an agent told of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// The tokens; `None` when it told none, or not yet.
    pub tokens: Option<Tokens>,
    /// The price; `None` when it told none, or not yet.
    pub cost: Option<Money>,
}

impl SessionRecord {
    /// What its agent told of what it used.
    ///
    /// Agents that know no price say nothing, or zero; agents that count no tokens say zero of all. So a price of
    /// zero is believed only where no token was used, and no tokens only where the attempt failed, or never had a
    /// session: that can cost nothing. What ended well, or was stopped, did use some.
    #[must_use]
    pub fn told(&self) -> Told {
        let nothing = Told { tokens: Some(Tokens::default()), cost: Some(Money::default()) };
        let failed = matches!(self.state, SessionState::Ended { outcome: Outcome::Failed, .. });
        let never_began = self.session == SessionRef::Unopened && !self.is_open();
        match self.usage {
            None if never_began => nothing,
            None => Told::default(),
            Some(usage) => {
                let (tokens, cost) = (Tokens::from(usage), Money::of_dollars(usage.cost));
                match (tokens.total(), cost.is_zero()) {
                    (0, true) if failed || never_began => nothing,
                    (0, true) => Told::default(),
                    (0, false) => Told { tokens: None, cost: Some(cost) },
                    (_, zero) => Told { tokens: Some(tokens), cost: (!zero).then_some(cost) },
                }
            }
        }
    }
}

/// What some attempts used together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spent {
    /// How many there are, those that run included.
    pub sessions: usize,
    /// The tokens that were told.
    pub tokens: Tokens,
    /// The cost that was told, in US dollars; absent when none of them told a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// How many of them told no tokens, or not yet, so that theirs are not in the sum.
    pub unmetered: usize,
    /// How many of them told no price, or not yet, so that theirs is not in the cost.
    pub unpriced: usize,
}

impl Spent {
    /// The sum over attempts.
    #[must_use]
    pub fn of<'a>(records: impl IntoIterator<Item = &'a SessionRecord>) -> Self {
        let mut spent = Self::default();
        for record in records {
            spent.add(record.told());
        }
        spent
    }

    /// Adds one attempt.
    pub fn add(&mut self, told: Told) {
        self.sessions += 1;
        self.tokens = self.tokens.plus(told.tokens.unwrap_or_default());
        self.unmetered += usize::from(told.tokens.is_none());
        self.unpriced += usize::from(told.cost.is_none());
        if let Some(cost) = told.cost {
            self.cost = Some(self.cost.unwrap_or_default().plus(cost));
        }
    }

    /// Whether nobody told anything: neither tokens nor a price.
    #[must_use]
    pub fn is_untold(&self) -> bool {
        self.sessions == self.unmetered && self.sessions == self.unpriced
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AgentName, End, Extra, SessionId};

    fn record(session: SessionRef, state: SessionState, usage: Option<Usage>) -> SessionRecord {
        SessionRecord {
            session,
            attempt: 1,
            agent: AgentName("a".into()),
            model: "p/m".into(),
            variant: None,
            backend: None,
            mode: None,
            directory: None,
            started_at: chrono::DateTime::UNIX_EPOCH,
            state,
            resumed_from: None,
            turns: vec![1],
            usage,
            verification: None,
            outside_paths: None,
            extra: Extra::new(),
        }
    }

    fn ended(outcome: Outcome, usage: Option<Usage>) -> SessionRecord {
        let state = SessionState::Ended { outcome, end: End::default() };
        record(SessionRef::Known(SessionId("ses".into())), state, usage)
    }

    fn used(input: u64, cost: f64) -> Option<Usage> {
        Some(Usage { input, cost, ..Usage::default() })
    }

    /// Tried mutants: a zero that is believed whatever was used; one that is believed of what ended well.
    #[test]
    fn what_was_not_told_is_no_zero() {
        use Outcome::{Completed, Failed, Interrupted};
        let unopened = |state| record(SessionRef::Unopened, state, None);
        let running = SessionState::Running { owner: None, asks: Vec::new() };
        let failed = || SessionState::Ended { outcome: Failed, end: End::default() };
        let nothing = (Some(0), Some(0.0));
        for (what, record, told) in [
            ("both", ended(Completed, used(5, 0.25)), (Some(5), Some(0.25))),
            ("no price", ended(Completed, used(5, 0.0)), (Some(5), None)),
            ("no price of what failed", ended(Failed, used(5, 0.0)), (Some(5), None)),
            ("a price alone", ended(Completed, used(0, 0.25)), (None, Some(0.25))),
            ("nothing", ended(Completed, used(0, 0.0)), (None, None)),
            ("nothing of what was stopped", ended(Interrupted, used(0, 0.0)), (None, None)),
            ("nothing of what failed", ended(Failed, used(0, 0.0)), nothing),
            ("a server that is gone", ended(Interrupted, None), (None, None)),
            ("no session", unopened(failed()), nothing),
            ("not yet", unopened(running), (None, None)),
        ] {
            let Told { tokens, cost } = record.told();
            assert_eq!((tokens.map(|all| all.total()), cost.map(Money::dollars)), told, "{what}");
        }
    }

    /// Tried mutants: a sum with noise in its last digit; a cost that is there when nobody told one.
    #[test]
    fn a_sum_is_exact_and_says_what_it_lacks() {
        let spent = |records: &[SessionRecord]| Spent::of(records);
        let one = |cost| ended(Outcome::Completed, used(10, cost));
        let three = spent(&[one(0.1), one(0.1), one(0.1)]);
        assert_eq!(serde_json::to_value(three.cost).expect("JSON"), 0.3);
        assert_eq!((three.tokens.total(), three.unpriced), (30, 0));
        let some = spent(&[one(0.1), one(0.0), ended(Outcome::Interrupted, None)]);
        assert_eq!(some.cost.map(Money::dollars), Some(0.1));
        assert_eq!((some.sessions, some.unmetered, some.unpriced), (3, 1, 2));
        let none = spent(&[one(0.0)]);
        assert_eq!((none.cost, none.unpriced, none.is_untold()), (None, 1, false));
        assert!(serde_json::to_value(none).expect("JSON").get("cost").is_none());
        assert!(Spent::default().is_untold());
    }

    #[test]
    fn money_is_read_and_said() {
        for (dollars, said) in [
            (0.0, "$0"),
            (0.000_04, "<$0.0001"),
            (0.000_06, "$0.0001"),
            (0.0123, "$0.0123"),
            (0.1, "$0.10"),
            (1.5123, "$1.51"),
            (1e9, "$1000000000.00"),
        ] {
            assert_eq!(Money::of_dollars(dollars).to_string(), said);
        }
        for (number, said) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), said);
        }
        for odd in [-1.0, f64::NAN, f64::NEG_INFINITY] {
            assert_eq!(Money::of_dollars(odd), Money::default(), "{odd}");
        }
        assert_eq!(Money::of_dollars(f64::INFINITY).nanos(), u64::MAX);
    }
}
