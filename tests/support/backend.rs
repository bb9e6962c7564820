//! Our own backend on the real opencode, with the scripted model behind it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use work::agent::opencode::{Opencode, ServerOptions};
use work::agent::{Backend as _, OpenRequest, PromptRequest, Session};
use work::model::{AgentEvent, Failure, SessionId, TurnOutcome};
use work::sys::process;

use super::opencode::{Place, environment, program, scripted};
use super::scripted_model::ScriptedModel;
use super::wait::PATIENCE;

/// Each server takes 400 MB, so only a few run at once.
static SERVERS: Semaphore = Semaphore::const_new(2);

/// A backend, its server, and the model that it asks. Dropped, it leaves no process behind.
pub(crate) struct Rig {
    /// The backend; its server starts when it is first needed.
    pub(crate) backend: Opencode,
    /// What it was made of.
    pub(crate) options: ServerOptions,
    place: Place,
    model: ScriptedModel,
    _turn: SemaphorePermit<'static>,
}

impl Rig {
    /// Must be called inside a runtime.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, with other options.
    pub(crate) async fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let turn = SERVERS.acquire().await.expect("never closed");
        let model = ScriptedModel::start();
        let place = Place::new(&model);
        let mut options = options(&place, &model);
        change(&mut options);
        let backend = Opencode::new(options.clone());
        Self { backend, options, place, model, _turn: turn }
    }

    /// The project's folder.
    pub(crate) fn project(&self) -> PathBuf {
        self.place.project()
    }

    /// Writes a file beside the project, and says where.
    pub(crate) fn write_beside(&self, name: &str, text: &str) -> PathBuf {
        self.place.write_beside(name, text)
    }

    /// Opens or resumes a session in the project.
    pub(crate) async fn open(&self, resume: Option<&SessionId>) -> Result<Box<dyn Session>, Failure> {
        self.open_in(&self.project(), "01.01.01", resume).await
    }

    /// The same in another directory, for another thread.
    pub(crate) async fn open_in(
        &self,
        directory: &Path,
        thread: &str,
        resume: Option<&SessionId>,
    ) -> Result<Box<dyn Session>, Failure> {
        let request = OpenRequest {
            directory: directory.to_owned(),
            title: format!("thread {thread}"),
            stream: "001-test".parse().expect("an id"),
            thread: thread.parse().expect("an id"),
            environment: [("GREETING".to_owned(), "good day".to_owned())].into(),
            resume: resume.cloned(),
            questions: false,
            rejoins: false,
        };
        tokio::time::timeout(PATIENCE, self.backend.open(request)).await.expect("opened in time")
    }

    /// What the model was asked, newest last.
    pub(crate) fn requests(&self) -> Vec<Value> {
        // The client has a runtime of its own, which must not be nested in the test's.
        let asked = || self.model.requests();
        std::thread::scope(|scope| scope.spawn(asked).join()).expect("the requests")
    }

    /// The server's process.
    pub(crate) async fn server_pid(&self) -> u32 {
        self.backend.server().await.expect("a server").identity().pid
    }
}

/// Options for a server that sees only `place`.
fn options(place: &Place, model: &ScriptedModel) -> ServerOptions {
    let beside = place.project().with_file_name("");
    let mut options =
        ServerOptions::new(program(), place.project(), beside.join("opencode.log"), beside.join("private"));
    options.ready_within = PATIENCE;
    // What the backend itself is to set is left to it.
    let ours = ["PATH", "npm_config_offline", "OPENCODE_DISABLE_AUTOUPDATE"];
    options.env = environment(&beside, &model.config())
        .into_iter()
        .filter(|(name, _)| !ours.contains(name))
        .map(|(name, value)| (name.into(), value))
        .collect();
    options
}

/// A prompt whose model does as told.
pub(crate) fn script(directives: &str) -> PromptRequest {
    ask("scripted/ok", directives)
}

/// The same with a model whose name means something.
pub(crate) fn ask(model: &str, directives: &str) -> PromptRequest {
    PromptRequest { text: scripted(directives), model: model.parse().expect("a model"), persona: None }
}

/// All events up to the turn's end, which is the last.
pub(crate) async fn to_the_end(session: &mut dyn Session) -> (Vec<AgentEvent>, TurnOutcome) {
    let mut events = Vec::new();
    loop {
        match next(session).await {
            AgentEvent::TurnEnded(outcome) => return (events, outcome),
            event => events.push(event),
        }
    }
}

/// Events until one is as wanted; that one is the last.
pub(crate) async fn until(
    session: &mut dyn Session,
    wanted: impl Fn(&AgentEvent) -> bool,
) -> Vec<AgentEvent> {
    let mut events = Vec::new();
    loop {
        let event = next(session).await;
        assert!(!matches!(event, AgentEvent::TurnEnded(_)), "ended before: {event:?} after {events:?}");
        events.push(event);
        if events.last().is_some_and(&wanted) {
            return events;
        }
    }
}

async fn next(session: &mut dyn Session) -> AgentEvent {
    tokio::time::timeout(PATIENCE, session.next_event()).await.expect("an event in time")
}

/// Prompts and runs the turn to its end.
pub(crate) async fn turn(
    session: &mut dyn Session,
    request: PromptRequest,
) -> (Vec<AgentEvent>, TurnOutcome) {
    session.prompt(request).await.expect("taken");
    to_the_end(session).await
}

/// All that was said.
pub(crate) fn text(events: &[AgentEvent]) -> String {
    let text = |event: &AgentEvent| match event {
        AgentEvent::Text { delta } => Some(delta.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// All that was thought.
pub(crate) fn thoughts(events: &[AgentEvent]) -> String {
    let thought = |event: &AgentEvent| match event {
        AgentEvent::Reasoning { delta } => Some(delta.clone()),
        _ => None,
    };
    events.iter().filter_map(thought).collect()
}

/// Whether a process with such a word among its arguments lives.
pub(crate) fn lives(word: &str) -> bool {
    process::output_of("ps", &["-eo", "args="])
        .is_some_and(|lines| lines.lines().any(|line| line.contains(word)))
}

/// Waits until something is so.
pub(crate) async fn until_so(what: &str, so: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !so() {
        assert!(tokio::time::Instant::now() < deadline, "never so: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
