//! The windows of a batch, watched until they have started or ended.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use crate::engine::StreamHandle;
use crate::engine::status::status_of;
use crate::ipc::{LaunchEvent, LaunchHost, LaunchReport};
use crate::model::{SessionId, ThreadId, ThreadStatus, TurnOutcome};
use crate::sys::lock::Lock;
use crate::ui::{LiveBatch, LiveState};

/// How long a window may take until its program reports.
const START: Duration = Duration::from_secs(30);

/// What became of a thread's window.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Watched {
    thread: ThreadId,
    name: String,
    /// The session that was opened.
    session: Option<SessionId>,
    /// How the turn ended, if it has.
    outcome: Option<TurnOutcome>,
    /// Why there was no turn.
    refused: Option<String>,
    /// The thread's status at the end.
    status: Option<ThreadStatus>,
    #[serde(skip)]
    begun: bool,
    #[serde(skip)]
    gone: bool,
}

impl Watched {
    fn new(thread: ThreadId, name: String) -> Self {
        Self {
            thread,
            name,
            session: None,
            outcome: None,
            refused: None,
            status: None,
            begun: false,
            gone: false,
        }
    }

    /// It has a record, or never will.
    fn has_started(&self) -> bool {
        self.session.is_some() || self.has_ended()
    }

    fn has_ended(&self) -> bool {
        self.outcome.is_some() || self.refused.is_some() || self.gone
    }

    /// Whether all went as asked: started, or with `to_the_end` completed.
    pub(super) fn is_good(&self, to_the_end: bool) -> bool {
        if to_the_end { self.status == Some(ThreadStatus::Completed) } else { self.session.is_some() }
    }

    fn apply(&mut self, report: LaunchReport) -> LiveState {
        match report {
            LaunchReport::Started { .. } => {
                self.begun = true;
                LiveState::Starting
            }
            LaunchReport::Opened { session, agent, model, .. } => {
                self.session = Some(session);
                LiveState::Running(format!("{agent} · {model}"))
            }
            LaunchReport::Activity { text } => LiveState::Running(text),
            LaunchReport::Ended { outcome } => {
                let state = LiveState::Done(outcome_words(&outcome), outcome == TurnOutcome::Completed);
                self.outcome = Some(outcome);
                state
            }
            LaunchReport::Refused { message } => {
                let state = LiveState::Done(message.clone(), false);
                self.refused = Some(message);
                state
            }
        }
    }

    pub(super) fn words(&self) -> String {
        let what = match (&self.outcome, &self.refused, &self.session) {
            (Some(outcome), ..) => outcome_words(outcome),
            (None, Some(why), _) => format!("not started: {why}"),
            (None, None, Some(session)) if !self.gone => format!("running, {session}"),
            (None, None, Some(_)) => "its window was closed".to_owned(),
            (None, None, None) if self.begun => "its program ended before it had a session".to_owned(),
            (None, None, None) => "its window did not start".to_owned(),
        };
        let status = self.status.map(|status| format!("{:<12}", status.name())).unwrap_or_default();
        format!("  {}  {status}{}  ({what})\n", self.thread, self.name)
    }
}

fn outcome_words(outcome: &TurnOutcome) -> String {
    match outcome {
        TurnOutcome::Completed => "the agent ended its turn".to_owned(),
        TurnOutcome::Failed { failure } => format!("failed: {failure}"),
        TurnOutcome::Cancelled { cause } => format!("interrupted: {}", cause.words()),
    }
}

/// Follows the windows until all have started, lets others start (`launching`), goes to the windows
/// (`attach`), and with `to_the_end` follows them until their turns have ended.
pub(super) fn watch(
    ctx: &Context,
    handle: &StreamHandle,
    host: &LaunchHost,
    threads: &[(ThreadId, String)],
    to_the_end: bool,
    launching: Lock,
    attach: impl FnOnce(),
) -> Vec<Watched> {
    let live = LiveBatch::new(ctx.screen, threads);
    let new = |(id, name): &(ThreadId, String)| (*id, Watched::new(*id, name.clone()));
    let mut windows: BTreeMap<ThreadId, Watched> = threads.iter().map(new).collect();
    let deadline = Instant::now() + START;
    follow(host, &live, &mut windows, |windows| {
        // Whoever reported in may take its time; whoever has not by now never will.
        let late = Instant::now() >= deadline;
        windows.values().all(|window| window.has_started() || (late && !window.begun))
    });
    drop(launching);
    attach();
    if to_the_end {
        follow(host, &live, &mut windows, |windows| {
            windows.values().all(|window| window.has_ended() || !window.begun)
        });
    }
    live.finish();
    let stream = handle.store.read().ok();
    for window in windows.values_mut() {
        window.status = stream.as_ref().and_then(|stream| stream.thread(window.thread)).map(status_of);
    }
    windows.into_values().collect()
}

fn follow(
    host: &LaunchHost,
    live: &LiveBatch,
    windows: &mut BTreeMap<ThreadId, Watched>,
    done: impl Fn(&BTreeMap<ThreadId, Watched>) -> bool,
) {
    while !done(windows) {
        match host.next(Duration::from_millis(500)) {
            Some(LaunchEvent::Report(id, report)) => {
                if let Some(window) = windows.get_mut(&id) {
                    live.set(id, &window.apply(report));
                }
            }
            Some(LaunchEvent::Gone(id)) => {
                if let Some(window) = windows.get_mut(&id).filter(|window| !window.has_ended()) {
                    window.gone = true;
                    live.set(id, &LiveState::Done("its window was closed".to_owned(), false));
                }
            }
            None => {}
        }
    }
}
