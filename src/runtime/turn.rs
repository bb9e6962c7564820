//! One turn from its prompt to its recorded end, model after model where that helps.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until, timeout};

use super::answers::{Answer, Given, NotAnswered};
use super::asks::{Asks, Decision, by_nobody, by_person, decide, request};
use super::board::Board;
use super::journal::Journal;
use super::pool::{Lease, Opened, Pool};
use super::records::{Record, unopened};
use super::tries::{Next, Tries};
use super::watch::Watch;
use super::{Runtime, RuntimeSettings, worktrees};
use crate::agent::{OpenRequest, PermissionReply, PromptRequest, Session};
use crate::engine::SessionError;
use crate::ipc::{Asking, TurnMessage, TurnSpec, UiCommand};
use crate::model::{
    AgentEvent, Ask, CancelCause, Failure, FailureKind, ModelRef, Policy, SessionId, ThreadId, TurnOutcome,
    Usage,
};

/// How long an agent may take to end a turn that was cancelled: more than the backend itself gives it.
const CANCEL: Duration = Duration::from_secs(20);

/// Longer than anybody waits for a person.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What an agent is told whose turn a limit has ended.
const GO_ON: &str = "The provider's rate limit ended your turn, and has reset. Go on where you stopped; what you \
                     were about to do may be half done.";

type Cancelled = Receiver<Option<CancelCause>>;
type News<'a> = &'a (dyn Fn(TurnMessage) + Send + Sync);

/// The end of one attempt.
struct Attempt {
    outcome: TurnOutcome,
    attempt: Option<u32>,
    unrecorded: Option<String>,
    /// Whether the agent did anything: if so, its session is worth keeping.
    produced: bool,
    session: Option<SessionId>,
}

impl Attempt {
    fn failed(failure: Failure) -> Self {
        let outcome = TurnOutcome::Failed { failure };
        Self { outcome, attempt: None, unrecorded: None, produced: false, session: None }
    }
}

pub(super) async fn run(
    runtime: &Runtime,
    mut spec: TurnSpec,
    news: News<'_>,
    mut cancelled: Cancelled,
    answers: &mut Given,
) {
    let mut last = Attempt::failed(Failure::new(FailureKind::ModelUnknown, "the agent has no model"));
    let mut tries = Tries::new(spec.models.clone(), runtime.settings.wait_for_limit);
    let mut next = tries.first();
    if let Err(failure) = worktrees::ready(&runtime.settings, &mut spec, news).await
        && let Some(model) = next.take()
    {
        last = refused(runtime, &spec, &model, failure).await;
    }
    while let Some(model) = next.take() {
        last = attempt(runtime, &spec, &model, news, cancelled.clone(), answers).await;
        let TurnOutcome::Failed { failure } = &last.outcome else { break };
        next = match tries.after(&model, failure, last.produced, runtime.settings.clock.now()) {
            Next::Nothing => None,
            Next::Model(next) => {
                if let Some(attempt) = last.attempt {
                    tracing::info!(thread = %spec.thread, %failure, %next, "trying the next model");
                    news(TurnMessage::NextModel { attempt, failure: failure.clone(), model: next.clone() });
                }
                Some(next)
            }
            Next::Wait(until, model) => {
                // That it failed is on record: whoever stops it here, that is how it has ended.
                wait_for_limit(runtime, until, news, &mut cancelled).await.then(|| {
                    go_on(&mut spec, &last);
                    model
                })
            }
        };
    }
    let Attempt { outcome, attempt, unrecorded, .. } = last;
    tracing::info!(stream = %spec.stream, thread = %spec.thread, ?outcome, "turn ended");
    if attempt.is_some() {
        runtime.notifier.ended(&spec);
    }
    news(TurnMessage::Ended { outcome, attempt, unrecorded });
}

/// Waits until a limit has reset; false when somebody cancels that.
async fn wait_for_limit(
    runtime: &Runtime,
    until: DateTime<Utc>,
    news: News<'_>,
    cancelled: &mut Cancelled,
) -> bool {
    let what = format!("waiting for the provider's limit until {} UTC", until.format("%H:%M:%S"));
    tracing::info!("{what}");
    news(TurnMessage::Preparing { what });
    let time = (until - runtime.settings.clock.now()).to_std().unwrap_or_default();
    tokio::select! {
        () = tokio::time::sleep(time) => true,
        _ = cancel_cause(cancelled) => false,
    }
}

