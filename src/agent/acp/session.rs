//! A session: its turns, one after another, in a living child.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::backend::Limits;
use super::child::Child;
use super::connection::FromAgent;
use super::models::{Offers, Set};
use super::permission;
use super::turn::{Asked, Turn};
use super::usage::Totals;
use super::wire::{self, SessionAnswer};
use crate::agent::{BoxFuture, PermissionReply, PromptRequest, Session, UiCommand};
use crate::model::{
    AgentEvent, BackendKind, Busyness, CancelCause, Failure, FailureKind, ModelRef, SessionId, Usage,
};

/// What is known of a session that is open in a child, over all who use it.
#[derive(Debug)]
pub(crate) struct Opened {
    offers: Offers,
    totals: Totals,
    turn: Turn,
    /// How many requests it has made.
    asked: u64,
}

impl Opened {
    /// A new one.
    pub(crate) fn new(answer: &SessionAnswer) -> Self {
        let (turn, asked) = Default::default();
        Self { offers: Offers::of(answer), totals: Totals::of_new(), turn, asked }
    }

    /// One of an earlier child.
    pub(crate) fn resumed(answer: &SessionAnswer) -> Self {
        Self { totals: Totals::of_resumed(), ..Self::new(answer) }
    }
}

/// A session in a child.
pub(crate) struct AcpSession {
    child: Arc<Child>,
    id: SessionId,
    opened: Arc<Mutex<Opened>>,
    limits: Limits,
    /// What the running turn says.
    turn: Option<mpsc::UnboundedReceiver<FromAgent>>,
    /// When the child is ended, if a cancelled turn is not over by then.
    deadline: Option<Instant>,
    /// When it is said next that a tool still runs.
    pulse: Instant,
    ready: VecDeque<AgentEvent>,
}

impl AcpSession {
    /// A session in which no turn of ours runs.
    pub(crate) fn new(child: Arc<Child>, id: SessionId, opened: Arc<Mutex<Opened>>, limits: Limits) -> Self {
        let (turn, deadline, ready) = Default::default();
        Self { child, id, opened, limits, turn, deadline, pulse: Instant::now(), ready }
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets something at the agent.
    async fn set(&self, set: Option<Set>) -> Result<(), Failure> {
        let Some(set) = set else { return Ok(()) };
        let asked = self.child.connection.request(set.method, &set.params, self.limits.answer).await;
        let answer: SessionAnswer = wire::read(asked.map_err(|error| error.failure(set.method))?);
        let mut opened = self.opened();
        opened.offers.granted(&set);
        opened.offers.update(&answer.config_options);
        Ok(())
    }

    async fn choose(&self, model: &ModelRef) -> Result<(), Failure> {
        let set = self.opened().offers.model(&self.id, model)?;
        self.set(set).await?;
        // Which variants there are depends on the model.
        let set = self.opened().offers.variant(&self.id, model)?;
        self.set(set).await
    }

    async fn begin(&mut self, request: PromptRequest) -> Result<(), Failure> {
        if self.turn.is_some() {
            return Err(Failure::new(FailureKind::Task, "a turn of this session runs already"));
        }
        if self.child.connection.is_prompted(&self.id) && !self.opened().turn.is_cancelled() {
            return Err(Failure::new(FailureKind::Task, "somebody else's turn of this session runs"));
        }
        // The last one may have been left by whoever prompted it, and still be on its way out.
        if !self.child.connection.rest(&self.id, self.limits.cancel).await {
            self.child.kill();
            self.child.over().await;
        }
        self.choose(&request.model).await?;
        let set = self.opened().offers.mode(&self.id, request.persona.as_deref())?;
        self.set(set).await?;
        let turn = self.child.connection.prompt(&self.id, &request.text)?;
        let mut opened = self.opened();
        opened.turn = opened.turn.next();
        drop(opened);
        (self.turn, self.deadline, self.pulse) = (Some(turn), None, Instant::now() + self.limits.pulse);
        self.ready.push_back(AgentEvent::Status(Busyness::Busy));
        Ok(())
    }

    /// Takes in one thing that the agent says.
    fn take(&mut self, said: FromAgent) {
        self.pulse = Instant::now() + self.limits.pulse;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let Opened { turn, totals, asked, .. } = &mut *opened;
        let events = match said {
            FromAgent::Update(update) => turn.update(update, totals),
            FromAgent::Permission(id, params) => {
                *asked += 1;
                let pid = self.child.identity().map_or(0, |identity| identity.pid);
                match turn.permission(format!("req_{pid}_{asked}"), id, params) {
                    Asked::Tell(event) => vec![event],
                    Asked::Refuse(id, answer) => {
                        self.child.connection.respond(&id, &answer);
                        Vec::new()
                    }
                }
            }
            FromAgent::Ended(answer) => {
                (self.turn, self.deadline) = (None, None);
                turn.ended(answer, totals)
            }
            FromAgent::Gone(gone) => {
                (self.turn, self.deadline) = (None, None);
                turn.gone(gone, totals)
            }
        };
        self.ready.extend(events);
    }

    /// Waits for something that the agent says, for ever when no turn runs. Safe to be dropped.
    async fn hear(&mut self) {
        let Some(turn) = &mut self.turn else { return std::future::pending().await };
        let wake = self.deadline.unwrap_or(self.pulse);
        tokio::select! {
            biased;
            said = turn.recv() => match said {
                Some(said) => self.take(said),
                // Only the child's end closes it, and that is told first.
                None => self.turn = None,
            },
            () = sleep_until(wake) => self.woken(),
        }
    }

    fn woken(&mut self) {
        if self.deadline.take().is_some() {
            tracing::warn!("an agent does not end a cancelled turn; its process is ended");
            self.child.kill();
        } else if self.opened().turn.tool_runs() {
            self.ready.push_back(AgentEvent::Status(Busyness::Busy));
        }
        self.pulse = Instant::now() + self.limits.pulse;
    }

    /// Tells the agent to end its turn, which has a deadline from now on.
    fn tell_to_cancel(&mut self, cause: CancelCause) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let again = opened.turn.is_cancelled();
        for request in opened.turn.cancel(cause) {
            self.child.connection.respond(&request, &permission::cancelled());
        }
        if !again {
            self.child.connection.notify("session/cancel", &json!({ "sessionId": self.id.0 }));
            self.deadline = Some(Instant::now() + self.limits.cancel);
        }
    }
}

