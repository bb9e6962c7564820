//! What a thread or a stream may use, and how it stands against that.
//!
//! Pure. One invariant: what nobody told can keep a budget from being held, and never uses one up.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Money, Spent, grouped};

/// The most of something, and where that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit<T> {
    /// The most; never zero.
    pub most: T,
    /// The line of `work/config.yaml` that says so, from 1.
    pub line: usize,
}

/// What may be used, in money and in tokens; each by itself, whichever is used up first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// In US dollars.
    pub cost: Option<Limit<Money>>,
    /// In tokens of every kind.
    pub tokens: Option<Limit<u64>>,
}

/// What threads and streams may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Each thread.
    pub thread: Limits,
    /// Each stream, with all its threads.
    pub stream: Limits,
    /// From which part of a limit on a person is warned, in percent: 1 to 100.
    pub warn: u8,
}

impl Default for Budget {
    /// No limits.
    fn default() -> Self {
        Self { thread: Limits::default(), stream: Limits::default(), warn: 80 }
    }
}

/// Whose budget it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BudgetOf {
    /// A thread's.
    Thread,
    /// A stream's.
    Stream,
}

impl BudgetOf {
    /// The word in files and in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Stream => "stream",
        }
    }
}

/// How something stands against a limit, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It has used less than what a person is warned of.
    Within,
    /// As far as was told the same; but some of it was not told.
    Unknown,
    /// It has used what a person is warned of.
    Warned,
    /// It has used all of it, or more. No further turn is started.
    Over,
}

/// How much is used of a limit. `unknown` says that there is more, which nobody told.
#[must_use]
pub fn judge(used: u64, unknown: bool, most: u64, warn: u8) -> Verdict {
    if used >= most {
        Verdict::Over
    } else if u128::from(used) * 100 >= u128::from(most) * u128::from(warn) {
        Verdict::Warned
    } else if unknown {
        Verdict::Unknown
    } else {
        Verdict::Within
    }
}

/// Money or tokens. In JSON a number: of US dollars, or of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Amount {
    /// US dollars.
    Cost(Money),
    /// Tokens of every kind.
    Tokens(u64),
}

impl Amount {
    /// The word for its kind, in files and in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cost(_) => "cost",
            Self::Tokens(_) => "tokens",
        }
    }
}

/// `$2.50`, `500,000 tokens`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cost(money) => money.fmt(f),
            Self::Tokens(tokens) => write!(f, "{} tokens", grouped(*tokens)),
        }
    }
}

/// How something stands against one of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetCheck {
    /// Whose limit it is.
    pub of: BudgetOf,
    /// How it stands.
    pub verdict: Verdict,
    /// What was used, as far as that was told: US dollars or tokens, as `limit` is.
    pub used: Amount,
    /// Whether more was used, which nobody told, or not yet.
    pub unknown: bool,
    /// The limit: US dollars for `cost`, or tokens.
    pub limit: Amount,
    /// Which of both: `budget.thread.cost`, `budget.stream.tokens`.
    pub key: &'static str,
    /// The line of `work/config.yaml` that sets it.
    pub line: usize,
}

impl BudgetCheck {
    /// `$2.61 of $2.50`, `≥ $0.12 of $2.50`.
    #[must_use]
    pub fn words(&self) -> String {
        let least = if self.unknown { "≥ " } else { "" };
        match (self.used, self.limit) {
            (Amount::Tokens(used), limit) => format!("{least}{} of {limit}", grouped(used)),
            (used, limit) => format!("{least}{used} of {limit}"),
        }
    }
}

impl Budget {
    /// How a thread, or a stream, that has used this stands: a check for each limit that is set.
    #[must_use]
    pub fn checks(&self, of: BudgetOf, spent: &Spent) -> Vec<BudgetCheck> {
        let (limits, cost_key, tokens_key) = match of {
            BudgetOf::Thread => (&self.thread, "budget.thread.cost", "budget.thread.tokens"),
            BudgetOf::Stream => (&self.stream, "budget.stream.cost", "budget.stream.tokens"),
        };
        let cost = limits.cost.map(|limit| {
            let (used, unknown) = (spent.cost.unwrap_or_default(), spent.unpriced > 0);
            BudgetCheck {
                of,
                verdict: judge(used.nanos(), unknown, limit.most.nanos(), self.warn),
                used: Amount::Cost(used),
                unknown,
                limit: Amount::Cost(limit.most),
                key: cost_key,
                line: limit.line,
            }
        });
        let tokens = limits.tokens.map(|limit| {
            let (used, unknown) = (spent.tokens.total(), spent.unmetered > 0);
            BudgetCheck {
                of,
                verdict: judge(used, unknown, limit.most, self.warn),
                used: Amount::Tokens(used),
                unknown,
                limit: Amount::Tokens(limit.most),
                key: tokens_key,
                line: limit.line,
            }
        });
        cost.into_iter().chain(tokens).collect()
    }

    /// Whether any limit is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        [self.thread, self.stream].iter().any(|limits| limits.cost.is_some() || limits.tokens.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Tokens;

    /// Tried mutants: `>` for the limit; a warning before its part; what is unknown counts as used up.
    #[test]
    fn a_limit_is_used_up_when_all_of_it_is() {
        use Verdict::{Over, Unknown, Warned, Within};
        for (used, unknown, most, warn, verdict) in [
            (0, false, 10, 80, Within),
            (7, false, 10, 80, Within),
            (7, true, 10, 80, Unknown),
            (8, false, 10, 80, Warned),
            (8, true, 10, 80, Warned),
            (9, false, 10, 100, Within),
            (10, false, 10, 100, Over),
            (10, true, 10, 80, Over),
            (11, false, 10, 80, Over),
            (u64::MAX - 1, false, u64::MAX, 100, Within),
            (u64::MAX - 1, false, u64::MAX, 99, Warned),
            (0, true, 1, 1, Unknown),
        ] {
            assert_eq!(judge(used, unknown, most, warn), verdict, "{used} of {most}, {unknown}, {warn}%");
        }
    }

    /// Money and tokens have their limits each by itself, and a thread's are not a stream's.
    ///
    /// Tried mutant: the limits of the stream for the thread.
    #[test]
    fn each_limit_is_checked_by_itself() {
        let limits = Limits {
            cost: Some(Limit { most: Money::of_dollars(2.5), line: 3 }),
            tokens: Some(Limit { most: 1_000, line: 4 }),
        };
        let budget = Budget { thread: limits, ..Budget::default() };
        let tokens = Tokens { input: 400, cache_read: 300, output: 90, reasoning: 10, cache_write: 20 };
        let spent =
            Spent { sessions: 2, tokens, cost: Some(Money::of_dollars(2.61)), unmetered: 0, unpriced: 1 };
        let checks = budget.checks(BudgetOf::Thread, &spent);
        let told: Vec<_> = checks.iter().map(|one| (one.key, one.verdict, one.words(), one.line)).collect();
        assert_eq!(
            told,
            [
                ("budget.thread.cost", Verdict::Over, "≥ $2.61 of $2.50".to_owned(), 3),
                ("budget.thread.tokens", Verdict::Warned, "820 of 1,000 tokens".to_owned(), 4),
            ]
        );
        assert_eq!(budget.checks(BudgetOf::Stream, &spent), []);
        assert!(budget.is_set() && !Budget::default().is_set());
    }
}
