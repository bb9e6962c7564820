//! What the agent of a turn asks: who decides it, what waits for a person and until when, and the words
//! for all of it. Pure, fed with events and the time.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use tokio::time::Instant;

use super::answers::NotAnswered;
use crate::agent::PermissionReply;
use crate::config::duration_words;
use crate::ipc::Asking;
use crate::model::{AgentEvent, Ask, Policy, Reply, Wish};

/// What the agent does when it may not.
const WITHOUT: &str = "Find a way that needs no permission, or report the task as blocked.";

/// What the agent does when it gets no answer.
const ALONE: &str = "Decide yourself, and say what you decided.";

/// What happens with a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It waits for a person.
    Wait,
    /// It is answered at once, for this reason.
    Answer(PermissionReply, String),
}

/// The requests of one turn.
#[derive(Debug, Default)]
pub(super) struct Asks {
    waiting: Vec<(Ask, Instant)>,
    /// Those that we have answered: the agent's own word of it is no news.
    ours: HashSet<String>,
}

/// The request that an event tells of.
pub(super) fn request(event: &AgentEvent, now: DateTime<Utc>, timeout: Duration) -> Option<Ask> {
    let (id, wish) = match event.clone() {
        AgentEvent::Permission { id, permission, patterns, always } => {
            (id, Wish::Permission { permission, patterns, always })
        }
        AgentEvent::Question { id, questions, .. } => (id, Wish::Question { questions }),
        _ => return None,
    };
    let since = now.trunc_subsecs(3);
    let until = TimeDelta::from_std(timeout).ok().and_then(|timeout| since.checked_add_signed(timeout));
    Some(Ask { id, wish, since, until: until.unwrap_or(DateTime::<Utc>::MAX_UTC) })
}

/// Who decides a request.
pub(super) fn decide(ask: &Ask, policy: Policy) -> Decision {
    match (policy, ask.is_question()) {
        (Policy::Ask, _) => Decision::Wait,
        // Never for longer than this once: `always` would hold for all sessions of the directory.
        (Policy::Allow, false) => Decision::Answer(PermissionReply::Once, "allowed by policy".to_owned()),
        (Policy::Deny, false) => Decision::Answer(
            PermissionReply::Reject(format!("Nobody is there to allow this. {WITHOUT}")),
            "refused: nobody is there to allow it".to_owned(),
        ),
        (Policy::Allow | Policy::Deny, true) => Decision::Answer(
            PermissionReply::Reject(format!("Nobody is there to answer. {ALONE}")),
            "refused: nobody is there to answer it".to_owned(),
        ),
    }
}

/// A person's answer for the agent, and for the journal.
pub(super) fn by_person(ask: &Ask, reply: Reply) -> (PermissionReply, String) {
    match reply {
        Reply::Allow => (PermissionReply::Once, "allowed by a person".to_owned()),
        Reply::Always => (PermissionReply::Always, "always allowed by a person".to_owned()),
        Reply::Text { answers } => {
            let words = answers.join(", ");
            (PermissionReply::Text(answers), words)
        }
        Reply::Deny { reason } => {
            let (no, instead) = match ask.is_question() {
                true => ("The person does not answer this", ALONE),
                false => ("The person does not allow this", WITHOUT),
            };
            let because = |before: &str| reason.as_ref().map(|reason| format!("{before}: {reason}"));
            let told = because(no).unwrap_or_else(|| format!("{no}. {instead}"));
            let words = "denied by a person";
            (PermissionReply::Reject(told), because(words).unwrap_or_else(|| words.to_owned()))
        }
    }
}

/// What is said when nobody has answered in time, to the agent and to the journal.
pub(super) fn by_nobody(ask: &Ask, asking: Asking) -> (PermissionReply, String) {
    let time = duration_words(asking.timeout);
    let instead = if ask.is_question() { ALONE } else { WITHOUT };
    let told = format!("Nobody answered within {time}. {instead}");
    (PermissionReply::Reject(told), format!("denied: nobody answered within {time}"))
}

impl Asks {
    /// A request waits for a person, until then.
    pub(super) fn wait(&mut self, ask: Ask, until: Instant) {
        self.waiting.push((ask, until));
    }

    /// We have answered it.
    pub(super) fn answered(&mut self, id: &str) {
        self.ours.insert(id.to_owned());
        self.forget(id);
    }

    /// It waits no more.
    pub(super) fn forget(&mut self, id: &str) {
        self.waiting.retain(|(ask, _)| ask.id != id);
    }

    /// The agent says that it was answered; whether that is news.
    pub(super) fn heard(&mut self, id: &str) -> bool {
        self.forget(id);
        !self.ours.contains(id)
    }

    /// Whether a person is waited for.
    pub(super) fn any(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// All that waits, oldest first.
    pub(super) fn list(&self) -> Vec<Ask> {
        self.waiting.iter().map(|(ask, _)| ask.clone()).collect()
    }

    /// When the next one has waited for long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.iter().map(|(_, until)| *until).min()
    }

    /// One that has waited for long enough.
    pub(super) fn overdue(&self, now: Instant) -> Option<Ask> {
        self.waiting.iter().find(|(_, until)| *until <= now).map(|(ask, _)| ask.clone())
    }

