//! A turn while it runs: what the agent tells and asks, what people answer, and the one end of it.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use tokio::time::{Instant, sleep_until, timeout};

use super::{CANCEL, Cancelled, LONGEST, News, cancel_cause, is_work};
use crate::agent::{PermissionReply, PromptRequest, Session};
use crate::engine::allowed::written;
use crate::ipc::{Asking, TurnMessage, UiCommand};
use crate::model::{AgentEvent, Ask, Failure, FailureKind, ModelRef, ThreadId, TurnOutcome};
use crate::runtime::RuntimeSettings;
use crate::runtime::answers::{Answer, Given, NotAnswered};
use crate::runtime::asks::{Asks, Decision, by_nobody, by_person, decide, request};
use crate::runtime::board::Board;
use crate::runtime::journal::{Ending, Journal};
use crate::runtime::pool::Lease;
use crate::runtime::records::Record;
use crate::runtime::watch::Watch;

/// A prompt that is running.
pub(super) struct Turn<'a> {
    pub(super) settings: &'a RuntimeSettings,
    pub(super) session: &'a mut dyn Session,
    pub(super) lease: &'a Lease,
    pub(super) news: News<'a>,
    pub(super) journal: Option<Journal>,
    pub(super) produced: bool,
    /// The files of the repository that its tools told to have written.
    pub(super) written: BTreeSet<PathBuf>,
    pub(super) thread: ThreadId,
    pub(super) asking: Asking,
    /// Tells people that the agent waits for them.
    pub(super) tell: &'a (dyn Fn(&Ask) + Send + Sync),
    pub(super) asks: Asks,
    /// Requests that were told before, by somebody who died.
    pub(super) told: HashSet<String>,
    pub(super) board: Board,
    pub(super) record: &'a mut Record,
    pub(super) model: &'a ModelRef,
}

/// What is left of a turn that has ended.
pub(super) struct Closed {
    /// Whether the agent did anything.
    pub(super) produced: bool,
    /// The files that its tools told to have written.
    pub(super) written: BTreeSet<PathBuf>,
    /// Its journal, which has still to become durable.
    pub(super) journal: Option<Ending>,
}

