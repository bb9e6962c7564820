//! A session: sends prompts, and turns what the server tells into events, up to each turn's end.
//!
//! A turn has a subscription of its own, opened before the prompt and dropped at the end. Whatever the
//! stream does not tell (it broke, an event is missing, the server died) is found out by reading the
//! session again, so that a turn always ends.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout};

use super::backend::Shared;
use super::errors;
use super::host::Host;
use super::http::Scoped;
use super::message_id;
use super::sse::{Feed, Subscription};
use super::turn::{self, Phase, Request, Turn};
use super::wire::{Event, QuestionItem, SessionInfo};
use crate::agent::{BoxFuture, PermissionReply, PromptRequest, Session, UiCommand, child};
use crate::model::{AgentEvent, BackendKind, CancelCause, Failure, FailureKind, ModelRef, SessionId, Usage};
use crate::sys::clock::Clock;

/// How long a prompt that was accepted may take to appear in the session.
const START: Duration = Duration::from_secs(20);

/// After this long without an event of the session we look whether it still works.
const QUIET: Duration = Duration::from_secs(30);

/// After the session seems to rest, the turn's end is normally told within half a second.
const SETTLE: Duration = Duration::from_millis(1500);

/// How often a session may be found at rest, its turn not over, before we take it for over.
const RESTS: u32 = 3;

/// The server answers an abort when the turn is over; a tool that ignores TERM takes some seconds.
const ABORT: Duration = Duration::from_secs(15);

/// How long a server that does not answer any more may take to be seen to be dead.
const DYING: Duration = Duration::from_millis(500);

/// How many messages are read again after a break. A turn of more steps loses tool calls, not its end.
const REREAD: u32 = 100;

/// One session on the shared server.
pub(crate) struct OpencodeSession {
    shared: Arc<Shared>,
    server: Host,
    id: SessionId,
    directory: PathBuf,
    turn: Turn,
    subscription: Option<Subscription>,
    ready: VecDeque<AgentEvent>,
    /// When to read the session again, if nothing happens before.
    look: Instant,
    /// Events may have been lost: read the session again before anything else.
    stale: bool,
    /// How often it was found at rest without its turn being over.
    rests: u32,
    begun: Instant,
    /// A turn that leads nowhere was stopped.
    stopped: bool,
    /// Whether opencode has answered that it took the prompt.
    taken: bool,
    /// What the session had used in all, when that was last known.
    used: Option<Usage>,
    /// It was opened just now: there is nothing in it.
    fresh: bool,
    /// What the next prompt needs, when that was made ready before.
    made_ready: Option<Ready>,
}

/// What a prompt needs.
struct Ready {
    /// The model, which is known.
    model: ModelRef,
    /// The last message of the session.
    last: Option<String>,
    subscription: Subscription,
}

/// What woke the session up.
enum Wake {
    Feed(Feed),
    Died(Failure),
    Look,
}

impl OpencodeSession {
    pub(crate) fn new(shared: Arc<Shared>, server: Host, id: &str, directory: PathBuf, fresh: bool) -> Self {
        Self {
            used: fresh.then(Usage::default),
            fresh,
            made_ready: None,
            shared,
            server,
            id: SessionId(id.to_owned()),
            directory,
            turn: Turn::new(id),
            subscription: None,
            ready: VecDeque::new(),
            look: Instant::now(),
            stale: false,
            rests: 0,
            begun: Instant::now(),
            stopped: false,
            taken: false,
        }
    }

    fn scoped(&self) -> Scoped {
        self.server.http().at(&self.directory)
    }

    fn resting(&self) -> bool {
        self.turn.phase() == Phase::Resting
    }

    /// Sends a prompt. That it failed because the server has died is told as what it is.
    async fn start(&mut self, request: PromptRequest) -> Result<(), Failure> {
        match self.try_start(request).await {
            Err(failure) if failure.kind == FailureKind::ServerUnreachable => {
                // A process that is killed resets its connections before it can be seen to be dead.
                Err(timeout(DYING, self.server.exited()).await.unwrap_or(failure))
            }
            started => started,
        }
    }

    async fn try_start(&mut self, request: PromptRequest) -> Result<(), Failure> {
        if !self.resting() {
            return Err(Failure::new(FailureKind::Task, "a turn of this session runs already"));
        }
        let ready = match self.made_ready.take().filter(|ready| ready.model == request.model) {
            Some(ready) => ready,
            None => self.make_ready(&request.model).await?,
        };
        let scoped = self.scoped();
        let random = child::random().map_err(|error| {
            Failure::new(FailureKind::Task, format!("the system gives no random bytes: {error}"))
        })?;
        let message = message_id::next(Clock::System.now(), ready.last.as_deref(), random);
        self.fresh = false;
        self.ready.clear();
        self.stale = false;
        self.rests = 0;
        self.stopped = false;
        self.begun = Instant::now();
        self.look = self.begun + START;
        self.subscription = Some(ready.subscription);
        self.turn.begin(&message);
        self.taken = false;
        let sent = scoped.prompt(&self.id.0, &message, &request).await;
        self.taken = sent.is_ok();
        if sent.is_err() {
            // It may have been taken all the same, if only the answer was lost.
            let _ = scoped.abort(&self.id.0, Duration::from_secs(2)).await;
            self.turn.abandon();
            self.subscription = None;
        }
        sent
    }