impl Session for AcpSession {
    fn id(&self) -> Option<&SessionId> {
        Some(&self.id)
    }

    fn backend(&self) -> BackendKind {
        BackendKind::Acp
    }

    fn prepare<'a>(&'a mut self, model: &'a ModelRef) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            // What fails here fails again with the prompt.
            let _ = self.choose(model).await;
        })
    }

    fn prompt(&mut self, request: PromptRequest) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(self.begin(request))
    }

    fn next_event(&mut self) -> BoxFuture<'_, AgentEvent> {
        Box::pin(async move {
            loop {
                if let Some(event) = self.ready.pop_front() {
                    return event;
                }
                self.hear().await;
            }
        })
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // What it had said before it is told counts, and so does an end.
            while let Some(said) = self.turn.as_mut().and_then(|turn| turn.try_recv().ok()) {
                self.take(said);
            }
            if self.turn.is_some() {
                self.tell_to_cancel(CancelCause::Person);
            }
            while self.turn.is_some() {
                self.hear().await;
            }
        })
    }

    fn answer(&mut self, request: String, reply: PermissionReply) -> BoxFuture<'_, Result<(), Failure>> {
        let answered = self.opened().turn.answer(&request, &reply).map(|(id, answer)| {
            self.child.connection.respond(&id, &answer.result);
            answer.words.to_owned()
        });
        let told = answered.map(|answer| self.ready.push_back(AgentEvent::Answered { id: request, answer }));
        Box::pin(std::future::ready(told))
    }

    fn usage(&mut self) -> BoxFuture<'_, Result<Usage, Failure>> {
        let used = self.opened().totals.used();
        Box::pin(std::future::ready(Ok(used)))
    }

    fn ui(&self) -> Option<UiCommand> {
        None
    }
}

impl Drop for AcpSession {
    /// Nobody hears the turn any more, and nobody would answer its requests: it is cancelled.
    fn drop(&mut self) {
        if self.turn.is_some() {
            self.tell_to_cancel(CancelCause::ClientGone);
        }
        if let (Some(_), Ok(runtime)) = (self.deadline, tokio::runtime::Handle::try_current()) {
            let (child, id, limit) = (Arc::clone(&self.child), self.id.clone(), self.limits.cancel);
            runtime.spawn(async move {
                if !child.connection.rest(&id, limit).await {
                    child.kill();
                }
            });
        }
    }
}
