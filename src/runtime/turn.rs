//! One turn from its prompt to its recorded end, model after model where that helps.

use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until, timeout};

use super::journal::Journal;
use super::pool::Pool;
use super::records::{Record, unopened};
use super::watch::Watch;
use super::{Runtime, RuntimeSettings};
use crate::agent::{Backend as _, OpenRequest, PermissionReply, PromptRequest, Session};
use crate::engine::SessionError;
use crate::ipc::{TurnMessage, TurnSpec, UiCommand};
use crate::model::{AgentEvent, CancelCause, Failure, FailureKind, ModelRef, Remedy, TurnOutcome, Usage};

/// How long an agent may take to end a turn that was cancelled: more than the backend itself gives it.
const CANCEL: Duration = Duration::from_secs(20);

/// What the agent is told when it asks for something and nobody is there to answer.
const NOBODY: &str =
    "Nobody is there to allow this. Find a way that needs no permission, or report the task as blocked.";

type Cancelled = Receiver<Option<CancelCause>>;
type News<'a> = &'a (dyn Fn(TurnMessage) + Send + Sync);

/// The end of one attempt.
struct Attempt {
    outcome: TurnOutcome,
    attempt: Option<u32>,
    unrecorded: Option<String>,
    /// Whether the agent did anything: if so, its session is worth keeping.
    produced: bool,
}

impl Attempt {
    fn failed(failure: Failure) -> Self {
        let outcome = TurnOutcome::Failed { failure };
        Self { outcome, attempt: None, unrecorded: None, produced: false }
    }
}

pub(super) async fn run(runtime: &Runtime, spec: TurnSpec, news: News<'_>, cancelled: Cancelled) {
    let mut last = Attempt::failed(Failure::new(FailureKind::ModelUnknown, "the agent has no model"));
    let mut models = spec.models.iter().peekable();
    while let Some(model) = models.next() {
        last = attempt(runtime, &spec, model, news, cancelled.clone()).await;
        let TurnOutcome::Failed { failure } = &last.outcome else { break };
        let Some(next) = models.peek() else { break };
        // Work that was begun is continued by a person's choice, not begun again behind their back.
        if failure.kind.remedy() != Remedy::NextModel || last.produced {
            break;
        }
        if let Some(attempt) = last.attempt {
            tracing::info!(thread = %spec.thread, %failure, %next, "trying the next model");
            news(TurnMessage::NextModel { attempt, failure: failure.clone(), model: (*next).clone() });
        }
    }
    let Attempt { outcome, attempt, unrecorded, .. } = last;
    tracing::info!(stream = %spec.stream, thread = %spec.thread, ?outcome, "turn ended");
    news(TurnMessage::Ended { outcome, attempt, unrecorded });
}

/// Waits until somebody cancels; for ever when nobody can any more.
async fn cancel_cause(cancelled: &mut Cancelled) -> CancelCause {
    let cause = cancelled.wait_for(Option::is_some).await.ok().and_then(|cause| *cause);
    match cause {
        Some(cause) => cause,
        None => std::future::pending().await,
    }
}