impl Turn<'_> {
    pub(super) async fn run(
        &mut self,
        prompt: PromptRequest,
        cancelled: &mut Cancelled,
        answers: &mut Given,
    ) -> TurnOutcome {
        let prompted = tokio::select! {
            // Whoever was cancelled before has not to be prompted at all.
            biased;
            cause = cancel_cause(cancelled) => {
                // The prompt may have arrived all the same.
                self.session.cancel().await;
                return self.tell_end(TurnOutcome::Cancelled { cause });
            }
            prompted = self.session.prompt(prompt) => prompted,
        };
        if let Err(failure) = prompted {
            return self.tell_end(TurnOutcome::Failed { failure });
        }
        let watch = Watch::new(Instant::now(), self.settings.stall_timeout, self.settings.turn_timeout);
        self.follow(watch, cancelled, answers).await
    }

    /// Follows a turn that runs, to its end.
    pub(super) async fn follow(
        &mut self,
        mut watch: Watch,
        cancelled: &mut Cancelled,
        answers: &mut Given,
    ) -> TurnOutcome {
        let outcome = loop {
            watch.asks(self.asks.any(), Instant::now());
            self.lease.waits(self.asks.any());
            let (deadline, patience) = (watch.deadline(), self.asks.deadline());
            tokio::select! {
                event = self.session.next_event() => {
                    watch.saw(&event, Instant::now());
                    match event {
                        AgentEvent::TurnEnded(outcome) => break outcome,
                        event => self.happened(event).await,
                    }
                }
                answer = answers.next() => self.answered(answer).await,
                () = passed(patience) => self.nobody_answered().await,
                cause = cancel_cause(cancelled) => break self.stop(TurnOutcome::Cancelled { cause }).await,
                kind = deadline_passed(deadline) => {
                    let failure = Failure::new(kind, given_up(kind, self.settings));
                    break self.stop(TurnOutcome::Failed { failure }).await;
                }
            }
        };
        self.tell_end(outcome)
    }

    /// Cancels at the agent, and reads on to its end. A turn that had ended by itself has ended so.
    async fn stop(&mut self, because: TurnOutcome) -> TurnOutcome {
        let ended = async {
            self.session.cancel().await;
            loop {
                match self.session.next_event().await {
                    AgentEvent::TurnEnded(outcome) => return outcome,
                    event => self.happened(event).await,
                }
            }
        };
        match timeout(CANCEL, ended).await {
            Ok(outcome @ (TurnOutcome::Completed | TurnOutcome::Failed { .. })) => outcome,
            Ok(TurnOutcome::Cancelled { .. }) => because,
            Err(_) => {
                tracing::warn!("the agent did not confirm a cancel");
                because
            }
        }
    }

    /// Waits until all that was told is with the system.
    pub(super) async fn close(self) -> Closed {
        self.board.close().await;
        let journal = match self.journal {
            Some(journal) => Some(journal.end().await),
            None => None,
        };
        Closed { produced: self.produced, written: self.written, journal }
    }

    /// Tells of the session, once its id is known.
    pub(super) fn opened(&self) {
        let facts = &self.record.facts;
        let Some(session) = facts.session.clone() else { return };
        (self.news)(TurnMessage::Opened {
            session,
            attempt: facts.attempt,
            number: facts.turn,
            model: self.model.clone(),
            ui: self.session.ui().map(|ui| UiCommand { argv: ui.argv, env: ui.env, directory: ui.directory }),
        });
    }

    async fn happened(&mut self, event: AgentEvent) {
        self.produced |= is_work(&event);
        self.written.extend(written(&event, &self.settings.root, &self.record.facts.start.directory));
        match &event {
            AgentEvent::Opened { session } => {
                let news = self.record.facts.session.is_none();
                self.record.named(session.clone());
                self.tell(&event);
                if news {
                    self.opened();
                }
            }
            AgentEvent::Permission { id, .. } | AgentEvent::Question { id, .. } => {
                let told = self.told.remove(id);
                if !told {
                    self.tell(&event);
                }
                self.asked(&event, told).await;
            }
            AgentEvent::Answered { id, .. } => {
                if self.asks.heard(id) {
                    self.tell(&event);
                }
                self.board.show(self.asks.list());
            }
            _ => self.tell(&event),
        }
    }

    /// The agent asks: that is decided at once, or waits for a person.
    async fn asked(&mut self, event: &AgentEvent, told: bool) {
        let Some(ask) = request(event, self.settings.clock.now(), self.asking.timeout) else { return };
        match decide(&ask, self.asking.policy) {
            Decision::Wait => {
                let now = Instant::now();
                // A person may take for ever; a clock can't.
                let until = now.checked_add(self.asking.timeout).unwrap_or(now + LONGEST);
                self.asks.wait(ask.clone(), until);
                self.board.show(self.asks.list());
                if !told {
                    (self.tell)(&ask);
                }
                (self.news)(TurnMessage::Waiting { thread: self.thread, ask });
            }
            Decision::Answer(reply, words) => drop(self.reply(ask.id, reply, words).await),
        }
    }

    /// Answers, and tells it. An answer that the agent does not take any more was given by somebody else, in
    /// the agent's own UI.
    async fn reply(&mut self, id: String, reply: PermissionReply, words: String) -> Result<(), Failure> {
        let taken = self.session.answer(id.clone(), reply).await;
        let answer = match &taken {
            Ok(()) => {
                self.asks.answered(&id);
                words
            }
            Err(failure) => {
                self.asks.forget(&id);
                format!("not ours to answer any more: {}", failure.message)
            }
        };
        self.board.show(self.asks.list());
        self.tell(&AgentEvent::Answered { id, answer });
        taken
    }

    /// A person answers from elsewhere.
    async fn answered(&mut self, answer: Answer) {
        let found = self.asks.find(answer.request.as_deref()).and_then(|ask| {
            let reply = ask.fit(&answer.reply).map_err(|unfit| NotAnswered::wrong(unfit.to_string()))?;
            Ok((ask.id.clone(), by_person(ask, reply)))
        });
        let (id, (reply, words)) = match found {
            Ok(found) => found,
            Err(refused) => return answer.tell(Err(refused)),
        };
        let taken = self.reply(id, reply, words).await;
        // Whoever looks at the state after their answer must not see the question any more.
        let seen = self.board.seen();
        tokio::spawn(async move {
            seen.await;
            answer.tell(taken.map_err(|failure| NotAnswered::nothing(failure.message)));
        });
    }

    /// Denies what has waited for long enough.
    async fn nobody_answered(&mut self) {
        while let Some(ask) = self.asks.overdue(Instant::now()) {
            let (reply, words) = by_nobody(&ask, self.asking);
            // It waits no more, whoever was faster.
            let _ = self.reply(ask.id, reply, words).await;
        }
    }

    fn tell_end(&mut self, outcome: TurnOutcome) -> TurnOutcome {
        self.tell(&AgentEvent::TurnEnded(outcome.clone()));
        outcome
    }

    fn tell(&self, event: &AgentEvent) {
        let at = self.settings.clock.now();
        if let Some(journal) = &self.journal {
            journal.append(at, event);
        }
        (self.news)(TurnMessage::Event { at, event: event.clone() });
    }
}

async fn passed(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn deadline_passed(deadline: Option<(Instant, FailureKind)>) -> FailureKind {
    match deadline {
        Some((at, kind)) => {
            sleep_until(at).await;
            kind
        }
        None => std::future::pending().await,
    }
}

fn given_up(kind: FailureKind, settings: &RuntimeSettings) -> String {
    match (kind, settings.turn_timeout) {
        (FailureKind::TimedOut, Some(limit)) => format!("the turn took longer than {} s", limit.as_secs()),
        _ => format!("nothing happened for {} s", settings.stall_timeout.as_secs()),
    }
}
