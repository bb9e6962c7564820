//! The windows of a batch as they report: what became of each, from its start to the end of its turn.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Serialize;

use super::StreamHandle;
use super::answer::how;
use super::status::status_of;
use crate::ipc::{LaunchEvent, LaunchHost, LaunchReport, TurnMessage};
use crate::model::{
    AgentEvent, AgentName, CheckStep, SessionId, ThreadId, ThreadStatus, ToolStatus, TurnOutcome,
};
use crate::sys::lock::Lock;

/// How long a window may take until its program reports.
const START: Duration = Duration::from_secs(30);

/// Where a thread of the batch is, for the eye.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Its window opens.
    Starting,
    /// It works; what it does in a few words.
    Running(String),
    /// Its agent asks a person; what, and how to answer.
    Waiting(String),
    /// It is done; how in a few words, good or not.
    Done(String, bool),
}

impl Step {
    /// Where a thread is after a report.
    #[must_use]
    pub fn of(report: &LaunchReport) -> Self {
        match report {
            LaunchReport::Started { .. } => Self::Starting,
            LaunchReport::Opened { agent, model, .. } => Self::Running(format!("{agent} · {model}")),
            LaunchReport::Activity { text } => Self::Running(text.clone()),
            LaunchReport::Waiting { text } => Self::Waiting(text.clone()),
            LaunchReport::Ended { outcome } => {
                Self::Done(outcome_words(outcome), *outcome == TurnOutcome::Completed)
            }
            LaunchReport::Refused { message } => Self::Done(message.clone(), false),
        }
    }
}

/// News of a turn as a report; nothing for news that nobody sees in a line. `agent` is whose turn it is.
#[must_use]
pub fn report_of(message: &TurnMessage, agent: &AgentName) -> Option<LaunchReport> {
    let activity = |text: &str| Some(LaunchReport::Activity { text: one_line(text) });
    match message {
        TurnMessage::Preparing { what } => activity(what),
        TurnMessage::Warning { message } => activity(message),
        TurnMessage::Opened { session, attempt, model, .. } => Some(LaunchReport::Opened {
            session: session.clone(),
            attempt: *attempt,
            agent: agent.clone(),
            model: model.clone(),
        }),
        TurnMessage::Event {
            event: AgentEvent::ToolCall { name, title, status: ToolStatus::Running, .. },
            ..
        } => activity(&format!("{name}: {title}")),
        TurnMessage::Event { event: AgentEvent::Reasoning { .. }, .. } => activity("thinking"),
        TurnMessage::Event { event: AgentEvent::Text { .. }, .. } => activity("writing"),
        TurnMessage::Event { event: AgentEvent::Answered { answer, .. }, .. } => activity(answer),
        TurnMessage::Event { event: AgentEvent::Check(CheckStep::Began { command }), .. } => {
            activity(&format!("check: {command}"))
        }
        TurnMessage::Waiting { thread, ask } => {
            let (asked, how) = (one_line(&ask.words()), how(&thread.to_string(), ask));
            Some(LaunchReport::Waiting { text: format!("waits for a person: {asked}; {how}") })
        }
        TurnMessage::NextModel { model, .. } => activity(&format!("next model: {model}")),
        TurnMessage::Ended { outcome, .. } => Some(LaunchReport::Ended { outcome: outcome.clone() }),
        TurnMessage::Event { .. } | TurnMessage::Missed { .. } => None,
    }
}

/// The words on one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What became of a thread's window.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Launch {
    /// The thread.
    thread: ThreadId,
    /// Its name.
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

impl Launch {
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
    #[must_use]
    pub fn is_good(&self, to_the_end: bool) -> bool {
        if to_the_end { self.status == Some(ThreadStatus::Completed) } else { self.session.is_some() }
    }

    fn apply(&mut self, report: LaunchReport) -> Step {
        let step = Step::of(&report);
        match report {
            LaunchReport::Started { .. } => self.begun = true,
            LaunchReport::Opened { session, .. } => self.session = Some(session),
            LaunchReport::Ended { outcome } => self.outcome = Some(outcome),
            LaunchReport::Refused { message } => self.refused = Some(message),
            LaunchReport::Activity { .. } | LaunchReport::Waiting { .. } => {}
        }
        step
    }

