//! Whether a turn has stalled, or has worked for too long: pure, fed with events and the time.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::model::{AgentEvent, FailureKind, ToolStatus};
use crate::store::journal::JournalLine;

/// When a turn must be given up. A tool that runs may be silent for as long as it likes: it has its
/// own limits, and a build is no stall.
pub(super) struct Watch {
    stall: Duration,
    quiet_since: Instant,
    /// How much longer it may work, counted from `works_since`.
    left: Option<Duration>,
    works_since: Instant,
    tools: HashSet<String>,
    /// The agent waits for a person: that has a limit of its own, and is no work.
    asking: bool,
}

impl Watch {
    /// A turn that may work for `left` from now on.
    pub(super) fn new(now: Instant, stall: Duration, left: Option<Duration>) -> Self {
        Self { stall, quiet_since: now, left, works_since: now, tools: HashSet::new(), asking: false }
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
        match (std::mem::replace(&mut self.asking, asking), asking) {
            (false, true) => {
                let worked = now.saturating_duration_since(self.works_since);
                self.left = self.left.map(|left| left.saturating_sub(worked));
            }
            (true, false) => (self.quiet_since, self.works_since) = (now, now),
            _ => {}
        }
    }

    /// When to give up next, and as what. `None`: not before something happens.
    pub(super) fn deadline(&self) -> Option<(Instant, FailureKind)> {
        if self.asking {
            return None;
        }
        let stalls = self.tools.is_empty().then(|| (self.quiet_since + self.stall, FailureKind::Stalled));
        let ends = self.left.map(|left| (self.works_since + left, FailureKind::TimedOut));
        match (stalls, ends) {
            (Some(stalls), Some(ends)) => Some(if stalls.0 <= ends.0 { stalls } else { ends }),
            (one, other) => one.or(other),
        }
    }
}

/// For how long a turn that began then has worked until now, by what was told of it: not while it waited for a
/// person. While nobody followed it, it went on.
pub(super) fn worked(began: DateTime<Utc>, told: &[JournalLine], now: DateTime<Utc>) -> Duration {
    let mut asks = HashSet::new();
    let (mut since, mut worked) = (began, TimeDelta::zero());
    for line in told {
        let waited = !asks.is_empty();
        match &line.event {
            AgentEvent::Permission { id, .. } | AgentEvent::Question { id, .. } => drop(asks.insert(id)),
            AgentEvent::Answered { id, .. } => drop(asks.remove(id)),
            _ => {}
        }
        match (waited, !asks.is_empty()) {
            (false, true) => worked += line.at - since,
            (true, false) => since = line.at,
            _ => {}
        }
    }
    if asks.is_empty() {
        worked += now - since;
    }
    // A clock that was set back in between counts for nothing.
    worked.to_std().unwrap_or_default()
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

    /// Mutant: what it had worked before is not taken off.
    #[test]
    fn waiting_for_a_person_does_not_count() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut watch = Watch::new(start, Duration::from_secs(1000), Some(Duration::from_secs(100)));
        watch.asks(true, after(40));
        watch.asks(true, after(70));
        assert_eq!(watch.deadline(), None);
        watch.asks(false, after(5000));
        assert_eq!(watch.deadline(), Some((after(5060), FailureKind::TimedOut)));
        watch.asks(true, after(5070));
        watch.asks(false, after(6000));
        assert_eq!(watch.deadline(), Some((after(6000), FailureKind::TimedOut)), "all is used up");
    }

    /// Mutant: what it had worked before an earlier wait is forgotten.
    #[test]
    fn what_a_turn_had_worked_is_told_by_its_journal() {
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let ask = |at, id: &str| JournalLine {
            at,
            event: AgentEvent::Permission {
                id: id.into(),
                permission: "bash".into(),
                patterns: Vec::new(),
                always: Vec::new(),
            },
        };
        let answer = |at, id: &str| JournalLine {
            at,
            event: AgentEvent::Answered { id: id.into(), answer: "once".into() },
        };
        let text = |at| JournalLine { at, event: AgentEvent::Text { delta: "a".into() } };
        for (told, wanted) in [
            (vec![], 100),
            (vec![text(at(10))], 100),
            (vec![ask(at(30), "a")], 20),
            (vec![ask(at(30), "a"), answer(at(70), "a")], 60),
            (vec![ask(at(30), "a"), ask(at(40), "b"), answer(at(50), "a"), answer(at(70), "b")], 60),
            (
                vec![
                    ask(at(30), "a"),
                    answer(at(50), "a"),
                    text(at(55)),
                    ask(at(60), "b"),
                    answer(at(90), "b"),
                ],
                50,
            ),
            (vec![answer(at(20), "of nobody")], 100),
            (vec![text(at(500))], 100),
        ] {
            assert_eq!(worked(at(10), &told, at(110)), Duration::from_secs(wanted), "{told:?}");
        }
        assert_eq!(worked(at(10), &[], at(5)), Duration::ZERO, "the clock was set back");
    }
}
