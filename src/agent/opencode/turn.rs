//! The turn: raw events of a session in, [`AgentEvent`]s out. Pure; knows no clock and no network.
//!
//! A turn opens at the user's message that carries our own id, and only answers to that message or to
//! later ones belong to it. It is over at an idle of the session when none of its answers is
//! incomplete, and an answer or an error was seen. Everything else that says "idle" or "error" belongs
//! to the past: on a failure the server says both *before* the answer is complete, and a prompt sent
//! in between would be lost.

mod outcome;
mod rejoin;
mod requests;
#[cfg(test)]
mod tests;

pub(crate) use rejoin::prompt_of;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::errors::{self, ABORTED};
use super::parts::Parts;
use super::wire::{Delta, ErrorObject, Event, Message, MessageInfo, Part, Role, SessionInfo, Status, Tokens};
use crate::agent::words;
use crate::model::{AgentEvent, Busyness, CancelCause, Failure, FailureKind, TurnOutcome, Usage};

/// How long, in the server's own milliseconds, a tool may be busy before we say so again.
const PULSE: f64 = 10_000.0;

/// How often in a row the conversation may be too long. opencode shortens it and tries again, for
/// ever if that does not help.
const OVERFLOWS: u32 = 3;

/// A provider that lets us wait for longer than this has run out, whatever the agent hopes for.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(10);

/// What the server says of a tool that was refused.
pub(crate) const REFUSALS: [&str; 2] = ["The user rejected permission", "The user dismissed this question"];

/// Where the turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There is none.
    Resting,
    /// The prompt was sent; its message has not been seen.
    Sent,
    /// The server works on it.
    Open,
}

/// An answer of the current turn.
#[derive(Debug, Default)]
struct Answer {
    complete: bool,
    summary: bool,
    finish: Option<String>,
    error: Option<ErrorObject>,
    usage: Usage,
}

/// A request that a person, or a policy, has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// A permission.
    Permission,
    /// A question of so many parts.
    Question(usize),
}

/// The state of one session, over all its turns.
#[derive(Debug)]
pub(crate) struct Turn {
    session: String,
    /// Sessions of sub-agents, of any depth.
    children: HashSet<String>,
    phase: Phase,
    /// The message that the turn began with.
    prompt: String,
    /// Answers in the order in which they came; ids ascend.
    answers: BTreeMap<String, Answer>,
    /// An error of the session that no answer has taken over yet.
    error: Option<ErrorObject>,
    /// Someone said no in this turn; then the agent may end it with calls undone.
    refusal: Option<String>,
    parts: Parts,
    /// The same for the tools of sub-agents.
    child_parts: Parts,
    requests: HashMap<String, Request>,
    /// Requests that waited when their turn ended; the server would keep them for ever.
    left: Vec<(String, Request)>,
    usage: Usage,
    retrying: bool,
    cancelled: Option<CancelCause>,
    /// How often in a row the conversation was too long.
    overflows: u32,
    /// Why the agent will never come to an end by itself.
    hopeless: Option<Failure>,
    /// The session rests, as far as the events tell, but the turn is not over by the rule.
    unsettled: bool,
    /// The server's time at the last event that was passed on.
    last_pulse: f64,
    /// No event of the turn can have been lost.
    seamless: bool,
    /// What was used since that was last asked; `None` if the events did not tell all of it.
    spent: Option<Usage>,
}

impl Turn {
    /// For a session in which no turn of ours runs.
    pub(crate) fn new(session: &str) -> Self {
        Self {
            session: session.to_owned(),
            children: HashSet::new(),
            phase: Phase::Resting,
            prompt: String::new(),
            answers: BTreeMap::new(),
            error: None,
            refusal: None,
            parts: Parts::default(),
            child_parts: Parts::default(),
            requests: HashMap::new(),
            left: Vec::new(),
            usage: Usage::default(),
            retrying: false,
            cancelled: None,
            overflows: 0,
            hopeless: None,
            unsettled: false,
            last_pulse: 0.0,
            seamless: true,
            spent: Some(Usage::default()),
        }
    }

    /// Where the turn is.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// What kind of request waits under this id.
    pub(crate) fn request(&self, id: &str) -> Option<Request> {
        self.requests.get(id).copied()
    }

