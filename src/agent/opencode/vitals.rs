//! The signs of life of a server, and who looks at them: told by every answer and every heartbeat, asked
//! for only while somebody needs the server. One invariant: while nobody needs it, nothing wakes up.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

use super::exit::Exited;
use super::health::{HealthLimits, Signs, Verdict, judge};
use super::http::Http;

/// What is known of a server's life; shared by all that talk to it.
#[derive(Clone)]
pub(crate) struct Vitals(Arc<Inner>);

struct Inner {
    born: Instant,
    /// The last sign of life, in milliseconds after `born`.
    sign: AtomicU64,
    /// A request has failed since then.
    doubted: AtomicBool,
    /// How many readers of its events live: one a running turn.
    readers: AtomicUsize,
    /// A turn has begun on it.
    of_use: AtomicBool,
    /// Somebody needs it now, or doubts it.
    attention: Notify,
    /// Why we have ended it, if we took it for dead.
    verdict: OnceLock<String>,
}

/// Counts a reader of the server's events, however it ends.
pub(crate) struct Reading(Vitals);

impl Drop for Reading {
    fn drop(&mut self) {
        if self.0.0.readers.fetch_sub(1, Ordering::SeqCst) == 1 {
            // Who watches over the server need not look again.
            self.0.0.attention.notify_one();
        }
    }
}

impl Vitals {
    /// Those of a server that lives now.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            born: Instant::now(),
            sign: AtomicU64::new(0),
            doubted: AtomicBool::new(false),
            readers: AtomicUsize::new(0),
            of_use: AtomicBool::new(false),
            attention: Notify::new(),
            verdict: OnceLock::new(),
        }))
    }

    /// It has said something.
    pub(crate) fn sign(&self) {
        let since = u64::try_from(self.0.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.sign.store(since, Ordering::SeqCst);
        self.0.doubted.store(false, Ordering::SeqCst);
    }

    /// It has not answered.
    pub(crate) fn doubt(&self) {
        self.0.doubted.store(true, Ordering::SeqCst);
        self.0.attention.notify_one();
    }

    /// A turn has begun on it: whatever becomes of it, it can be started.
    pub(crate) fn was_of_use(&self) {
        self.0.of_use.store(true, Ordering::SeqCst);
    }

    /// Whether a turn has begun on it.
    pub(crate) fn is_of_use(&self) -> bool {
        self.0.of_use.load(Ordering::SeqCst)
    }

    /// Somebody listens to its events from here on.
    pub(crate) fn reading(&self) -> Reading {
        self.0.readers.fetch_add(1, Ordering::SeqCst);
        self.0.attention.notify_one();
        Reading(self.clone())
    }

    /// How many listen.
    pub(crate) fn readers(&self) -> usize {
        self.0.readers.load(Ordering::SeqCst)
    }

    /// When it came into being, as far as we know it.
    pub(crate) fn born(&self) -> Instant {
        self.0.born
    }

    /// Why we have ended it, if we took it for dead.
    pub(crate) fn verdict(&self) -> Option<&str> {
        self.0.verdict.get().map(String::as_str)
    }

    fn last_sign(&self) -> Instant {
        self.0.born + Duration::from_millis(self.0.sign.load(Ordering::SeqCst))
    }
}

/// Watches over a server until it is gone, and ends it by `kill` when it is taken for dead.
pub(crate) async fn watch(http: Http, mut exited: Exited, limits: HealthLimits, kill: impl FnOnce()) {
    let vitals = http.vitals().clone();
    let inner = &vitals.0;
    let mut needed_since = Instant::now();
    let (mut in_vain, mut asked) = (0, needed_since);
    loop {
        let since = vitals.last_sign().max(needed_since);
        if since > asked {
            in_vain = 0;
        }
        let needed = vitals.readers() > 0;
        let doubted = inner.doubted.load(Ordering::SeqCst);
        match judge(&Signs { needed, doubted, since, in_vain, asked }, Instant::now(), &limits) {
            Verdict::Unneeded => {
                tokio::select! {
                    () = inner.attention.notified() => {}
                    _ = exited.wait() => return,
                }
                needed_since = Instant::now();
                in_vain = 0;
            }
            Verdict::Look(at) => tokio::select! {
                () = sleep_until(at) => {}
                () = inner.attention.notified() => {}
                _ = exited.wait() => return,
            },
            Verdict::Ask => {
                let answer = tokio::select! {
                    answer = timeout(limits.answer, http.health()) => answer,
                    _ = exited.wait() => return,
                };
                if !matches!(answer, Ok(Ok(_))) {
                    tracing::warn!(pid = ?exited, "opencode does not answer");
                    (in_vain, asked) = (in_vain + 1, Instant::now());
                    inner.doubted.store(true, Ordering::SeqCst);
                }
            }
            Verdict::Dead(silent) => {
                let words = format!("it gave no sign of life for {} s, so it was killed", silent.as_secs());
                tracing::warn!(%words, "opencode is dead");
                // Set before it can be seen to be gone.
                let _ = inner.verdict.set(words);
                return kill();
            }
        }
    }
}
