//! What sessions took: time, tokens, money; summed, with what is not known counted beside it.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::status::{SessionRow, SessionStatus};
use super::SessionReport;
use crate::model::Usage;

/// What some sessions took together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Spent {
    /// How many there are.
    pub sessions: usize,
    /// How long they took, added up, whether or not they ran at the same time, in seconds.
    pub seconds: u64,
    /// How many of them nobody saw end, so that their time is not in it.
    pub untimed: usize,
    /// The tokens and the cost that were told.
    pub usage: Usage,
    /// How many of them told no tokens, or not yet, so that theirs are not in the usage.
    pub unmetered: usize,
    /// How many of them told no price, or not yet, so that theirs is not in the cost.
    pub unpriced: usize,
}

impl Spent {
    /// The sum over sessions.
    pub(super) fn of<'a>(sessions: impl IntoIterator<Item = &'a SessionReport>) -> Self {
        let mut spent = Self::default();
        for session in sessions {
            spent.add(session);
        }
        spent
    }

    pub(super) fn add(&mut self, session: &SessionReport) {
        self.sessions += 1;
        self.seconds = self.seconds.saturating_add(session.seconds.unwrap_or_default());
        self.untimed += usize::from(session.seconds.is_none());
        self.usage = self.usage.plus(session.usage.unwrap_or_default());
        // What opened no session used nothing, and costs nothing.
        self.unmetered += usize::from(session.usage.is_none() && session.cost.is_none());
        self.unpriced += usize::from(session.cost.is_none());
    }

    /// What was told of the cost; nothing when no session told a price.
    #[must_use]
    pub fn told(&self) -> Option<f64> {
        (self.unpriced < self.sessions).then_some(self.usage.cost)
    }
}

/// What an attempt cost, as far as its agent tells. Agents that know no price say nothing, or zero: so zero is
/// believed only where no token was used.
pub(super) fn cost(row: &SessionRow) -> Option<f64> {
    match row.usage {
        Some(Usage { cost, .. }) if cost > 0.0 => Some(cost),
        Some(usage) => (usage == Usage::default()).then_some(0.0),
        // Without a session nothing was used.
        None => (row.session_id.is_none() && row.status != SessionStatus::Running).then_some(0.0),
    }
}