    /// What became of it, as a line of a summary.
    #[must_use]
    pub fn words(&self) -> String {
        let what = match (&self.outcome, &self.refused, &self.session) {
            (Some(outcome), ..) => outcome_words(outcome),
            (None, Some(why), _) => format!("not started: {why}"),
            (None, None, Some(session)) if !self.gone => session.to_string(),
            (None, None, Some(_)) => "its window was closed".to_owned(),
            (None, None, None) if self.begun => "its program ended before it had a session".to_owned(),
            (None, None, None) => "its window did not start".to_owned(),
        };
        let status = self.status.map(|status| format!("{:<12}", status.name())).unwrap_or_default();
        format!("  {}  {status}{}  ({what})\n", self.thread, self.name)
    }
}

/// An agent may end its turn well and leave tasks open: what the thread is then, its tasks tell.
#[must_use]
pub fn with_tasks(handle: &StreamHandle, thread: ThreadId, step: Step) -> Step {
    let Step::Done(words, true) = &step else { return step };
    let stream = handle.store.read().ok();
    let Some(thread) = stream.as_ref().and_then(|stream| stream.thread(thread)) else { return step };
    match (status_of(thread), super::verify::unsettled(thread)) {
        (ThreadStatus::Completed, _) => step,
        (status, Some(check)) => {
            Step::Done(format!("{words}, and the thread is {}: {}", status.name(), check.words()), false)
        }
        (status, None) => Step::Done(format!("{words}, and the thread is {}", status.name()), false),
    }
}

/// How a turn ended, in words.
#[must_use]
pub fn outcome_words(outcome: &TurnOutcome) -> String {
    match outcome {
        TurnOutcome::Completed => "the agent ended its turn".to_owned(),
        TurnOutcome::Failed { failure } => format!("failed: {failure}"),
        TurnOutcome::Cancelled { cause } => format!("interrupted: {}", cause.words()),
    }
}

/// The windows of one batch.
pub struct Launches<'a> {
    host: &'a LaunchHost,
    handle: &'a StreamHandle,
    show: &'a dyn Fn(ThreadId, &Step),
    windows: BTreeMap<ThreadId, Launch>,
    interrupted: bool,
}

impl<'a> Launches<'a> {
    /// Windows that were opened for these threads and report to `host`; `show` hears of every step.
    #[must_use]
    pub fn new(
        host: &'a LaunchHost,
        handle: &'a StreamHandle,
        threads: &[(ThreadId, String)],
        show: &'a dyn Fn(ThreadId, &Step),
    ) -> Self {
        let new = |(id, name): &(ThreadId, String)| (*id, Launch::new(*id, name.clone()));
        Self { host, handle, show, windows: threads.iter().map(new).collect(), interrupted: false }
    }

    /// Waits until all threads have their record or never will; then lets others start theirs.
    pub fn wait_for_starts(&mut self, launching: Lock) {
        let deadline = Instant::now() + START;
        self.follow(|windows| {
            // Whoever reported in may take its time; whoever has not by now never will.
            let late = Instant::now() >= deadline;
            windows.values().all(|window| window.has_started() || (late && !window.begun))
        });
        drop(launching);
    }

    /// Waits until all turns have ended.
    pub fn wait_for_ends(&mut self) {
        self.follow(|windows| windows.values().all(|window| window.has_ended() || !window.begun));
    }

    /// What became of them, with the statuses of now.
    #[must_use]
    pub fn finish(self) -> Vec<Launch> {
        let stream = self.handle.store.read().ok();
        let with_status = |mut window: Launch| {
            let thread = stream.as_ref().and_then(|stream| stream.thread(window.thread));
            window.status = thread.map(status_of);
            window
        };
        self.windows.into_values().map(with_status).collect()
    }

    /// Takes in what was reported meanwhile.
    pub fn catch_up(&mut self) {
        while let Some(event) = self.host.next(Duration::ZERO) {
            self.take(event);
        }
    }

    /// Whether a person does not want to wait any longer.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    fn follow(&mut self, done: impl Fn(&BTreeMap<ThreadId, Launch>) -> bool) {
        while !self.interrupted && !done(&self.windows) {
            if let Some(event) = self.host.next(Duration::from_millis(500)) {
                self.take(event);
            }
        }
    }

    fn take(&mut self, event: LaunchEvent) {
        match event {
            LaunchEvent::Report(id, report) => {
                if let Some(window) = self.windows.get_mut(&id) {
                    let step = window.apply(report);
                    (self.show)(id, &with_tasks(self.handle, id, step));
                }
            }
            LaunchEvent::Gone(id) => {
                if let Some(window) = self.windows.get_mut(&id).filter(|window| !window.has_ended()) {
                    window.gone = true;
                    (self.show)(id, &Step::Done("its window was closed".to_owned(), false));
                }
            }
            LaunchEvent::Interrupted => self.interrupted = true,
        }
    }
}
