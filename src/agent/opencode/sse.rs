//! One subscription to a directory's events, for as long as someone listens.
//!
//! The server has no replay: after every break the listener is told so, and reads again what it may
//! have missed. The reader ends with its [`Subscription`], and nothing else keeps it alive.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::http::Scoped;
use super::wire::Event;
use crate::model::{Failure, FailureKind};

/// The server sends a heartbeat every 10 s; a stream that is silent for longer than this is dead.
const SILENCE: Duration = Duration::from_secs(30);

/// How long we try to get a broken stream back.
const STUBBORN: Duration = Duration::from_secs(60);

/// What a subscription delivers.
#[derive(Debug)]
pub(crate) enum Feed {
    /// An event of the session or of one of its sub-sessions.
    Event(Event),
    /// The stream was broken and is back: events may be lost.
    Resumed,
    /// The stream is broken and can't be had back.
    Lost(Failure),
}

/// A live subscription. Dropping it ends its reader.
pub(crate) struct Subscription {
    feed: mpsc::UnboundedReceiver<Feed>,
    of: Of,
    reader: JoinHandle<()>,
}

impl Subscription {
    /// Subscribes, and returns when the server has confirmed it: no later event of `session` is missed.
    pub(crate) async fn open(server: &Scoped, session: &str) -> Result<Self, Failure> {
        let subscription = Self::ahead(server).await?;
        subscription.follow(session);
        Ok(subscription)
    }

    /// The same for a session that is being made: nothing is delivered before [`Subscription::follow`].
    pub(crate) async fn ahead(server: &Scoped) -> Result<Self, Failure> {
        let (sender, feed) = mpsc::unbounded_channel();
        let (connected, confirmed) = tokio::sync::oneshot::channel();
        let of = Of::default();
        let reader = Reader { server: server.clone(), of: of.clone(), sender };
        let reading = server.vitals().reading();
        let reader = tokio::spawn(async move {
            reader.run(connected).await;
            drop(reading);
        });
        let subscription = Self { feed, of, reader };
        match timeout(Duration::from_secs(20), confirmed).await {
            Ok(Ok(Ok(()))) => Ok(subscription),
            Ok(Ok(Err(failure))) => Err(failure),
            Ok(Err(_)) | Err(_) => {
                Err(Failure::new(FailureKind::ServerUnreachable, "opencode confirms no stream of events"))
            }
        }
    }

    /// Delivers the events of `session` from now on.
    pub(crate) fn follow(&self, session: &str) {
        self.of.add(session);
    }

    /// The next thing; safe to drop while it waits.
    pub(crate) async fn next(&mut self) -> Feed {
        match self.feed.recv().await {
            Some(feed) => feed,
            None => Feed::Lost(Failure::new(FailureKind::ServerUnreachable, "the reader of events is gone")),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// The session and its sub-sessions, as far as they were announced.
#[derive(Clone, Default)]
struct Of(Arc<Mutex<HashSet<String>>>);

impl Of {
    fn add(&self, session: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(session.to_owned());
    }

    /// Whether the event is of ours. A sub-session may be known from its tool only when its parent's
    /// announcement was lost, so the session it tells of there is taken in as well.
    fn takes(&self, event: &Event) -> bool {
        let Some(session) = event.session() else { return false };
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if event.parent().is_some_and(|parent| sessions.contains(parent)) {
            sessions.insert(session.to_owned());
        }
        let ours = sessions.contains(session);
        let child = event.properties.pointer("/part/state/metadata/sessionId").and_then(|id| id.as_str());
        if let (true, Some(child)) = (ours, child) {
            sessions.insert(child.to_owned());
        }
        ours
    }
}

type Connected = tokio::sync::oneshot::Sender<Result<(), Failure>>;

struct Reader {
    server: Scoped,
    of: Of,
    sender: mpsc::UnboundedSender<Feed>,
}

impl Reader {
    async fn run(mut self, connected: Connected) {
        let mut connected = Some(connected);
        let mut since = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            let failure = match self.read(&mut connected, &mut since, &mut pause).await {
                Ok(()) => Failure::new(FailureKind::ServerUnreachable, "the stream of events ended"),
                Err(failure) => failure,
            };
            if let Some(first) = connected.take() {
                // Nobody listens yet: whoever opens the subscription decides.
                let _ = first.send(Err(failure));
                return;
            }
            if since.elapsed() > STUBBORN {
                let _ = self.sender.send(Feed::Lost(failure));
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// Reads one connection to its end. `since` is when the stream was last known to be alive.
    async fn read(
        &mut self,
        connected: &mut Option<Connected>,
        since: &mut Instant,
        pause: &mut Duration,
    ) -> Result<(), Failure> {
        let response = self.server.events().await?;
        let mut stream = response.bytes_stream().eventsource();
        while let Ok(Some(Ok(line))) = timeout(SILENCE, stream.next()).await {
            *since = Instant::now();
            self.server.vitals().sign();
            let Ok(event) = serde_json::from_str::<Event>(&line.data) else { continue };
            if event.kind == "server.connected" {
                *pause = Duration::from_millis(50);
                let delivered = match connected.take() {
                    Some(first) => first.send(Ok(())).is_ok(),
                    None => self.sender.send(Feed::Resumed).is_ok(),
                };
                if !delivered {
                    return Ok(());
                }
            } else if self.of.takes(&event) && self.sender.send(Feed::Event(event)).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}