    /// An error that came while the prompt's message had not been seen.
    pub(crate) fn early_error(&self) -> Option<&ErrorObject> {
        self.error.as_ref().filter(|_| self.phase == Phase::Sent)
    }

    /// Whether the agent tries in vain, and has to be stopped. The turn then ends as failed.
    pub(crate) fn hopeless(&self) -> bool {
        self.hopeless.is_some() && self.phase == Phase::Open
    }

    /// Whether the session seems to rest though its turn is not over; soon it must be, or an event was lost.
    pub(crate) fn unsettled(&self) -> bool {
        self.unsettled && self.phase == Phase::Open
    }

    /// A prompt is about to be sent with this message id.
    pub(crate) fn begin(&mut self, message: &str) {
        let fresh = Self::new(&self.session);
        let last = std::mem::replace(self, fresh);
        (self.children, self.usage, self.spent) = (last.children, last.usage, last.spent);
        (self.phase, self.prompt) = (Phase::Sent, message.to_owned());
    }

    /// The prompt was not taken: there is no turn after all.
    pub(crate) fn abandon(&mut self) {
        self.phase = Phase::Resting;
    }

    /// We cancel the turn, for `cause`.
    pub(crate) fn cancelling(&mut self, cause: CancelCause) {
        if self.phase != Phase::Resting && self.cancelled.is_none() {
            self.cancelled = Some(cause);
        }
    }

    /// Ends the turn without the server's word, e.g. because the server is gone.
    pub(crate) fn force(&mut self, failure: Failure) -> Vec<AgentEvent> {
        let outcome = match self.cancelled {
            Some(cause) => TurnOutcome::Cancelled { cause },
            None => TurnOutcome::Failed { failure },
        };
        self.end_with(outcome)
    }

    /// Ends the turn as it stands, since the server says that it rests.
    pub(crate) fn force_as_it_stands(&mut self, now: DateTime<Utc>) -> Vec<AgentEvent> {
        let outcome = self.outcome(now);
        self.end_with(outcome)
    }

    fn end_with(&mut self, outcome: TurnOutcome) -> Vec<AgentEvent> {
        if self.phase == Phase::Resting {
            return Vec::new();
        }
        // A turn that broke off may have used more than was told, and so may a sub-agent.
        let told = outcome == TurnOutcome::Completed && self.seamless && self.children.is_empty();
        let answers = self.answers.values().map(|answer| answer.usage);
        self.spent = self.spent.filter(|_| told).map(|before| answers.fold(before, Usage::plus));
        self.phase = Phase::Resting;
        self.left.extend(self.requests.drain());
        vec![AgentEvent::Status(Busyness::Idle), AgentEvent::TurnEnded(outcome)]
    }

    /// What was used since this was last asked, if the events told that without a gap.
    pub(crate) fn take_spent(&mut self) -> Option<Usage> {
        self.spent.replace(Usage::default())
    }

    /// One event of the stream. `now` serves only to tell when a limit resets.
    pub(crate) fn event(&mut self, event: &Event, now: DateTime<Utc>) -> Vec<AgentEvent> {
        let Some(session) = event.session() else { return Vec::new() };
        if event.kind == "session.created" {
            if event.parent().is_some_and(|parent| self.knows(parent)) {
                self.children.insert(session.to_owned());
            }
            return Vec::new();
        }
        let before = self.phase;
        let events = if session == self.session {
            self.own(event, now)
        } else if self.children.contains(session) && self.phase == Phase::Open {
            self.of_child(event)
        } else {
            Vec::new()
        };
        if before == Phase::Open && !events.is_empty() {
            self.last_pulse = time_of(event).unwrap_or(self.last_pulse);
        }
        events
    }

    fn knows(&self, session: &str) -> bool {
        session == self.session || self.children.contains(session)
    }

