//! One turn from its prompt to its recorded end, model after model where that helps.

mod follow;
mod takeup;

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch::Receiver;
use tokio::time::timeout;

use super::Runtime;
use super::adopt::{self, Taken};
use super::answers::Given;
use super::asks::Asks;
use super::board::Board;
use super::check;
use super::journal::{Journal, durable};
use super::pool::{Opened, Pool};
use super::records::{Ended, Record, unopened};
use super::tries::{Next, Tries};
use super::worktrees::{self, Ready};
use crate::agent::{OpenRequest, PromptRequest, Session};
use crate::engine::budget::{Said, TurnSpending};
use crate::engine::{Facts, SessionError};
use crate::ipc::{TurnMessage, TurnSpec};
use crate::model::{
    AgentEvent, Ask, CancelCause, Failure, FailureKind, ModelRef, Policy, SessionId, TurnOutcome, Usage,
};
use crate::store::journal::JournalLine;
use follow::{Closed, Turn};

/// How long an agent may take to end a turn that was cancelled: more than the backend itself gives it.
const CANCEL: Duration = Duration::from_secs(20);

/// Longer than anybody waits for a person.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What an agent is told whose turn a limit has ended.
const GO_ON: &str = "The provider's rate limit ended your turn, and has reset. Go on where you stopped; what you \
                     were about to do may be half done.";

/// Why a turn is cancelled, once it is.
pub(super) type Cancelled = Receiver<Option<CancelCause>>;
/// Whoever is told what happens.
pub(super) type News<'a> = &'a (dyn Fn(TurnMessage) + Send + Sync);

/// The end of one attempt.
struct Attempt {
    outcome: TurnOutcome,
    attempt: Option<u32>,
    unrecorded: Option<String>,
    /// Whether the agent did anything: if so, its session is worth keeping.
    produced: bool,
    session: Option<SessionId>,
    /// What its end says of budgets; nothing when it had no session.
    spending: Option<TurnSpending>,
    /// What is known of it, where this process is to check now what it left.
    check: Option<Facts>,
}

impl Attempt {
    /// One that came to nothing.
    fn of(outcome: TurnOutcome) -> Self {
        Self {
            outcome,
            attempt: None,
            unrecorded: None,
            produced: false,
            session: None,
            spending: None,
            check: None,
        }
    }

    fn failed(failure: Failure) -> Self {
        Self::of(TurnOutcome::Failed { failure })
    }

    fn not_begun(cause: CancelCause) -> Self {
        Self::of(TurnOutcome::Cancelled { cause })
    }
}

