//! Which earlier conversation of a thread can go on.

use super::{AgentName, FailureKind, SessionId, SessionRecord, SessionRef, SessionState, Thread};

/// Why no conversation of a thread can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSession {
    /// There was no attempt.
    #[error("it was never run")]
    NeverRun,
    /// No attempt got as far as a session.
    #[error("no session was ever opened")]
    NeverOpened,
    /// The ids come from an older tool, which made them up.
    #[error("its session ids were made up by an older tool, and no agent knows them")]
    Invented,
    /// The agent said that it does not know the session any more.
    #[error("its agent does not know the session any more")]
    Forgotten,
}

impl Thread {
    /// The newest attempt whose session can go on; of `agent` alone, if one is given.
    ///
    /// # Errors
    /// [`NoSession`], about the newest attempt that comes into question.
    pub fn resumable(&self, agent: Option<&AgentName>) -> Result<&SessionRecord, NoSession> {
        let mine = |record: &&SessionRecord| agent.is_none_or(|agent| record.agent == *agent);
        let newest = || self.sessions.iter().rev().filter(mine);
        let alive =
            |record: &&SessionRecord| record.session.known().is_some_and(|id| !self.has_forgotten(id));
        if let Some(record) = newest().find(alive) {
            return Ok(record);
        }
        // A session that was there says more than an attempt that got none.
        let said = |record: &SessionRecord| match record.session {
            SessionRef::Known(_) => Some(NoSession::Forgotten),
            SessionRef::Invented(_) => Some(NoSession::Invented),
            SessionRef::Unopened => None,
        };
        let none = if newest().next().is_some() { NoSession::NeverOpened } else { NoSession::NeverRun };
        Err(newest().find_map(said).unwrap_or(none))
    }

    /// The attempt with this number.
    #[must_use]
    pub fn attempt(&self, number: u32) -> Option<&SessionRecord> {
        self.sessions.iter().find(|record| record.attempt == number)
    }

    /// Whether the agent said that it does not know a session: in an attempt that was to continue it.
    fn has_forgotten(&self, id: &SessionId) -> bool {
        self.sessions.iter().filter(|record| record.failed_as(FailureKind::SessionUnknown)).any(|record| {
            let continued = record.resumed_from.and_then(|number| self.attempt(number));
            [Some(record), continued].into_iter().flatten().any(|record| record.session.known() == Some(id))
        })
    }
}

impl SessionRecord {
    /// Whether it failed for a reason of this kind.
    #[must_use]
    pub fn failed_as(&self, kind: FailureKind) -> bool {
        match &self.state {
            SessionState::Ended { end, .. } => {
                end.failure.as_ref().is_some_and(|failure| failure.kind == kind)
            }
            SessionState::Running { .. } => false,
        }
    }
}