    fn own(&mut self, event: &Event, now: DateTime<Utc>) -> Vec<AgentEvent> {
        let body = &event.properties;
        match event.kind.as_str() {
            "message.updated" => {
                field(body, "info").map(|info: MessageInfo| self.message(&info, now)).unwrap_or_default()
            }
            "message.part.updated" => {
                let part = field::<Part>(body, "part");
                let told: Option<AgentEvent> = part.as_ref().and_then(|part| self.part(part));
                match (told, part) {
                    (Some(told), _) => vec![told],
                    (None, Some(part)) if part.kind == "tool" && self.owns(&part.message_id) => {
                        self.pulse(event)
                    }
                    (None, _) => Vec::new(),
                }
            }
            "message.part.delta" => {
                let delta = Delta::deserialize(body).ok().filter(|delta| self.speaks(&delta.message_id));
                delta.and_then(|delta| self.parts.delta(&delta)).into_iter().collect()
            }
            "session.error" => {
                if self.phase != Phase::Resting {
                    let error: ErrorObject = field(body, "error").unwrap_or_default();
                    self.count_overflow(&error, now);
                    // What follows a refused agent is a stack without words; the reason came before it.
                    if self.error.is_none() || !errors::says_nothing(&error) {
                        self.error = Some(error);
                    }
                }
                Vec::new()
            }
            "session.status" if self.phase == Phase::Open => {
                field(body, "status").map(|status| self.status(status, now)).unwrap_or_default()
            }
            "session.idle" => self.idle(now),
            "session.updated" if self.phase == Phase::Open => {
                field(body, "info").and_then(|info: SessionInfo| self.usage(&info)).into_iter().collect()
            }
            "session.deleted" if self.phase != Phase::Resting => self
                .force(Failure::new(FailureKind::SessionUnknown, "the session was deleted while it worked")),
            _ => self.ask(event),
        }
    }

    /// Of a sub-agent only its tools and its requests are passed on: its words are the business of the
    /// agent that called it.
    fn of_child(&mut self, event: &Event) -> Vec<AgentEvent> {
        match event.kind.as_str() {
            "message.part.updated" => {
                let part = field::<Part>(&event.properties, "part").filter(|part| part.kind == "tool");
                match part.and_then(|part| self.child_parts.update(&part)) {
                    Some(told) => vec![told],
                    None => self.pulse(event),
                }
            }
            _ => self.ask(event),
        }
    }

    /// Something moves that is not worth an event of its own; from time to time we say so, so that
    /// nobody takes a long tool for a stall.
    fn pulse(&mut self, event: &Event) -> Vec<AgentEvent> {
        match time_of(event) {
            Some(time) if time - self.last_pulse >= PULSE => vec![AgentEvent::Status(Busyness::Busy)],
            _ => Vec::new(),
        }
    }

    fn message(&mut self, info: &MessageInfo, now: DateTime<Utc>) -> Vec<AgentEvent> {
        match info.role {
            Role::User if self.phase == Phase::Sent && info.id == self.prompt => {
                self.phase = Phase::Open;
                self.error = None;
                vec![AgentEvent::Status(Busyness::Busy)]
            }
            Role::Assistant if self.phase == Phase::Open && self.answers_us(info) => {
                let new = !self.answers.contains_key(&info.id);
                let answer = self.answers.entry(info.id.clone()).or_default();
                answer.complete |= info.time.completed.is_some();
                answer.summary |= info.is_summary();
                answer.finish = info.finish.clone().or(answer.finish.take());
                answer.error = info.error.clone().or(answer.error.take());
                answer.usage = usage_of(info.tokens, info.cost);
                if answer.finish.is_some() && !answer.summary {
                    self.overflows = 0;
                }
                if !new {
                    return Vec::new();
                }
                self.parts.settle();
                // The turn goes on after this error, so it is told by itself.
                let error = self.error.take().map(|error| AgentEvent::Error(errors::failure(&error, now)));
                error.into_iter().collect()
            }
            Role::User | Role::Assistant => Vec::new(),
        }
    }

    /// Whether it answers our message, or one that came after it: the server's own, or another
    /// person's, which are both answered before the session rests.
    fn answers_us(&self, info: &MessageInfo) -> bool {
        info.parent_id.as_deref().is_none_or(|parent| parent >= self.prompt.as_str())
    }

    fn owns(&self, message: &str) -> bool {
        self.phase == Phase::Open && self.answers.contains_key(message)
    }

    /// Whether the message's words are the agent's; those of a compaction are for its own use.
    fn speaks(&self, message: &str) -> bool {
        self.owns(message) && self.answers.get(message).is_some_and(|answer| !answer.summary)
    }

    fn part(&mut self, part: &Part) -> Option<AgentEvent> {
        if !self.speaks(&part.message_id) {
            return None;
        }
        self.note(part);
        self.parts.update(part)
    }