async fn attempt(
    runtime: &Runtime,
    spec: &TurnSpec,
    model: &ModelRef,
    news: News<'_>,
    mut cancelled: Cancelled,
) -> Attempt {
    let settings = &runtime.settings;
    let opened = tokio::select! {
        opened = open(&runtime.pool, spec, news) => opened,
        cause = cancel_cause(&mut cancelled) => {
            // No session, no record: nothing had begun. If the agent was just making the session, it keeps
            // one without a message, which is in nobody's way.
            let outcome = TurnOutcome::Cancelled { cause };
            return Attempt { outcome, attempt: None, unrecorded: None, produced: false };
        }
    };
    let mut session = match opened {
        Ok(session) => session,
        Err(failure) => return refused(settings, spec, model, failure).await,
    };
    let resumed = spec.resume.as_ref().map(|(_, attempt)| *attempt);
    // What a resumed session has used before is not of this attempt.
    let before = match resumed {
        Some(_) => session.usage().await.unwrap_or_default(),
        None => Usage::default(),
    };
    // On record before anything is prompted; what a prompt needs is made ready meanwhile.
    let id = session.id().clone();
    let (begun, ()) = tokio::join!(Record::begin(settings, spec, model, id, resumed), session.prepare(model));
    let mut record = match begun {
        Ok(record) => record,
        Err(error) => return unrecorded_start(&error),
    };
    news(TurnMessage::Opened {
        session: session.id().clone(),
        attempt: record.attempt,
        number: record.turn,
        model: model.clone(),
        ui: session.ui().map(|ui| UiCommand { argv: ui.argv, env: ui.env, directory: ui.directory }),
    });
    let journal = record.take_journal().map(Journal::new);
    let mut turn = Turn { settings, session: &mut *session, news, journal, produced: false };
    let outcome = turn
        .run(
            PromptRequest {
                text: spec.prompt.clone(),
                model: model.clone(),
                persona: spec.agent.opencode_agent.clone(),
            },
            &mut cancelled,
        )
        .await;
    let Turn { journal, produced, .. } = turn;
    if let Some(journal) = journal {
        journal.close().await;
    }
    let usage = match timeout(Duration::from_secs(3), session.usage()).await {
        Ok(Ok(total)) => Some(total.since(before)),
        // A server that is gone can't tell any more; the record then has no usage, which is true.
        Ok(Err(_)) | Err(_) => None,
    };
    let unrecorded = record.end(outcome.clone(), usage, &runtime.unwritten).await;
    Attempt { outcome, attempt: Some(record.attempt), unrecorded, produced }
}

async fn open(pool: &Pool, spec: &TurnSpec, news: News<'_>) -> Result<Box<dyn Session>, Failure> {
    if !pool.is_warm() {
        news(TurnMessage::Preparing { what: "starting `opencode serve`".to_owned() });
    }
    let backend = pool.opencode().await?;
    backend
        .open(OpenRequest {
            directory: spec.directory.clone(),
            title: spec.title.clone(),
            stream: spec.stream.clone(),
            thread: spec.thread,
            environment: spec.agent.env.clone(),
            resume: spec.resume.as_ref().map(|(session, _)| session.clone()),
        })
        .await
}

/// Records an attempt that got no session.
async fn refused(settings: &RuntimeSettings, spec: &TurnSpec, model: &ModelRef, failure: Failure) -> Attempt {
    match unopened(settings, spec, model, failure.clone()).await {
        Ok(attempt) => Attempt { attempt: Some(attempt), ..Attempt::failed(failure) },
        Err(error) => Attempt { unrecorded: Some(error.chain()), ..Attempt::failed(failure) },
    }
}

/// The beginning could not be written: then nothing is prompted.
fn unrecorded_start(error: &SessionError) -> Attempt {
    let message = format!("the session could not be recorded, so nothing was prompted: {}", error.chain());
    Attempt { unrecorded: Some(error.chain()), ..Attempt::failed(Failure::new(FailureKind::Task, message)) }
}

/// A prompt that is running.
struct Turn<'a> {
    settings: &'a RuntimeSettings,
    session: &'a mut dyn Session,
    news: News<'a>,
    journal: Option<Journal>,
    produced: bool,
}

impl Turn<'_> {
    async fn run(&mut self, prompt: PromptRequest, cancelled: &mut Cancelled) -> TurnOutcome {
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
        let mut watch = Watch::new(Instant::now(), self.settings.stall_timeout, self.settings.turn_timeout);
        let outcome = loop {
            let deadline = watch.deadline();
            tokio::select! {
                event = self.session.next_event() => {
                    watch.saw(&event, Instant::now());
                    match event {
                        AgentEvent::TurnEnded(outcome) => break outcome,
                        event => self.happened(event).await,
                    }
                }
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

    async fn happened(&mut self, event: AgentEvent) {
        self.produced |= matches!(
            event,
            AgentEvent::Text { .. } | AgentEvent::Reasoning { .. } | AgentEvent::ToolCall { .. }
        );
        self.tell(&event);
        let (AgentEvent::Permission { id: asked, .. } | AgentEvent::Question { id: asked, .. }) = event
        else {
            return;
        };
        let answer =
            match self.session.answer(asked.clone(), PermissionReply::Reject(NOBODY.to_owned())).await {
                Ok(()) => "refused: nobody is there to allow it".to_owned(),
                // Somebody else was faster, in the agent's own UI.
                Err(failure) => format!("not ours to answer any more: {}", failure.message),
            };
        self.tell(&AgentEvent::Answered { id: asked, answer });
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