pub(super) async fn run(
    runtime: &Runtime,
    mut spec: TurnSpec,
    news: News<'_>,
    mut cancelled: Cancelled,
    answers: &mut Given,
) {
    let mut adopted = match adopt::take(runtime, &spec).await {
        Taken::New => None,
        Taken::Up(adopted, seen) => {
            go_on_from(&mut spec, &adopted.facts.start.model);
            Some((adopted, seen))
        }
        Taken::Over => {
            let outcome = TurnOutcome::Cancelled { cause: CancelCause::OwnerDied };
            return news(TurnMessage::Ended { outcome, attempt: None, unrecorded: None });
        }
    };
    let mut last = Attempt::failed(Failure::new(FailureKind::ModelUnknown, "the agent has no model"));
    let mut tries = Tries::new(spec.models.clone(), runtime.settings.wait_for_limit);
    let mut next = tries.first();
    let mut prepared = Vec::new();
    // Of a turn that goes on it is ready.
    if adopted.is_none() {
        let cancel = cancel_cause(&mut cancelled);
        match (worktrees::ready(&runtime.settings, &mut spec, news, cancel).await, &next) {
            (Ready::Made(told), _) => prepared = told,
            (Ready::Failed(failure, told), Some(model)) => {
                last = refused(runtime, &spec, model, failure, told).await;
                next = None;
            }
            (Ready::Failed(..), None) => {}
            (Ready::Cancelled(cause), _) => (last, next) = (Attempt::not_begun(cause), None),
        }
    }
    while let Some(model) = next.take() {
        last = match adopted.take() {
            Some((adopted, seen)) => {
                takeup::take_up(runtime, &spec, *adopted, seen, news, cancelled.clone(), answers).await
            }
            None => {
                let told = std::mem::take(&mut prepared);
                attempt(runtime, &spec, &model, told, news, cancelled.clone(), answers).await
            }
        };
        let goes_on = budgets(runtime, &spec, &last, news);
        let TurnOutcome::Failed { failure } = &last.outcome else { break };
        if !goes_on {
            break;
        }
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
    let Attempt { outcome, attempt, mut unrecorded, check, .. } = last;
    if let (Some(facts), Some(attempt)) = (check, attempt) {
        unrecorded = check::check(runtime, &spec, &facts, attempt, news, cancelled).await.or(unrecorded);
    }
    tracing::info!(stream = %spec.stream, thread = %spec.thread, ?outcome, "turn ended");
    if attempt.is_some() {
        runtime.notifier.ended(&spec);
    }
    news(TurnMessage::Ended { outcome, attempt, unrecorded });
}

/// Tells what the end of an attempt says of budgets. False when one is used up, so that no other attempt may
/// begin.
fn budgets(runtime: &Runtime, spec: &TurnSpec, last: &Attempt, news: News<'_>) -> bool {
    let Some(spending) = &last.spending else { return true };
    for Said { text, new } in spending.said(&spec.budget, &spec.stream, spec.thread) {
        tracing::info!(thread = %spec.thread, text, "budget");
        if new {
            runtime.notifier.budget(spec, text.clone());
        }
        news(TurnMessage::Warning { message: text });
    }
    spec.over_budget || !spending.is_over(&spec.budget)
}

/// Of the models only the one that is in use is left, and those after it.
fn go_on_from(spec: &mut TurnSpec, model: &ModelRef) {
    let before = spec.models.iter().position(|one| one == model);
    spec.models.drain(..before.unwrap_or(spec.models.len()));
    if spec.models.is_empty() {
        spec.models.push(model.clone());
    }
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
pub(super) async fn cancel_cause(cancelled: &mut Cancelled) -> CancelCause {
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
    told: Vec<JournalLine>,
    news: News<'_>,
    mut cancelled: Cancelled,
    answers: &mut Given,
) -> Attempt {
    let settings = &runtime.settings;
    let opened = tokio::select! {
        opened = open(&runtime.pool, spec, news, false) => opened,
        cause = cancel_cause(&mut cancelled) => {
            // No session, no record: nothing had begun. If the agent was just making the session, it keeps
            // one without a message, which is in nobody's way.
            return Attempt::not_begun(cause);
        }
    };
    let Opened { mut session, lease } = match opened {
        Ok(opened) => opened,
        Err(failure) => return refused(runtime, spec, model, failure, told).await,
    };
    // What a session that goes on has used before is not of this attempt.
    let before = match spec.resume.is_some() || spec.connected.is_some() {
        true => session.usage().await.ok(),
        false => Some(Usage::default()),
    };
    // On record before anything is prompted; what a prompt needs is made ready meanwhile.
    let (id, backend) = (session.id().cloned(), session.backend());
    let begin = Record::begin(settings, spec, model, backend, id, before);
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
    if let Some(journal) = &journal {
        told.iter().for_each(|line| journal.append(line.at, &line.event));
    }
    let mut turn = Turn {
        settings,
        session: &mut *session,
        lease: &lease,
        news,
        journal,
        produced: false,
        written: BTreeSet::new(),
        thread: spec.thread,
        asking: spec.asking,
        tell: &|ask: &Ask| runtime.notifier.waits(spec, ask),
        asks: Asks::default(),
        told: HashSet::new(),
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
    let Closed { produced, written, journal } = turn.close().await;
    let usage = used_since(&mut *session, before).await;
    let outside = worktrees::keep(settings, spec, &record.facts, &outcome, written, news).await;
    // Both go to the disk at once, and both are there before anybody is told.
    let end = record.end(&outcome, usage, outside, has_commands(spec), &runtime.unwritten);
    let (Ended { attempt, unrecorded, spending, checks }, ()) = tokio::join!(end, durable(journal));
    let (attempt, check) = (Some(attempt), checks.then(|| record.facts.clone()));
    let session = record.facts.session.clone();
    Attempt { outcome, attempt, unrecorded, produced, session, spending, check }
}

/// Whether it is known how what the turn leaves is checked.
fn has_commands(spec: &TurnSpec) -> bool {
    spec.check.as_ref().is_some_and(|check| !check.commands.is_empty())
}

/// What a session has used since it had used that much. A server that is gone can't tell any more; the record then
/// has no usage, which is true.
async fn used_since(session: &mut dyn Session, before: Option<Usage>) -> Option<Usage> {
    let total = timeout(Duration::from_secs(3), session.usage()).await.ok()?.ok()?;
    before.map(|before| total.since(before))
}

/// Whether the agent did something.
fn is_work(event: &AgentEvent) -> bool {
    matches!(event, AgentEvent::Text { .. } | AgentEvent::Reasoning { .. } | AgentEvent::ToolCall { .. })
}

/// A session for a turn that begins, or for one that runs there already.
async fn open(pool: &Pool, spec: &TurnSpec, news: News<'_>, runs: bool) -> Result<Opened, Failure> {
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
        rejoins: runs,
    };
    pool.open(&spec.agent, request, &|message| news(TurnMessage::Warning { message })).await
}

/// Records an attempt that got no session.
async fn refused(
    runtime: &Runtime,
    spec: &TurnSpec,
    model: &ModelRef,
    failure: Failure,
    told: Vec<JournalLine>,
) -> Attempt {
    match unopened(&runtime.settings, spec, model, failure.clone(), told, &runtime.unwritten).await {
        Ok(attempt) => Attempt { attempt: Some(attempt), ..Attempt::failed(failure) },
        Err(error) => Attempt { unrecorded: Some(error.chain()), ..Attempt::failed(failure) },
    }
}

/// There must be no such attempt, or nobody can tell: then nothing is prompted.
fn unrecorded_start(error: &SessionError) -> Attempt {
    let message = format!("the session could not be recorded, so nothing was prompted: {}", error.chain());
    Attempt { unrecorded: Some(error.chain()), ..Attempt::failed(Failure::new(FailureKind::Task, message)) }
}