    /// The one that is meant.
    ///
    /// # Errors
    /// [`NotAnswered`] when there is none, or several and it was not said which.
    pub(super) fn find(&self, id: Option<&str>) -> Result<&Ask, NotAnswered> {
        match (id, self.waiting.as_slice()) {
            (_, []) => Err(NotAnswered::nothing("its agent asks nothing, or not any more")),
            (None, [(ask, _)]) => Ok(ask),
            (None, several) => {
                let ids: Vec<&str> = several.iter().map(|(ask, _)| ask.id.as_str()).collect();
                Err(NotAnswered::wrong(format!("several requests wait: {}", ids.join(", "))))
            }
            (Some(id), waiting) => {
                let found = waiting.iter().map(|(ask, _)| ask).find(|ask| ask.id == id);
                found.ok_or_else(|| NotAnswered::nothing(format!("request `{id}` does not wait any more")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::Refusal;
    use crate::model::Question;

    fn permission(id: &str) -> Ask {
        let event = AgentEvent::Permission {
            id: id.to_owned(),
            permission: "bash".to_owned(),
            patterns: vec!["ls".to_owned()],
            always: Vec::new(),
        };
        request(&event, DateTime::UNIX_EPOCH, Duration::from_secs(600)).expect("it is one")
    }

    fn question() -> Ask {
        let questions = vec![Question { question: "Which?".to_owned(), options: Vec::new() }];
        let event = AgentEvent::Question { id: "que_1".to_owned(), text: "Which?".to_owned(), questions };
        request(&event, DateTime::UNIX_EPOCH, Duration::MAX).expect("it is one")
    }

    #[test]
    fn a_policy_decides_at_once_or_a_person_does() {
        let word = |ask: &Ask, policy| match decide(ask, policy) {
            Decision::Wait => "wait".to_owned(),
            Decision::Answer(PermissionReply::Reject(why), words) => format!("{words} | {why}"),
            Decision::Answer(reply, words) => format!("{words} | {reply:?}"),
        };
        let (bash, which) = (permission("per_1"), question());
        assert_eq!(word(&bash, Policy::Allow), "allowed by policy | Once");
        for policy in [Policy::Allow, Policy::Deny] {
            assert!(word(&which, policy).starts_with("refused: nobody is there to answer it | Nobody"));
        }
        assert!(word(&bash, Policy::Deny).starts_with("refused: nobody is there to allow it | Nobody"));
        for ask in [&bash, &which] {
            assert_eq!(word(ask, Policy::Ask), "wait");
        }
        assert_eq!((bash.until - bash.since).num_minutes(), 10);
        assert_eq!(which.until, DateTime::<Utc>::MAX_UTC, "for ever is no overflow");
    }

    #[test]
    fn every_reply_has_words_for_the_agent_and_for_the_journal() {
        let deny = |reason: Option<&str>| Reply::Deny { reason: reason.map(str::to_owned) };
        let said = |ask: &Ask, reply| {
            let (reply, words) = by_person(ask, reply);
            format!("{words} | {reply:?}")
        };
        let (bash, which) = (permission("per_1"), question());
        assert_eq!(
            said(&bash, deny(Some("not here"))),
            "denied by a person: not here | Reject(\"The person does not allow this: not here\")"
        );
        assert!(said(&bash, deny(None)).contains("denied by a person | Reject(\"The person does not allow"));
        assert!(said(&which, deny(None)).contains("Decide yourself"));
        let red = Reply::Text { answers: vec!["Red".to_owned()] };
        assert_eq!(said(&which, red), "Red | Text([\"Red\"])");
        let asking = Asking { policy: Policy::Ask, timeout: Duration::from_secs(600) };
        assert_eq!(by_nobody(&bash, asking).1, "denied: nobody answered within 10m");
    }

    #[test]
    fn what_waits_is_found_and_forgotten() {
        let mut asks = Asks::default();
        let refused = |asks: &Asks, id| asks.find(id).err().map(|no| no.reason);
        assert_eq!(refused(&asks, None), Some(Refusal::NothingWaits));
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        asks.wait(permission("per_1"), after(10));
        asks.wait(permission("per_2"), after(5));
        assert_eq!(refused(&asks, None), Some(Refusal::WrongAnswer), "which one?");
        assert_eq!(refused(&asks, Some("per_3")), Some(Refusal::NothingWaits));
        assert_eq!(asks.find(Some("per_2")).map(|ask| ask.id.clone()), Ok("per_2".to_owned()));
        assert_eq!(asks.deadline(), Some(after(5)));
        assert_eq!(asks.overdue(after(4)), None);
        assert_eq!(asks.overdue(after(5)).map(|ask| ask.id), Some("per_2".to_owned()));
        asks.answered("per_2");
        assert!(!asks.heard("per_2"), "our own answer is no news");
        assert_eq!(asks.find(None).map(|ask| ask.id.clone()), Ok("per_1".to_owned()));
        assert!(asks.heard("per_1"), "somebody else was faster");
        assert!(!asks.any() && asks.list().is_empty() && asks.deadline().is_none());
    }
}