    fn count_overflow(&mut self, error: &ErrorObject, now: DateTime<Utc>) {
        let failure = errors::failure(error, now);
        if self.phase == Phase::Open && failure.kind == FailureKind::ContextFull {
            self.overflows += 1;
            if self.overflows >= OVERFLOWS {
                self.hopeless.get_or_insert(failure);
            }
        }
    }

    /// A sub-agent is known by the tool that called it, and a refusal by the tool that it stopped.
    fn note(&mut self, part: &Part) {
        let Some(state) = &part.state else { return };
        self.children.extend(state.metadata.get("sessionId").and_then(Value::as_str).map(str::to_owned));
        let refused = |error: &&str| REFUSALS.iter().any(|words| error.starts_with(words));
        if let (None, Some(error)) = (&self.refusal, state.error.as_deref().filter(refused)) {
            self.refusal = Some(words::paragraph(error));
        }
    }

    fn status(&mut self, status: Status, now: DateTime<Utc>) -> Vec<AgentEvent> {
        self.unsettled &= matches!(status, Status::Idle);
        match status {
            Status::Retry { attempt, message, next } => {
                self.retrying = true;
                let message = words::paragraph(&message);
                #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
                let next = next.and_then(|at| DateTime::from_timestamp_millis(at as i64));
                if let Some(reset) = next.filter(|at| *at - now > LONGEST_WAIT) {
                    let failure = Failure::new(FailureKind::RateLimit, message.clone());
                    self.hopeless.get_or_insert(Failure { reset_at: Some(reset), ..failure });
                }
                let restarted = self.parts.retry();
                let retrying = AgentEvent::Status(Busyness::Retrying { attempt, message });
                restarted.into_iter().chain([retrying]).collect()
            }
            Status::Busy if std::mem::take(&mut self.retrying) => vec![AgentEvent::Status(Busyness::Busy)],
            Status::Busy | Status::Idle | Status::Unknown => Vec::new(),
        }
    }

    fn usage(&mut self, info: &SessionInfo) -> Option<AgentEvent> {
        let usage = usage_of(info.tokens, info.cost);
        (usage != self.usage).then(|| {
            self.usage = usage;
            AgentEvent::Usage(usage)
        })
    }

    /// Whether, with the session at rest, the turn is over. An abort without any answer may be the late
    /// word of an earlier turn; then only a second look at the server tells.
    fn may_end(&self) -> bool {
        let failed = || self.error.as_ref().is_some_and(|error| error.name != ABORTED);
        self.phase == Phase::Open
            && self.answers.values().all(|answer| answer.complete)
            && (!self.answers.is_empty() || failed())
    }

    fn idle(&mut self, now: DateTime<Utc>) -> Vec<AgentEvent> {
        if self.may_end() {
            return self.force_as_it_stands(now);
        }
        self.unsettled = true;
        Vec::new()
    }

    /// The stream of events was broken: some may be lost.
    pub(crate) fn broke(&mut self) {
        self.seamless = false;
        self.parts.broke();
        self.child_parts.broke();
    }

    /// What the server has now. Told before or told again by an event to come: both are told once.
    pub(crate) fn reread(&mut self, messages: &[Message], busy: bool, now: DateTime<Utc>) -> Vec<AgentEvent> {
        let mut events = Vec::new();
        for message in messages {
            events.extend(self.message(&message.info, now));
            if self.speaks(&message.info.id) {
                message.parts.iter().for_each(|part| self.note(part));
                let complete = message.info.time.completed.is_some();
                events.extend(self.parts.answer(&message.parts, complete));
            }
        }
        if !busy {
            events.extend(self.idle(now));
        }
        events
    }
}

/// The tokens and the cost of a session without its sub-sessions, or of an answer.
pub(crate) fn usage_of(tokens: Tokens, cost: f64) -> Usage {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts; negative is zero")]
    let count = |number: f64| number.max(0.0) as u64;
    Usage {
        input: count(tokens.input),
        output: count(tokens.output),
        reasoning: count(tokens.reasoning),
        cache_read: count(tokens.cache.read),
        cache_write: count(tokens.cache.write),
        cost,
    }
}

fn field<T: DeserializeOwned>(body: &Value, name: &str) -> Option<T> {
    body.get(name).and_then(|value| T::deserialize(value).ok())
}

/// The server's time of an event that tells one.
fn time_of(event: &Event) -> Option<f64> {
    event.properties.get("time").and_then(Value::as_f64)
}
