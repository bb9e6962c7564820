//! What every backend can do. `runtime` knows agents only through these two traits.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::pin::Pin;

use chrono::{DateTime, Utc};

use crate::model::{
    AgentEvent, BackendKind, Failure, FailureKind, ModelRef, SessionId, StreamId, ThreadId, Usage,
};

/// A future behind a pointer, so that the traits can be used as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a session is opened for.
#[derive(Debug, Clone)]
pub struct OpenRequest {
    /// The absolute directory that the agent works in.
    pub directory: PathBuf,
    /// The session's title at the agent.
    pub title: String,
    /// The stream it works for; reaches the agent's tools as `WORK_STREAM`.
    pub stream: StreamId,
    /// The thread it works for; reaches the agent's tools as `WORK_THREAD`.
    pub thread: ThreadId,
    /// Variables for the agent's tools, on top of those of its process. Kept at the agent: no secrets.
    pub environment: BTreeMap<String, String>,
    /// The session to continue; `None` opens a new one.
    pub resume: Option<SessionId>,
    /// Whether the agent may ask questions, since somebody is there to answer.
    pub questions: bool,
    /// The session is continued for [`Session::rejoin`]: that it is busy is no wonder.
    pub rejoins: bool,
}

/// One prompt.
#[derive(Debug, Clone)]
pub struct PromptRequest {
    /// The text, sent byte for byte.
    pub text: String,
    /// The model to use for this turn, with its variant.
    pub model: ModelRef,
    /// The agent's own agent to take it, where it has several; `None` is its default.
    pub persona: Option<String>,
}

/// A turn that runs already: somebody prompted it, told this much of it, and died.
#[derive(Debug, Clone)]
pub struct RejoinRequest {
    /// The text that it was prompted with.
    pub text: String,
    /// When that was about to be sent.
    pub since: DateTime<Utc>,
    /// All that was told of it.
    pub told: Vec<AgentEvent>,
}

/// The answer to a request for permission, or to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionReply {
    /// This once.
    Once,
    /// From now on.
    Always,
    /// No; the text tells the agent why, and lets its turn go on.
    Reject(String),
    /// To a question: an answer to each of its parts.
    Text(Vec<String>),
}

/// The command that opens the agent's own UI on a live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiCommand {
    /// Program and arguments.
    pub argv: Vec<OsString>,
    /// Variables to set; may hold a password, so it is never logged.
    pub env: Vec<(String, String)>,
    /// Where to start it.
    pub directory: PathBuf,
}

/// A way to talk to agents.
pub trait Backend: Send + Sync {
    /// Creates a session at the agent, or makes sure that the one to resume is there.
    ///
    /// Nothing was prompted yet. The returned session has the agent's own id, unless the agent makes its
    /// sessions only when they are prompted.
    ///
    /// # Errors
    /// `SessionUnknown` when the session to resume is not there; otherwise what the agent failed with.
    fn open(&self, request: OpenRequest) -> BoxFuture<'_, Result<Box<dyn Session>, Failure>>;

    /// Ends the agent's processes, running turns included, and waits until they are gone.
    fn shutdown(&self) -> BoxFuture<'_, ()>;
}

/// A session at an agent. Dropping it leaves the session there, to be resumed.
pub trait Session: Send {
    /// The agent's own id of it. `None` until [`AgentEvent::Opened`] has come from
    /// [`Session::next_event`].
    fn id(&self) -> Option<&SessionId>;

    /// How the agent is talked to.
    fn backend(&self) -> BackendKind;

    /// Makes ready what a prompt with this model needs, beside other things that take time. May be left
    /// out; what fails here fails again in [`Session::prompt`], which says so.
    fn prepare<'a>(&'a mut self, model: &'a ModelRef) -> BoxFuture<'a, ()>;

    /// Sends a prompt. Its events then come from [`Session::next_event`], up to `TurnEnded`.
    ///
    /// # Errors
    /// When the prompt was not taken (unknown model, server gone): then no turn has begun.
    fn prompt(&mut self, request: PromptRequest) -> BoxFuture<'_, Result<(), Failure>>;

    /// Takes up a turn that runs already, or has ended while nobody listened. What was not told of it then
    /// comes from [`Session::next_event`], up to `TurnEnded`; what waits for an answer is asked again.
    ///
    /// # Errors
    /// When there is no such turn, or this backend's turns end with whoever prompted them.
    fn rejoin(&mut self, turn: RejoinRequest) -> BoxFuture<'_, Result<(), Failure>> {
        let words = format!("a turn of {} can't be taken up by another process", self.backend().name());
        Box::pin(async move {
            drop(turn);
            Err(Failure::new(FailureKind::SessionUnknown, words))
        })
    }

    /// The next event. After `TurnEnded` it waits for ever, until the next prompt.
    ///
    /// Safe to drop at any await: no event is lost by it.
    fn next_event(&mut self) -> BoxFuture<'_, AgentEvent>;

    /// Cancels the turn and its tools, and returns when the agent said so, or after a deadline. The
    /// turn's `TurnEnded(Cancelled)` comes as an event.
    fn cancel(&mut self) -> BoxFuture<'_, ()>;

    /// Answers a permission request or a question.
    ///
    /// # Errors
    /// When the agent does not take the answer (already answered, server gone, no answer to what it asks).
    fn answer(&mut self, request: String, reply: PermissionReply) -> BoxFuture<'_, Result<(), Failure>>;

    /// Tokens and cost of the whole session up to its last turn's end, sub-sessions included.
    fn usage(&mut self) -> BoxFuture<'_, Result<Usage, Failure>>;

    /// How to open the agent's own UI on this session, where it has one.
    fn ui(&self) -> Option<UiCommand>;
}