    /// Does what a prompt needs; each thing waits for the server, and none for another.
    async fn make_ready(&mut self, model: &ModelRef) -> Result<Ready, Failure> {
        self.server = self.shared.acquire().await?;
        let scoped = self.scoped();
        let last = async {
            match self.fresh {
                true => Ok(None),
                false => Ok(scoped.messages(&self.id.0, 1).await?.pop().map(|message| message.info.id)),
            }
        };
        let ((), last, (), subscription) = tokio::try_join!(
            self.shared.check_model(&self.server, &self.directory, model),
            last,
            self.tidy(),
            Subscription::open(&scoped, &self.id.0),
        )?;
        Ok(Ready { model: model.clone(), last, subscription })
    }

    /// Withdraws what an earlier turn of the session left waiting: the server keeps it until it ends, and
    /// would ask it again.
    async fn tidy(&self) -> Result<(), Failure> {
        if self.fresh {
            return Ok(());
        }
        let scoped = self.scoped();
        let (permissions, questions) = tokio::try_join!(scoped.permissions(), scoped.questions())?;
        for request in permissions.iter().filter(|request| request.session_id == self.id.0) {
            // What is gone meanwhile is as good.
            let _ = scoped.reply(&request.id, "reject", None).await;
        }
        for request in questions.iter().filter(|request| request.session_id == self.id.0) {
            let _ = scoped.reject_question(&request.id).await;
        }
        Ok(())
    }

    /// The same for what waited when the last turn was cancelled.
    async fn withdraw(&mut self) {
        let scoped = self.scoped();
        for (id, request) in self.turn.take_left() {
            // A server that is gone has forgotten them as well.
            let _ = match request {
                Request::Permission => scoped.reply(&id, "reject", None).await,
                Request::Question(_) => scoped.reject_question(&id).await,
            };
        }
    }

