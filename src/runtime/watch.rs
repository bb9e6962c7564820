//! Whether a turn has stalled: pure, fed with events and the time.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{AgentEvent, FailureKind, ToolStatus};

/// When a turn must be given up. A tool that runs may be silent for as long as it likes: it has its
/// own limits, and a build is no stall.
pub(super) struct Watch {
    stall: Duration,
    quiet_since: Instant,
    ends: Option<Instant>,
    tools: HashSet<String>,
    /// The agent waits for a person, and that has a limit of its own.
    asking: bool,
}

impl Watch {
    pub(super) fn new(now: Instant, stall: Duration, turn: Option<Duration>) -> Self {
        Self {
            stall,
            quiet_since: now,
            ends: turn.map(|turn| now + turn),
            tools: HashSet::new(),
            asking: false,
        }
    }

    /// Something happened.
    pub(super) fn saw(&mut self, event: &AgentEvent, now: Instant) {
        self.quiet_since = now;
        if let AgentEvent::ToolCall { id, status, .. } = event {
            match status {
                ToolStatus::Running => drop(self.tools.insert(id.clone())),
                ToolStatus::Completed | ToolStatus::Failed => drop(self.tools.remove(id)),
                ToolStatus::Pending => {}
            }
        }
    }

    /// Whether the agent waits for a person.
    pub(super) fn asks(&mut self, asking: bool, now: Instant) {
        if std::mem::replace(&mut self.asking, asking) && !asking {
            self.quiet_since = now;
        }
    }

    /// When to give up next, and as what. `None`: not before something happens.
    pub(super) fn deadline(&self) -> Option<(Instant, FailureKind)> {
        let may_stall = self.tools.is_empty() && !self.asking;
        let stalls = may_stall.then(|| (self.quiet_since + self.stall, FailureKind::Stalled));
        let ends = self.ends.map(|at| (at, FailureKind::TimedOut));
        match (stalls, ends) {
            (Some(stalls), Some(ends)) => Some(if stalls.0 <= ends.0 { stalls } else { ends }),
            (one, other) => one.or(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(status: ToolStatus) -> AgentEvent {
        AgentEvent::ToolCall {
            id: "t".into(),
            name: "bash".into(),
            title: String::new(),
            status,
            input: None,
            output: None,
        }
    }

    #[test]
    fn silence_is_a_stall_unless_a_tool_runs() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut watch = Watch::new(start, Duration::from_secs(60), None);
        assert_eq!(watch.deadline(), Some((after(60), FailureKind::Stalled)));
        watch.saw(&AgentEvent::Text { delta: "a".into() }, after(10));
        assert_eq!(watch.deadline(), Some((after(70), FailureKind::Stalled)));
        watch.saw(&tool(ToolStatus::Running), after(20));
        assert_eq!(watch.deadline(), None);
        watch.saw(&tool(ToolStatus::Completed), after(500));
        assert_eq!(watch.deadline(), Some((after(560), FailureKind::Stalled)));
    }

    #[test]
    fn waiting_for_a_person_is_no_stall() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut watch = Watch::new(start, Duration::from_secs(60), None);
        watch.asks(true, after(10));
        assert_eq!(watch.deadline(), None);
        watch.asks(true, after(500));
        watch.asks(false, after(600));
        watch.asks(false, after(610));
        assert_eq!(watch.deadline(), Some((after(660), FailureKind::Stalled)), "since the answer");
    }

    #[test]
    fn the_turns_own_limit_holds_even_while_a_tool_runs() {
        let start = Instant::now();
        let limit = Duration::from_secs(100);
        let mut watch = Watch::new(start, Duration::from_secs(60), Some(limit));
        assert_eq!(watch.deadline().map(|(_, kind)| kind), Some(FailureKind::Stalled));
        watch.saw(&tool(ToolStatus::Running), start + Duration::from_secs(50));
        assert_eq!(watch.deadline(), Some((start + limit, FailureKind::TimedOut)));
    }
}