/// What an agent had begun goes on in its session; what it had not begins anew.
fn go_on(spec: &mut TurnSpec, last: &Attempt) {
    if let (true, Some(session), Some(attempt)) = (last.produced, &last.session, last.attempt) {
        spec.resume = Some((session.clone(), attempt));
        spec.prompt = GO_ON.to_owned();
    }
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
    answers: &mut Given,
) -> Attempt {
    let settings = &runtime.settings;
    let opened = tokio::select! {
        opened = open(&runtime.pool, spec, news) => opened,
        cause = cancel_cause(&mut cancelled) => {
            // No session, no record: nothing had begun. If the agent was just making the session, it keeps
            // one without a message, which is in nobody's way.
            let outcome = TurnOutcome::Cancelled { cause };
            return Attempt { outcome, attempt: None, unrecorded: None, produced: false, session: None };
        }
    };
    let Opened { mut session, lease } = match opened {
        Ok(opened) => opened,
        Err(failure) => return refused(runtime, spec, model, failure).await,
    };
    let resumed = spec.resume.as_ref().map(|(_, attempt)| *attempt);
    // What a session that goes on has used before is not of this attempt.
    let before = if resumed.is_some() || spec.connected.is_some() {
        session.usage().await.unwrap_or_default()
    } else {
        Usage::default()
    };
    // On record before anything is prompted; what a prompt needs is made ready meanwhile.
    let (id, backend) = (session.id().cloned(), session.backend());
    let begin = Record::begin(settings, spec, model, backend, id, resumed);
    let (begun, ()) = tokio::join!(begin, session.prepare(model));
    let mut record = match begun {
        Ok(record) => record,
        Err(error) => return unrecorded_start(&error),
    };
    if let Some(why) = &record.kept {
        let message = format!(
            "the beginning of the session could not be recorded, and will be as soon as it can; the agent \
             works all the same: {why}"
        );
        news(TurnMessage::Warning { message });
    }
    let journal = record.take_journal().map(Journal::new);
    let mut turn = Turn {
        settings,
        session: &mut *session,
        lease: &lease,
        news,
        journal,
        produced: false,
        thread: spec.thread,
        asking: spec.asking,
        tell: &|ask: &Ask| runtime.notifier.waits(spec, ask),
        asks: Asks::default(),
        board: Board::new(record.write_asks()),
        record: &mut record,
        model,
    };
    turn.opened();
    let outcome = turn
        .run(
            PromptRequest {
                text: spec.prompt.clone(),
                model: model.clone(),
                persona: spec.agent.opencode_agent.clone(),
            },
            &mut cancelled,
            answers,
        )
        .await;
    let Turn { journal, produced, board, .. } = turn;
    board.close().await;
    let journal = match journal {
        Some(journal) => Some(journal.end().await),
        None => None,
    };
    let usage = match timeout(Duration::from_secs(3), session.usage()).await {
        Ok(Ok(total)) => Some(total.since(before)),
        // A server that is gone can't tell any more; the record then has no usage, which is true.
        Ok(Err(_)) | Err(_) => None,
    };
    worktrees::keep(settings, spec, &record.facts, model, &outcome, news).await;
    // Both go to the disk at once, and both are there before anybody is told.
    let durable = async {
        if let Some(journal) = journal {
            journal.durable().await;
        }
    };
    let ((attempt, unrecorded), ()) = tokio::join!(record.end(&outcome, usage, &runtime.unwritten), durable);
    let session = record.facts.session.clone();
    Attempt { outcome, attempt: Some(attempt), unrecorded, produced, session }
}

async fn open(pool: &Pool, spec: &TurnSpec, news: News<'_>) -> Result<Opened, Failure> {
    if let Some(what) = pool.to_start(&spec.agent, &spec.stream, spec.thread) {
        news(TurnMessage::Preparing { what: format!("starting {what}") });
    }
    let request = OpenRequest {
        directory: spec.directory.clone(),
        title: spec.title.clone(),
        stream: spec.stream.clone(),
        thread: spec.thread,
        environment: spec.agent.env.clone(),
        resume: spec.resume.as_ref().map(|(session, _)| session).or(spec.connected.as_ref()).cloned(),
        questions: spec.asking.policy == Policy::Ask,
    };
    pool.open(&spec.agent, request, &|message| news(TurnMessage::Warning { message })).await
}

/// Records an attempt that got no session.
async fn refused(runtime: &Runtime, spec: &TurnSpec, model: &ModelRef, failure: Failure) -> Attempt {
    match unopened(&runtime.settings, spec, model, failure.clone(), &runtime.unwritten).await {
        Ok(attempt) => Attempt { attempt: Some(attempt), ..Attempt::failed(failure) },
        Err(error) => Attempt { unrecorded: Some(error.chain()), ..Attempt::failed(failure) },
    }
}

/// There must be no such attempt, or nobody can tell: then nothing is prompted.
fn unrecorded_start(error: &SessionError) -> Attempt {
    let message = format!("the session could not be recorded, so nothing was prompted: {}", error.chain());
    Attempt { unrecorded: Some(error.chain()), ..Attempt::failed(Failure::new(FailureKind::Task, message)) }
}

/// A prompt that is running.
struct Turn<'a> {
    settings: &'a RuntimeSettings,
    session: &'a mut dyn Session,
    lease: &'a Lease,
    news: News<'a>,
    journal: Option<Journal>,
    produced: bool,
    thread: ThreadId,
    asking: Asking,
    /// Tells people that the agent waits for them.
    tell: &'a (dyn Fn(&Ask) + Send + Sync),
    asks: Asks,
    board: Board,
    record: &'a mut Record,
    model: &'a ModelRef,
}

impl Turn<'_> {
    async fn run(
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
        let mut watch = Watch::new(Instant::now(), self.settings.stall_timeout, self.settings.turn_timeout);
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

    /// Tells of the session, once its id is known.
    fn opened(&self) {
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
        self.produced |= matches!(
            event,
            AgentEvent::Text { .. } | AgentEvent::Reasoning { .. } | AgentEvent::ToolCall { .. }
        );
        match &event {
            AgentEvent::Opened { session } => {
                let news = self.record.facts.session.is_none();
                self.record.named(session.clone());
                self.tell(&event);
                if news {
                    self.opened();
                }
            }
            AgentEvent::Permission { .. } | AgentEvent::Question { .. } => {
                self.tell(&event);
                self.asked(&event).await;
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
    async fn asked(&mut self, event: &AgentEvent) {
        let Some(ask) = request(event, self.settings.clock.now(), self.asking.timeout) else { return };
        match decide(&ask, self.asking.policy) {
            Decision::Wait => {
                let now = Instant::now();
                // A person may take for ever; a clock can't.
                let until = now.checked_add(self.asking.timeout).unwrap_or(now + LONGEST);
                self.asks.wait(ask.clone(), until);
                self.board.show(self.asks.list());
                (self.tell)(&ask);
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