    async fn next(&mut self) -> AgentEvent {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return event;
            }
            if self.resting() {
                std::future::pending::<()>().await;
            }
            self.advance().await;
        }
    }

    /// Waits for one thing to happen and takes it in. Safe to drop at any await: an event is taken in
    /// at once when it is there, and a second look that was not finished is taken again.
    async fn advance(&mut self) {
        if self.stale {
            self.look_again().await;
            return;
        }
        if self.turn.hopeless() && !self.stopped {
            // Whatever it answers: the turn's end is told by the events, or seen at the next look.
            let _ = self.scoped().abort(&self.id.0, ABORT).await;
            self.stopped = true;
            self.look = self.look.min(Instant::now() + SETTLE);
        }
        let Some(subscription) = self.subscription.as_mut() else {
            let lost = Failure::new(FailureKind::ServerUnreachable, "the stream of events is gone");
            self.fail(lost);
            return;
        };
        let wake = tokio::select! {
            // What was said before the server died is still told.
            biased;
            feed = subscription.next() => Wake::Feed(feed),
            failure = self.server.exited() => Wake::Died(failure),
            () = sleep_until(self.look) => Wake::Look,
        };
        match wake {
            Wake::Feed(Feed::Event(event)) => self.take(&event),
            Wake::Feed(Feed::Resumed) => {
                self.turn.broke();
                self.stale = true;
            }
            Wake::Feed(Feed::Lost(failure)) | Wake::Died(failure) => self.fail(failure),
            Wake::Look => self.stale = true,
        }
    }

    fn take(&mut self, event: &Event) {
        if self.server.is_stopping() {
            self.turn.cancelling(CancelCause::Shutdown);
        }
        let events = self.turn.event(event, Clock::System.now());
        self.tell(events);
        if self.turn.unsettled() {
            self.look = self.look.min(Instant::now() + SETTLE);
        } else if self.turn.phase() == Phase::Open {
            self.rests = 0;
            self.look = Instant::now() + QUIET;
        } else if self.turn.early_error().is_some() {
            // Perhaps of an earlier turn, perhaps the reason why this one will never start.
            self.look = self.look.min(Instant::now() + SETTLE * 2);
        }
    }

    fn tell(&mut self, events: Vec<AgentEvent>) {
        self.ready.extend(events);
        if self.resting() {
            self.subscription = None;
        }
    }

    fn fail(&mut self, failure: Failure) {
        if self.server.is_stopping() {
            self.turn.cancelling(CancelCause::Shutdown);
        }
        let events = self.turn.force(failure);
        self.tell(events);
    }

    /// Reads the session again and takes in what the events did not tell.
    async fn look_again(&mut self) {
        let scoped = self.scoped();
        let seen = tokio::select! {
            biased;
            failure = self.server.exited() => return self.fail(failure),
            seen = see(&scoped, &self.id.0) => seen,
        };
        self.stale = false;
        self.look = Instant::now() + SETTLE;
        let Ok(seen) = seen else { return };
        let events = self.turn.reread(&seen.messages, seen.busy, Clock::System.now());
        self.tell(events);
        let ids = seen.requests.iter().filter_map(|request| request.properties["id"].as_str());
        let events = self.turn.still_asked(&ids.collect::<Vec<_>>());
        self.tell(events);
        for request in &seen.requests {
            let events = self.turn.event(request, Clock::System.now());
            self.tell(events);
        }
        if seen.busy {
            self.rests = 0;
            self.look = Instant::now() + QUIET;
        } else if !self.resting() {
            self.rest();
        }
    }

    /// The session rests though its turn is not over by the rule. That may last for a moment.
    fn rest(&mut self) {
        self.rests += 1;
        if self.turn.phase() == Phase::Open && self.rests >= RESTS {
            let events = self.turn.force_as_it_stands(Clock::System.now());
            self.tell(events);
        } else if self.turn.phase() == Phase::Sent {
            let refused = self.turn.early_error().map(|error| errors::failure(error, Clock::System.now()));
            let late = self.begun.elapsed() >= START;
            match refused {
                Some(failure) => self.fail(failure),
                None if late => self.fail(Failure::new(
                    FailureKind::Provider,
                    "opencode accepted the prompt but never began to work on it",
                )),
                None => {}
            }
        }
    }

    /// Cancels until the turn is over: an abort that comes before the prompt's turn has begun is in vain.
    async fn abort(&mut self) {
        self.turn.cancelling(CancelCause::Person);
        let deadline = Instant::now() + ABORT;
        let mut settle = SETTLE / 6;
        while !self.resting() && Instant::now() < deadline {
            let scoped = self.scoped();
            let aborted = tokio::select! {
                biased;
                failure = self.server.exited() => return self.fail(failure),
                aborted = scoped.abort(&self.id.0, ABORT) => aborted,
            };
            let patience = if aborted.is_ok() { settle } else { Duration::from_millis(300) };
            // One that came too early is soon repeated; one that takes its time is not hurried.
            settle = (settle * 2).min(SETTLE);
            let _ = timeout(patience, self.advance_to_the_end()).await;
            match self.turn.phase() {
                Phase::Open => self.look_again().await,
                Phase::Sent if !self.taken && aborted.is_ok() => self.give_up_unsent().await,
                Phase::Sent | Phase::Resting => {}
            }
        }
        if !self.resting() {
            let words = "opencode did not confirm the cancellation";
            self.fail(Failure::new(FailureKind::ServerUnreachable, words));
        }
    }

    /// The cancel came while the prompt was on its way. If it has not arrived by now, it never will: the
    /// connection that it was sent on was dropped with it.
    async fn give_up_unsent(&mut self) {
        self.look_again().await;
        if self.turn.phase() == Phase::Sent {
            self.fail(Failure::new(FailureKind::Task, "the prompt was cancelled before opencode had it"));
        }
    }

    async fn advance_to_the_end(&mut self) {
        while !self.resting() {
            self.advance().await;
        }
    }

    async fn reply(&mut self, request: &str, reply: PermissionReply) -> Result<(), Failure> {
        let scoped = self.scoped();
        match (self.turn.request(request), reply) {
            (None, _) => {
                Err(Failure::new(FailureKind::Task, format!("request `{request}` does not wait any more")))
            }
            (Some(Request::Question(parts)), PermissionReply::Reject(why)) => {
                // To leave it would end the turn; words don't.
                scoped.reply_question(request, &vec![why; parts]).await
            }
            (Some(Request::Question(parts)), PermissionReply::Text(answers)) if answers.len() == parts => {
                scoped.reply_question(request, &answers).await
            }
            (Some(Request::Question(_)), _) => {
                Err(Failure::new(FailureKind::Task, "that is no answer to this question"))
            }
            (Some(Request::Permission), PermissionReply::Text(_)) => {
                Err(Failure::new(FailureKind::Task, "a permission can't be given with words"))
            }
            (Some(Request::Permission), PermissionReply::Once) => scoped.reply(request, "once", None).await,
            (Some(Request::Permission), PermissionReply::Always) => {
                scoped.reply(request, "always", None).await
            }
            (Some(Request::Permission), PermissionReply::Reject(why)) => {
                // Without a message the refusal would end the turn.
                let why = if why.is_empty() { "Not allowed here. Go on without it.".to_owned() } else { why };
                scoped.reply(request, "reject", Some(&why)).await
            }
        }
    }

    /// What the session has used so far: as the events told it, or else as the server does.
    async fn used(&mut self) -> Result<Usage, Failure> {
        let used = match (self.used.take(), self.turn.take_spent()) {
            (Some(before), Some(spent)) => before.plus(spent),
            (None, _) | (_, None) => self.totals().await?,
        };
        self.used = Some(used);
        Ok(used)
    }

    /// Totals of the session and, since they are not part of them, of its sub-sessions.
    async fn totals(&self) -> Result<Usage, Failure> {
        let of = |info: &SessionInfo| turn::usage_of(info.tokens, info.cost);
        let scoped = self.scoped();
        let mut total = of(&scoped.session(&self.id.0).await?);
        let mut parents = vec![self.id.0.clone()];
        // Sub-agents of sub-agents exist, but no deep ones.
        for _ in 0..8 {
            let mut next = Vec::new();
            for parent in &parents {
                for child in scoped.children(parent).await? {
                    total = total.plus(of(&child));
                    next.push(child.id);
                }
            }
            parents = next;
        }
        Ok(total)
    }
}

