//! A session: sends prompts, and turns what the server tells into events, up to each turn's end.
//!
//! A turn has a subscription of its own, opened before the prompt and dropped at the end. Whatever the
//! stream does not tell (it broke, an event is missing, the server died) is found out by reading the
//! session again, so that a turn always ends.

mod cancel;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::backend::Shared;
use super::errors;
use super::host::Host;
use super::http::Scoped;
use super::look::{Seen, answered_meanwhile, see};
use super::message_id;
use super::sse::{Feed, Subscription};
use super::turn::{self, Phase, Request, Turn};
use super::wire::{Event, SessionInfo};
use crate::agent::{BoxFuture, PermissionReply, PromptRequest, RejoinRequest, Session, UiCommand, child};
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

/// How many are read to find the beginning of a turn that somebody else prompted.
const ALL: u32 = 1000;

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
    /// It was made just now: there is nothing in it.
    fresh: bool,
    /// The subscription that was opened while it was made, for its first turn.
    early: Option<Subscription>,
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
    /// The session `id` of `server`. One that was made just now comes with the subscription that was opened
    /// meanwhile.
    pub(crate) fn new(
        shared: Arc<Shared>,
        server: Host,
        id: &str,
        directory: PathBuf,
        early: Option<Subscription>,
    ) -> Self {
        let fresh = early.is_some();
        Self {
            used: fresh.then(Usage::default),
            fresh,
            early,
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

    /// Takes up the turn of somebody who died.
    async fn take_up(&mut self, turn: RejoinRequest) -> Result<(), Failure> {
        self.server = self.shared.acquire().await?;
        let scoped = self.scoped();
        // Before anything is read, so that nothing falls between.
        let subscription = Subscription::open(&scoped, &self.id.0).await?;
        let messages = scoped.messages(&self.id.0, ALL).await?;
        let prompt = turn::prompt_of(&messages, &turn.text, turn.since).ok_or_else(|| {
            Failure::new(FailureKind::SessionUnknown, "opencode never had the prompt of this turn")
        })?;
        self.turn.rejoin(prompt, &turn.told, &messages);
        self.ready.clear();
        self.fresh = false;
        self.stopped = false;
        self.taken = true;
        self.rests = 0;
        self.begun = Instant::now();
        self.subscription = Some(subscription);
        let seen = see(&scoped, &self.id.0).await?;
        self.ready.extend(answered_meanwhile(&turn.told, &seen.requests));
        self.take_in(&seen);
        Ok(())
    }

    /// Does what a prompt needs; each thing waits for the server, and none for another.
    async fn make_ready(&mut self, model: &ModelRef) -> Result<Ready, Failure> {
        let before = std::mem::replace(&mut self.server, self.shared.acquire().await?);
        let early = self.early.take().filter(|_| before.is(&self.server));
        let scoped = self.scoped();
        let subscription = async {
            match early {
                Some(subscription) => Ok(subscription),
                None => Subscription::open(&scoped, &self.id.0).await,
            }
        };
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
            subscription,
        )?;
        Ok(Ready { model: model.clone(), last, subscription })
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
            self.server.http().vitals().was_of_use();
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
        if let Ok(seen) = seen {
            self.take_in(&seen);
        }
    }

    /// Takes in what a look has shown.
    fn take_in(&mut self, seen: &Seen) {
        self.look = Instant::now() + SETTLE;
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

    fn rejoin(&mut self, turn: RejoinRequest) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(self.take_up(turn))
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
