//! The clock. Tests fix it through the environment, so that their snapshots hold.

use chrono::{DateTime, Utc};

/// Where the time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// The time now, cut to milliseconds, since that is what files keep.
    #[must_use]
    pub fn now(self) -> DateTime<Utc> {
        match self {
            Self::Fixed(at) => at,
            Self::System => {
                #[expect(clippy::disallowed_methods, reason = "this is the seam")]
                let now = Utc::now();
                DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
            }
        }
    }
}
