//! The turn: what a session's agent says in, [`AgentEvent`]s out. Pure; knows no clock and no process.
//!
//! A turn begins with its prompt and is over with the answer to it, or with the child's end. Why an agent
//! says that it stopped is believed only where we did not cancel: some call a cancelled turn complete.

use std::collections::HashMap;

use serde_json::Value;

use super::connection::Gone;
use super::errors;
use super::permission::{self, Answer, Request};
use super::tools::Tools;
use super::usage::Totals;
use super::wire::{self, PermissionRequest, PromptAnswer, RpcError, Update};
use crate::agent::PermissionReply;
use crate::model::{AgentEvent, Busyness, CancelCause, Failure, FailureKind, TurnOutcome};

/// What to do about a request for permission.
#[derive(Debug)]
pub(crate) enum Asked {
    /// A person or a policy answers it.
    Tell(AgentEvent),
    /// The turn is cancelled: this is sent at once.
    Refuse(Value, Value),
}

/// The current turn of a session.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    tools: Tools,
    requests: HashMap<String, Request>,
    cancelled: Option<CancelCause>,
    /// A refusal was the last thing that happened.
    refused: bool,
    /// The beginning of what was said, where nothing else happened.
    said: String,
    /// Tokens were told step by step.
    steps: bool,
}

/// How much of what is said is kept, to see an error in it.
const KEPT: usize = 2000;

impl Turn {
    /// The turn after this one.
    pub(crate) fn next(&mut self) -> Self {
        Self { tools: self.tools.next(), ..Self::default() }
    }

    /// Whether a tool runs.
    pub(crate) fn tool_runs(&self) -> bool {
        self.tools.any_runs()
    }

    /// We cancel the turn, for `cause`. The requests that wait are given back, to be refused: an agent may
    /// wait for its answer before it ends its turn.
    pub(crate) fn cancel(&mut self, cause: CancelCause) -> Vec<Value> {
        self.cancelled.get_or_insert(cause);
        self.requests.drain().map(|(_, request)| request.id).collect()
    }

    /// Whether we cancelled it.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.is_some()
    }

    /// One `session/update`.
    pub(crate) fn update(&mut self, update: Value, totals: &mut Totals) -> Vec<AgentEvent> {
        let update: Update = wire::read(update);
        if let Some(tokens) = update.meta.usage {
            self.steps = true;
            totals.step(tokens);
        }
        let words = update.content.get("text").and_then(Value::as_str).filter(|text| !text.is_empty());
        let event = match (update.session_update.as_str(), words) {
            ("agent_message_chunk", Some(words)) => {
                self.refused = false;
                if self.said.len() < KEPT {
                    self.said.push_str(words);
                }
                Some(AgentEvent::Text { delta: words.to_owned() })
            }
            ("agent_thought_chunk", Some(words)) => Some(AgentEvent::Reasoning { delta: words.to_owned() }),
            ("tool_call" | "tool_call_update", _) => {
                if update.session_update == "tool_call" {
                    self.refused = false;
                }
                self.said.clear();
                self.tools.update(&update)
            }
            ("usage_update", _) => {
                update.cost.into_iter().for_each(|cost| totals.cost(cost.amount));
                None
            }
            _ => None,
        };
        event.into_iter().collect()
    }

    /// A request for permission. `name` is ours: an agent's own ids begin at 0 in every process.
    pub(crate) fn permission(&mut self, name: String, id: Value, params: Value) -> Asked {
        if self.cancelled.is_some() {
            return Asked::Refuse(id, permission::cancelled());
        }
        let request: PermissionRequest = wire::read(params);
        let (permission, patterns) = self.tools.asked(&wire::read(request.tool_call));
        let request = Request::new(id, request.options);
        let always = request.always();
        self.requests.insert(name.clone(), request);
        Asked::Tell(AgentEvent::Permission { id: name, permission, patterns, always })
    }

    /// Answers a request: under which id, and with what.
    ///
    /// # Errors
    /// When no such request waits, or it can't be answered like this; then it still waits.
    pub(crate) fn answer(&mut self, name: &str, reply: &PermissionReply) -> Result<(Value, Answer), Failure> {
        let cannot = |words: String| Failure::new(FailureKind::Provider, words);
        let Some(request) = self.requests.get(name) else {
            return Err(cannot(format!("no request `{name}` waits for an answer")));
        };
        let Some(answer) = request.answer(reply) else {
            return Err(cannot(format!("the agent offers no such answer to its request `{name}`")));
        };
        let id = request.id.clone();
        self.requests.remove(name);
        self.refused = matches!(reply, PermissionReply::Reject(_));
        Ok((id, answer))
    }

    /// The prompt is answered: the turn is over.
    pub(crate) fn ended(&self, answer: Result<Value, RpcError>, totals: &mut Totals) -> Vec<AgentEvent> {
        let answer = answer.map(wire::read::<PromptAnswer>);
        if let (Ok(answer), None) = (&answer, self.cancelled) {
            totals.end(answer, self.steps);
        }
        self.over(self.outcome(&answer), totals)
    }

    /// The child is gone, and the turn with it.
    pub(crate) fn gone(&self, gone: Gone, totals: &Totals) -> Vec<AgentEvent> {
        let outcome = match (self.cancelled, gone.stopped) {
            (Some(cause), _) => TurnOutcome::Cancelled { cause },
            (None, true) => TurnOutcome::Cancelled { cause: CancelCause::Shutdown },
            (None, false) => TurnOutcome::Failed { failure: gone.failure },
        };
        self.over(outcome, totals)
    }

    #[expect(clippy::unused_self, reason = "only a turn can be over")]
    fn over(&self, outcome: TurnOutcome, totals: &Totals) -> Vec<AgentEvent> {
        let usage = AgentEvent::Usage(totals.used());
        vec![usage, AgentEvent::Status(Busyness::Idle), AgentEvent::TurnEnded(outcome)]
    }

    fn outcome(&self, answer: &Result<PromptAnswer, RpcError>) -> TurnOutcome {
        let failed = |kind, words: &str| TurnOutcome::Failed { failure: Failure::new(kind, words) };
        let answer = match (answer, self.cancelled) {
            (_, Some(cause)) => return TurnOutcome::Cancelled { cause },
            (Err(error), None) => return TurnOutcome::Failed { failure: errors::failure(error) },
            (Ok(answer), None) => answer,
        };
        match answer.stop_reason.as_str() {
            "refusal" => failed(FailureKind::Provider, "the model refused to go on"),
            "max_turn_requests" => {
                failed(FailureKind::Task, "the agent ended its turn at its own limit of requests")
            }
            _ if self.refused => failed(
                FailureKind::PermissionDenied,
                "the agent ended its turn: a permission that it asked for was refused",
            ),
            // Somebody else, or the agent itself.
            "cancelled" => TurnOutcome::Cancelled { cause: CancelCause::Agent },
            _ => match errors::in_words(&self.said) {
                Some(failure) => TurnOutcome::Failed { failure },
                None => TurnOutcome::Completed,
            },
        }
    }
}

#[cfg(test)]
mod tests;
