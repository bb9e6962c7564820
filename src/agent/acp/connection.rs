//! The conversation with a child: requests and their answers, and what belongs to which session's turn.
//!
//! What an agent tells of a session outside of a turn (the replay of `session/load`, for one) goes to
//! nobody. A turn's messages and its end come through one channel, in their order.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::errors;
use super::wire::{METHOD_NOT_FOUND, Message, RpcError};
use crate::model::{Failure, FailureKind, SessionId};

/// What a turn hears.
#[derive(Debug)]
pub(crate) enum FromAgent {
    /// The content of a `session/update`.
    Update(Value),
    /// A request for permission, and the id to answer it under.
    Permission(Value, Value),
    /// The answer to the prompt: the turn is over.
    Ended(Result<Value, RpcError>),
    /// The child is gone. Nothing comes after it.
    Gone(Gone),
}

/// The end of a child.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    /// How it ended.
    pub(crate) failure: Failure,
    /// We were told to end it.
    pub(crate) stopped: bool,
}

/// Why a request has no result.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The agent refused.
    Refused(RpcError),
    /// It did not answer in time.
    Late,
    /// It is gone.
    Gone(Gone),
}

impl NoAnswer {
    /// As a failure of the agent.
    pub(crate) fn failure(self, method: &str) -> Failure {
        match self {
            Self::Refused(error) => errors::failure(&error),
            Self::Gone(gone) => gone.failure,
            Self::Late => {
                let words = format!("the agent did not answer `{method}` in time");
                Failure::new(FailureKind::ServerUnreachable, words)
            }
        }
    }
}

/// Who waits for the answer to a request.
enum Waiting {
    Caller(oneshot::Sender<Result<Value, RpcError>>),
    Turn(SessionId),
}

#[derive(Default)]
struct State {
    last: u64,
    waiting: HashMap<u64, Waiting>,
    turns: HashMap<SessionId, mpsc::UnboundedSender<FromAgent>>,
    /// How many messages of a session were told outside of its turns.
    replayed: HashMap<SessionId, usize>,
    gone: Option<Gone>,
}

/// One child's conversation.
pub(crate) struct Connection {
    /// What is written to the child; `None` once its input is closed.
    out: Mutex<Option<mpsc::UnboundedSender<Vec<u8>>>>,
    state: Mutex<State>,
    /// Sessions whose prompt is not answered.
    busy: watch::Sender<Vec<SessionId>>,
}