/// The command that opens opencode's own UI on a session of this server.
pub(super) fn ui_command(program: &Path, server: &Host, session: &SessionId, directory: &Path) -> UiCommand {
    let http = server.http();
    let mut argv = vec![program.as_os_str().to_owned()];
    argv.extend(["attach", http.url(), "--session", &session.0, "--dir"].map(Into::into));
    argv.push(directory.as_os_str().to_owned());
    let env = vec![
        ("OPENCODE_SERVER_PASSWORD".to_owned(), http.password().expose().to_owned()),
        ("OPENCODE_SERVER_USERNAME".to_owned(), super::http::USER.to_owned()),
    ];
    let directory = match server {
        Host::Kept(_) => directory.to_owned(),
        // A folder of another machine may be none here.
        Host::Remote(_) => PathBuf::from("/"),
    };
    UiCommand { argv, env, directory }
}

/// What a second look shows.
struct Seen {
    messages: Vec<super::wire::Message>,
    busy: bool,
    /// Requests that wait, as the events that announce them.
    requests: Vec<Event>,
}

async fn see(server: &Scoped, session: &str) -> Result<Seen, Failure> {
    // The status first: messages that are read after it are at least as new.
    let busy = server.is_busy(session).await?;
    let messages = server.messages(session, REREAD).await?;
    let asked = |kind: &str, properties| Event { kind: kind.to_owned(), properties };
    let permissions = server.permissions().await?.into_iter().map(|request| {
        asked(
            "permission.asked",
            json!({ "id": request.id, "sessionID": request.session_id,
                    "permission": request.permission, "patterns": request.patterns,
                    "always": request.always }),
        )
    });
    let questions = server.questions().await?.into_iter().map(|request| {
        let part = |item: &QuestionItem| {
            let options: Vec<_> = item.options.iter().map(|one| json!({ "label": one.label })).collect();
            json!({ "question": item.question, "options": options })
        };
        let questions: Vec<_> = request.questions.iter().map(part).collect();
        asked(
            "question.asked",
            json!({ "id": request.id, "sessionID": request.session_id, "questions": questions }),
        )
    });
    // A session that rests waits for nobody; what is left there was forgotten by the server.
    let requests = if busy { permissions.chain(questions).collect() } else { Vec::new() };
    Ok(Seen { messages, busy, requests })
}

impl Session for OpencodeSession {
    fn id(&self) -> Option<&SessionId> {
        Some(&self.id)
    }

    fn backend(&self) -> BackendKind {
        BackendKind::Opencode
    }

    fn prepare<'a>(&'a mut self, model: &'a ModelRef) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            // What fails now fails again with the prompt, which tells it.
            self.made_ready = if self.resting() { self.make_ready(model).await.ok() } else { None };
        })
    }

    fn prompt(&mut self, request: PromptRequest) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(self.start(request))
    }

    fn next_event(&mut self) -> BoxFuture<'_, AgentEvent> {
        Box::pin(self.next())
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.abort().await;
            self.withdraw().await;
        })
    }

    fn answer(&mut self, request: String, reply: PermissionReply) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move { self.reply(&request, reply).await })
    }

    fn usage(&mut self) -> BoxFuture<'_, Result<Usage, Failure>> {
        Box::pin(self.used())
    }

    fn ui(&self) -> Option<UiCommand> {
        Some(ui_command(&self.shared.program, &self.server, &self.id, &self.directory))
    }
}
