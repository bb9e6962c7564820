//! What sessions took: time, tokens, money; summed, with what is not known counted beside it.

use schemars::JsonSchema;
use serde::Serialize;

use super::SessionReport;
use crate::model::Spent;

/// What some sessions took together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    /// What they used.
    #[serde(flatten)]
    pub used: Spent,
    /// How long they took, added up, whether or not they ran at the same time, in seconds.
    pub seconds: u64,
    /// How many of them nobody saw end, so that their time is not in it.
    pub untimed: usize,
}

impl Taken {
    /// The sum over sessions.
    pub(super) fn of<'a>(sessions: impl IntoIterator<Item = &'a SessionReport>) -> Self {
        let mut taken = Self::default();
        for session in sessions {
            taken.add(session);
        }
        taken
    }

    pub(super) fn add(&mut self, session: &SessionReport) {
        self.used.add(session.told);
        self.seconds = self.seconds.saturating_add(session.seconds.unwrap_or_default());
        self.untimed += usize::from(session.seconds.is_none());
    }
}
