//! Warm ACP agents: a child for each thread and agent, made when first asked for and kept between turns,
//! until nobody has used it for long enough or there are too many.
//!
//! Who is let go, `policy` decides; here it is done, by one task that is told of every change and has one
//! timer. One invariant: who gets a child gets a lease on it in the same breath, and a child with a lease is
//! never let go.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::activity::{InUse, Lease};
use super::ledger::Ledger;
use super::policy::{Limits, Standing, Verdict, judge};
use super::{Seen, Which};
use crate::agent::acp::{Acp, AcpOptions};
use crate::agent::{Backend as _, OpenRequest, Session};
use crate::config::{Agent, Launcher, Place};
use crate::model::{AgentName, BackendKind, ClosedAgent, Failure, FailureKind, KeptFor, StreamId, ThreadId};
use crate::runtime::RuntimeSettings;

/// What a child is for. One whose entry in `agents.yaml` now reads otherwise is another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    stream: StreamId,
    thread: ThreadId,
    agent: AgentName,
    command: Vec<String>,
    env: BTreeMap<String, String>,
    place: Place,
}

impl Key {
    fn new(agent: &Agent, stream: &StreamId, thread: ThreadId) -> Self {
        let Agent { name, command, env, place, .. } = agent.clone();
        Self { stream: stream.clone(), thread, agent: name, command, env, place }
    }

    fn launcher(&self) -> Option<&Launcher> {
        match &self.place {
            Place::Launched(launcher) => Some(launcher),
            Place::Here | Place::Server(_) => None,
        }
    }

    /// What runs, with whatever launches it.
    fn what(&self) -> String {
        let launcher = self.launcher().into_iter().flat_map(|launcher| &launcher.command);
        launcher.chain(&self.command).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    fn kept_for(&self) -> KeptFor {
        KeptFor { stream: self.stream.clone(), thread: self.thread, agent: self.agent.clone() }
    }

    /// Whether it is for the same, with whatever program.
    fn is_sibling(&self, other: &Self) -> bool {
        (&self.stream, self.thread, &self.agent) == (&other.stream, other.thread, &other.agent)
    }
}

/// A child, or what is to be one when it is first needed.
#[derive(Clone)]
struct Warm {
    acp: Acp,
    used: InUse,
    /// The secret that all it started carries, once it was started.
    marker: Arc<Mutex<Option<String>>>,
    /// Its entry reads otherwise by now.
    outdated: bool,
}

#[derive(Default)]
struct Kept {
    warm: BTreeMap<Key, Warm>,
    /// Those that are being ended; the receiver's sender is dropped when one is gone.
    ending: BTreeMap<Key, (Warm, watch::Receiver<()>)>,
    /// Whether the task that tidies up runs.
    tidied: bool,
    /// All is to end; nothing new begins.
    closed: bool,
}

struct Shared {
    root: PathBuf,
    logs: PathBuf,
    limits: Limits,
    ledger: Arc<Ledger>,
    kept: Mutex<Kept>,
    changed: Arc<Notify>,
}

/// All warm ACP agents of this runtime.
pub(super) struct WarmAgents {
    shared: Arc<Shared>,
}

impl WarmAgents {
    pub(super) fn new(settings: &RuntimeSettings, ledger: Arc<Ledger>) -> Self {
        let shared = Shared {
            root: settings.root.clone(),
            logs: settings.private.join("acp"),
            limits: Limits { idle: settings.pool.idle_timeout, live: settings.pool.max_live },
            ledger,
            kept: Mutex::default(),
            changed: Arc::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A session in the child of a thread and agent; it starts when there is none.
    ///
    /// # Errors
    /// Those of the backend.
    pub(super) async fn open(
        &self,
        agent: &Agent,
        request: OpenRequest,
    ) -> Result<(Box<dyn Session>, Lease), Failure> {
        self.shared.ledger.sweep().await;
        let key = Key::new(agent, &request.stream, request.thread);
        let (acp, lease) = self.take(&key).await?;
        Ok((acp.open(request).await?, lease))
    }

    /// Whether a session can be opened without waiting for a start.
    pub(super) fn is_warm(&self, agent: &Agent, stream: &StreamId, thread: ThreadId) -> bool {
        let key = Key::new(agent, stream, thread);
        self.shared.kept().warm.get(&key).is_some_and(|warm| warm.acp.process().is_some())
    }

    /// The child of this key, in use from here on. One that is just being ended is gone before the next
    /// begins: they would write the same files.
    async fn take(&self, key: &Key) -> Result<(Acp, Lease), Failure> {
        loop {
            let mut gone = match self.shared.take(key)? {
                Taken::Child(acp, lease) => return Ok((acp, lease)),
                Taken::Ending(gone) => gone,
            };
            // It never says anything: its end is that of its sender.
            let _ = gone.changed().await;
        }
    }

    /// Ends those that are meant and that nobody uses, and tells of each that had a process. Those in use
    /// end as soon as they are free.
    pub(super) async fn close(&self, which: &Which) -> Vec<ClosedAgent> {
        let (ended, gone) = self.shared.close(which);
        all_gone(gone).await;
        ended
    }

    /// All of them as they stand.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let kept = self.shared.kept();
        let warm =
            kept.warm.iter().filter(|(_, warm)| warm.is_there()).map(|(key, warm)| warm.seen(key, false));
        let ending = kept.ending.iter().map(|(key, (warm, _))| warm.seen(key, true));
        warm.chain(ending).collect()
    }

    /// Ends all, in use or not, and waits until they are gone.
    pub(super) async fn shutdown(&self) {
        all_gone(self.shared.end_all()).await;
    }
}

async fn all_gone(ending: Vec<watch::Receiver<()>>) {
    for mut gone in ending {
        // It never says anything: its end is that of its sender.
        let _ = gone.changed().await;
    }
}

/// What came of asking for a child.
enum Taken {
    Child(Acp, Lease),
    /// One that is just being ended; the receiver ends with it.
    Ending(watch::Receiver<()>),
}

impl Warm {
    /// Whether it has a process, or is about to have one.
    fn is_there(&self) -> bool {
        self.acp.process().is_some() || self.used.idle_since().is_none()
    }

