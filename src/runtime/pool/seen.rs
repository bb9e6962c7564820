//! An agent's process as it is told of: how it stands, how old it is, and what it costs.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::activity::Use;
use crate::model::{AgentProcess, AgentState, BackendKind, KeptFor, StreamId, ThreadId};
use crate::sys::clock::Clock;
use crate::sys::env::SERVER_MARKER;
use crate::sys::{footprint, process};

/// Which agents are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    /// Those of this stream,
    pub stream: StreamId,
    /// and of this thread; `None`: of all its threads.
    pub thread: Option<ThreadId>,
}

impl Which {
    /// Whether it means this thread.
    #[must_use]
    pub fn means(&self, stream: &StreamId, thread: ThreadId) -> bool {
        self.stream == *stream && self.thread.is_none_or(|only| only == thread)
    }
}

/// A process before it is measured.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) what: String,
    pub(super) backend: BackendKind,
    pub(super) kept_for: Option<KeptFor>,
    pub(super) used: Use,
    pub(super) ending: bool,
    pub(super) pid: Option<u32>,
    /// The secret that all it started carries.
    pub(super) marker: Option<String>,
    pub(super) url: Option<String>,
}

/// Measures them. Reading every process's environment takes milliseconds, which are not the loop's to give.
pub(super) async fn measured(seen: Vec<Seen>, clock: Clock) -> Vec<AgentProcess> {
    let (now, instant) = (clock.now(), Instant::now());
    let measure = move || seen.into_iter().map(|one| one.measured(now, instant)).collect();
    tokio::task::spawn_blocking(measure).await.unwrap_or_default()
}

impl Seen {
    fn measured(self, now: DateTime<Utc>, instant: Instant) -> AgentProcess {
        let Self { what, backend, kept_for, used, ending, pid, marker, url } = self;
        let tree = marker.map(|marker| process::marked(SERVER_MARKER, &marker)).unwrap_or_default();
        let before = |time| TimeDelta::from_std(time).ok().and_then(|time| now.checked_sub_signed(time));
        AgentProcess {
            what,
            backend,
            kept_for,
            state: match used {
                _ if ending => AgentState::Ending,
                // What is shared and runs has nothing to start any more.
                Use::Starting if url.is_some() => AgentState::Busy,
                Use::Starting => AgentState::Starting,
                Use::Busy => AgentState::Busy,
                Use::Waiting => AgentState::Waiting,
                Use::Idle(since) => {
                    let idle_since = before(instant.saturating_duration_since(since));
                    AgentState::Idle { idle_since: idle_since.unwrap_or(now) }
                }
            },
            pid,
            started_at: pid.and_then(footprint::age).and_then(before),
            memory: footprint::memory(&tree),
            url,
        }
    }
}