impl Connection {
    /// A conversation whose lines are to be written from the channel.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Vec<u8>>) {
        let (out, lines) = mpsc::unbounded_channel();
        (Self { out: Mutex::new(Some(out)), state: Mutex::default(), busy: watch::Sender::default() }, lines)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, message: &Value) {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        if let Some(out) = &*self.out.lock().unwrap_or_else(PoisonError::into_inner) {
            // Of a child that is gone, its end tells.
            let _ = out.send(line);
        }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn request(
        &self,
        method: &str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, NoAnswer> {
        let (caller, answer) = oneshot::channel();
        let id = self.number(Waiting::Caller(caller)).map_err(NoAnswer::Gone)?;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        match timeout(limit, answer).await {
            Ok(Ok(answer)) => answer.map_err(NoAnswer::Refused),
            // Nobody answers any more.
            Ok(Err(_)) => Err(self.state().gone.clone().map_or(NoAnswer::Late, NoAnswer::Gone)),
            Err(_) => {
                self.state().waiting.remove(&id);
                Err(NoAnswer::Late)
            }
        }
    }

    fn number(&self, waiting: Waiting) -> Result<u64, Gone> {
        let mut state = self.state();
        match &state.gone {
            Some(gone) => Err(gone.clone()),
            None => {
                state.last += 1;
                let id = state.last;
                state.waiting.insert(id, waiting);
                Ok(id)
            }
        }
    }

    /// Tells, without an answer.
    pub(crate) fn notify(&self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Answers a request of the agent.
    pub(crate) fn respond(&self, id: &Value, result: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
    }

    /// Prompts a session of which no turn runs: its turn begins.
    pub(crate) fn prompt(
        &self,
        session: &SessionId,
        text: &str,
    ) -> Result<mpsc::UnboundedReceiver<FromAgent>, Failure> {
        let (events, turn) = mpsc::unbounded_channel();
        let id = self.number(Waiting::Turn(session.clone())).map_err(|gone| gone.failure)?;
        self.state().turns.insert(session.clone(), events);
        self.busy.send_modify(|busy| busy.push(session.clone()));
        let prompt = json!({ "sessionId": session.0, "prompt": [{ "type": "text", "text": text }] });
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": "session/prompt", "params": prompt }));
        Ok(turn)
    }

    /// Whether the child is gone.
    pub(crate) fn is_over(&self) -> bool {
        self.state().gone.is_some()
    }

    /// Whether any turn runs.
    pub(crate) fn is_busy(&self) -> bool {
        !self.busy.borrow().is_empty()
    }

    /// Whether a turn of the session runs.
    pub(crate) fn is_prompted(&self, session: &SessionId) -> bool {
        self.busy.borrow().contains(session)
    }

    /// Waits until no turn of the session runs. Whether that came to be in time.
    pub(crate) async fn rest(&self, session: &SessionId, limit: Duration) -> bool {
        let mut busy = self.busy.subscribe();
        timeout(limit, busy.wait_for(|busy| !busy.contains(session))).await.is_ok()
    }

    /// How many messages of a session it has told outside of its turns.
    pub(crate) fn replayed(&self, session: &SessionId) -> usize {
        self.state().replayed.get(session).copied().unwrap_or_default()
    }

    /// What the child says.
    pub(crate) fn take(&self, message: Message) {
        match message {
            Message::Answer(id, answer) => self.answered(id, answer),
            Message::Notification { method, params } if method == "session/update" => self.update(params),
            Message::Notification { method, .. } => {
                tracing::debug!(method, "an agent tells what we don't know");
            }
            Message::Request { id, method, params } if method == "session/request_permission" => {
                self.permission(id, params);
            }
            Message::Request { id, method, .. } => {
                let error =
                    json!({ "code": METHOD_NOT_FOUND, "message": format!("`{method}` is not offered") });
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "error": error }));
            }
        }
    }

    fn answered(&self, id: u64, answer: Result<Value, RpcError>) {
        let waiting = self.state().waiting.remove(&id);
        match waiting {
            Some(Waiting::Caller(caller)) => {
                // It may have given up.
                let _ = caller.send(answer);
            }
            Some(Waiting::Turn(session)) => {
                if let Some(turn) = self.state().turns.remove(&session) {
                    let _ = turn.send(FromAgent::Ended(answer));
                }
                self.busy.send_modify(|busy| busy.retain(|other| *other != session));
            }
            None => tracing::debug!(id, "an answer that nobody waits for"),
        }
    }

    fn update(&self, mut params: Value) {
        let (session, update) = (session(&params), params["update"].take());
        let mut state = self.state();
        match state.turns.get(&session) {
            // Whoever listened may be gone; then the turn was cancelled.
            Some(turn) => drop(turn.send(FromAgent::Update(update))),
            None if matches!(
                update["sessionUpdate"].as_str(),
                Some("user_message_chunk" | "agent_message_chunk" | "tool_call")
            ) =>
            {
                *state.replayed.entry(session).or_default() += 1;
            }
            None => {}
        }
    }

    fn permission(&self, id: Value, params: Value) {
        let turn = self.state().turns.get(&session(&params)).cloned();
        let unheard = match turn {
            Some(turn) => match turn.send(FromAgent::Permission(id, params)) {
                Err(mpsc::error::SendError(FromAgent::Permission(id, _))) => Some(id),
                _ => None,
            },
            None => Some(id),
        };
        // Nobody is there to answer, and an agent may wait for ever.
        if let Some(id) = unheard {
            self.respond(&id, &json!({ "outcome": { "outcome": "cancelled" } }));
        }
    }

    /// Closes the child's input, which asks it to end.
    pub(crate) fn close(&self) {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The child is gone: whoever waits for it is told.
    pub(crate) fn fail(&self, gone: Gone) {
        self.close();
        let mut state = self.state();
        for turn in state.turns.drain().map(|(_, turn)| turn) {
            let _ = turn.send(FromAgent::Gone(gone.clone()));
        }
        state.gone = Some(gone);
        // Dropped, they tell their callers.
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop(waiting);
        self.busy.send_modify(Vec::clear);
    }
}

fn session(params: &Value) -> SessionId {
    SessionId(params["sessionId"].as_str().unwrap_or_default().to_owned())
}
