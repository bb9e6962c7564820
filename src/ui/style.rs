//! The few colours, as words of the domain. Every colour stands beside a word.

use crate::model::ThreadStatus;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A heading or name.
    Strong,
    /// Beside the point.
    Faint,
    /// Good.
    Good,
    /// Going on.
    Active,
    /// Wants attention.
    Attention,
    /// Bad.
    Bad,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Active => "36",
            Self::Attention => "33",
            Self::Bad => "31",
        }
    }

    /// The colour of a thread's status.
    #[must_use]
    pub fn of(status: ThreadStatus) -> Self {
        match status {
            ThreadStatus::Completed => Self::Good,
            ThreadStatus::Running => Self::Active,
            ThreadStatus::Waiting
            | ThreadStatus::Incomplete
            | ThreadStatus::Blocked
            | ThreadStatus::Interrupted => Self::Attention,
            ThreadStatus::Failed => Self::Bad,
            ThreadStatus::Pending | ThreadStatus::Cancelled => Self::Faint,
        }
    }
}

/// `text` in `style`, when colours are wanted.
#[must_use]
pub fn paint(text: &str, style: Style, color: bool) -> String {
    if color && !text.is_empty() {
        format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
    } else {
        text.to_owned()
    }
}