    fn seen(&self, key: &Key, ending: bool) -> Seen {
        Seen {
            what: key.what(),
            backend: BackendKind::Acp,
            kept_for: Some(key.kept_for()),
            used: self.used.now(),
            ending,
            pid: self.acp.process().map(|process| process.pid),
            marker: self.marker.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            url: None,
        }
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(self: &Arc<Self>, key: &Key) -> Result<Taken, Failure> {
        let mut kept = self.kept();
        if kept.closed {
            return Err(Failure::new(FailureKind::ServerUnreachable, "the agents are being ended"));
        }
        if let Some((_, gone)) = kept.ending.get(key) {
            return Ok(Taken::Ending(gone.clone()));
        }
        for (_, warm) in kept.warm.iter_mut().filter(|(other, _)| *other != key && other.is_sibling(key)) {
            warm.outdated = true;
        }
        let warm = kept.warm.entry(key.clone()).or_insert_with(|| self.create(key));
        warm.outdated = false;
        let taken = Taken::Child(warm.acp.clone(), warm.used.lease());
        if !std::mem::replace(&mut kept.tidied, true) {
            tokio::spawn(tidy(Arc::clone(self)));
        }
        drop(kept);
        // There may be one too many now.
        self.changed.notify_one();
        Ok(taken)
    }

    fn create(&self, key: &Key) -> Warm {
        let (marker, on_ledger) = (Arc::new(Mutex::new(None)), self.ledger.hook());
        let told = Arc::clone(&marker);
        let options = AcpOptions {
            command: key.command.clone(),
            launcher: key.launcher().cloned(),
            env: key.env.clone(),
            root: key.place.over_there(&self.root, &self.root).unwrap_or_else(|| self.root.clone()),
            log: self.logs.join(format!("{}-{}.log", key.stream.as_str(), key.thread)),
            on_start: Some(Arc::new(move |record| {
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(record.marker.clone());
                on_ledger(record)
            })),
        };
        let used = InUse::new(Arc::clone(&self.changed));
        Warm { acp: Acp::new(options), used, marker, outdated: false }
    }

    /// Lets go of whom the policy says, and tells when to look again.
    fn let_go(self: &Arc<Self>) -> Option<Instant> {
        let mut kept = self.kept();
        let standing = |(key, warm): (&Key, &Warm)| Standing {
            key: key.clone(),
            idle_since: warm.used.idle_since(),
            stale: warm.outdated || !warm.is_there(),
        };
        let standing: Vec<Standing<Key>> = kept.warm.iter().map(standing).collect();
        let Verdict { let_go, look_again } = judge(&standing, self.limits, Instant::now());
        for key in let_go {
            tracing::info!(thread = %key.thread, agent = %key.agent, "a warm agent is let go");
            self.end(&mut kept, key);
        }
        look_again
    }

    fn close(self: &Arc<Self>, which: &Which) -> (Vec<ClosedAgent>, Vec<watch::Receiver<()>>) {
        let mut kept = self.kept();
        let meant: Vec<Key> =
            kept.warm.keys().filter(|key| which.means(&key.stream, key.thread)).cloned().collect();
        let mut ended = Vec::new();
        for key in &meant {
            let Some(warm) = kept.warm.get_mut(key) else { continue };
            if warm.used.idle_since().is_none() {
                warm.outdated = true;
                continue;
            }
            ended.extend(warm.acp.process().map(|process| ClosedAgent {
                what: key.what(),
                kept_for: key.kept_for(),
                pid: process.pid,
            }));
            self.end(&mut kept, key.clone());
        }
        let meant: BTreeSet<&Key> = meant.iter().collect();
        let gone =
            kept.ending.iter().filter(|(key, _)| meant.contains(key)).map(|(_, (_, gone))| gone.clone());
        (ended, gone.collect())
    }

    fn end_all(self: &Arc<Self>) -> Vec<watch::Receiver<()>> {
        let mut kept = self.kept();
        kept.closed = true;
        let keys: Vec<Key> = kept.warm.keys().cloned().collect();
        keys.into_iter().for_each(|key| self.end(&mut kept, key));
        self.changed.notify_one();
        kept.ending.values().map(|(_, gone)| gone.clone()).collect()
    }

    /// Ends one, beside whatever else goes on.
    fn end(self: &Arc<Self>, kept: &mut Kept, key: Key) {
        let Some(warm) = kept.warm.remove(&key) else { return };
        let (sender, gone) = watch::channel(());
        let (acp, shared) = (warm.acp.clone(), Arc::clone(self));
        kept.ending.insert(key.clone(), (warm, gone));
        tokio::spawn(async move {
            acp.shutdown().await;
            shared.kept().ending.remove(&key);
            drop(sender);
        });
    }
}

/// Tidies up whenever something has changed, or the next one is due, until all is to end.
async fn tidy(shared: Arc<Shared>) {
    while !shared.kept().closed {
        let look_again = shared.let_go();
        tokio::select! {
            () = shared.changed.notified() => {}
            () = due(look_again) => {}
        }
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
