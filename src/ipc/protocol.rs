//! The messages. Newline-delimited JSON in both directions over a Unix socket of mode 0600.
//!
//! A connection begins with `hello` and `welcome`. It then carries either one turn, which is bound to
//! it (the turn is cancelled when the connection ends), or small requests with one answer each. Whoever
//! follows jobs hears of their turns as well, which are bound to nobody.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::config::{Agent, Notify, Place, WorktreeSettings};
use crate::model::{
    AgentEvent, AgentName, AgentProcess, Ask, Budget, ClosedAgent, Failure, JobId, KnownSession, Mode,
    ModelRef, ObjectId, Owner, Policy, Reply, SessionId, StreamId, ThreadId, TurnNumber, TurnOutcome,
};

/// The version of this protocol. Both sides must have the same.
pub const PROTOCOL: u32 = 7;

/// The version of this program. A supervisor of another one is asked to finish, and is replaced.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What happens when the agent asks for a permission, or asks a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// Who decides.
    pub policy: Policy,
    /// How long a person may take.
    pub timeout: Duration,
}

/// Who is told of what becomes of a turn, besides whoever follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifying {
    /// Of what, and in which ways.
    pub how: Notify,
    /// The sockets of the tmux servers in whose status lines it may stand.
    pub tmux: Vec<PathBuf>,
}

/// Everything that the runtime needs to run one turn of a thread. Made by `engine`, which has
/// checked it against plan, approval and state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnSpec {
    /// The stream.
    pub stream: StreamId,
    /// Its folder, absolute.
    pub stream_dir: PathBuf,
    /// The thread.
    pub thread: ThreadId,
    /// The agent, as it stands in `agents.yaml`.
    pub agent: Agent,
    /// The models to try, in order; never empty.
    pub models: Vec<ModelRef>,
    /// How a person sees it.
    pub mode: Mode,
    /// The directory that the agent works in, absolute.
    pub directory: PathBuf,
    /// The title of a new session.
    pub title: String,
    /// The prompt.
    pub prompt: String,
    /// The session to continue and the attempt that it was last used in.
    pub resume: Option<(SessionId, u32)>,
    /// The session that a person has open, for [`Mode::Primary`]: the prompt goes in there.
    #[serde(default)]
    pub connected: Option<SessionId>,
    /// What happens when the agent asks.
    pub asking: Asking,
    /// Who is told of it; `None` for nobody.
    #[serde(default)]
    pub notify: Option<Notifying>,
    /// Set when the turn runs already, and the supervisor that ran it has died: it is taken up where that
    /// one left it, or refused as over. How many of its events the command has seen.
    #[serde(default)]
    pub adopt: Option<u64>,
    /// The command that it is bound to, and ends with; `None` for a job's.
    #[serde(default)]
    pub client: Option<Owner>,
    /// The worktree of its own that it runs in; `directory` is where that lies.
    #[serde(default)]
    pub isolated: Option<Isolated>,
    /// What its thread and its stream may use.
    #[serde(default)]
    pub budget: Budget,
    /// It runs though that is used up.
    #[serde(default)]
    pub over_budget: bool,
    /// The globs of its `**Paths:**`; none when it may touch all.
    #[serde(default)]
    pub paths: Vec<String>,
    /// How what it leaves is checked; `None` when the plan asks for no check.
    #[serde(default)]
    pub check: Option<Checking>,
}

/// How what a turn leaves is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checking {
    /// The commands that must pass, in order, as they were approved; none when that is not known, and the check
    /// stays due.
    pub commands: Vec<String>,
    /// How long each may take.
    pub timeout: Duration,
}

/// How a thread gets a worktree of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolated {
    /// The user's folder for data, in which worktrees are made.
    pub data: PathBuf,
    /// How it is prepared when it is new.
    pub settings: WorktreeSettings,
    /// The main checkout is brought into it first, since the two conflict, and the prompt says so.
    pub together: bool,
    /// The tree of the main checkout before the turn; known only to whoever runs it.
    #[serde(skip)]
    pub before: Option<ObjectId>,
}

/// The command that opens the agent's own UI. Holds a password: it is sent, and never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UiCommand {
    /// Program and arguments.
    pub argv: Vec<OsString>,
    /// Variables to set.
    pub env: Vec<(String, String)>,
    /// Where to start it.
    pub directory: PathBuf,
}

impl std::fmt::Debug for UiCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UiCommand").field("argv", &self.argv).finish_non_exhaustive()
    }
}

/// What a command says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub enum ClientMessage {
    /// Who speaks; always first.
    Hello {
        /// [`PROTOCOL`] of the speaker.
        protocol: u32,
        /// [`VERSION`] of the speaker.
        version: String,
    },
    /// Run a turn, bound to this connection.
    Run {
        /// The turn.
        spec: Box<TurnSpec>,
    },
    /// Cancel the turn of this connection.
    Cancel,
    /// Cancel the turn of a thread, whoever runs it.
    CancelTurn {
        /// The stream.
        stream: StreamId,
        /// The thread.
        thread: ThreadId,
    },
    /// Take jobs from the queue, start them when it is their turn, and tell of the turns of some.
    Jobs {
        /// Those that a person wants to run.
        start: Vec<JobId>,
        /// Those whose news this connection wants to hear, until it ends.
        follow: Vec<JobId>,
    },
    /// Cancel a job, pending or running.
    CancelJob {
        /// The job.
        job: JobId,
    },
    /// Tell how to open the agent's own UI on a session.
    OpenUi {
        /// The session.
        session: SessionId,
        /// Where it works, as a path of this machine.
        directory: PathBuf,
        /// Where its server is.
        #[serde(default)]
        place: Place,
    },
    /// Answer what the agent of a thread asks, whoever runs its turn.
    Answer {
        /// The stream.
        stream: StreamId,
        /// The thread.
        thread: ThreadId,
        /// The request, by the agent's own id; `None` when it is the only one.
        request: Option<String>,
        /// The answer.
        reply: Reply,
    },
    /// Tell which sessions the agent's server knows in a directory.
    ListSessions {
        /// The directory.
        directory: PathBuf,
    },
    /// End the warm agents of a stream, or of one of its threads.
    Close {
        /// The stream.
        stream: StreamId,
        /// The thread; `None`: all of the stream.
        thread: Option<ThreadId>,
        /// Cancel their turns first; else a turn that runs is a reason to refuse.
        cancel: bool,
    },
    /// Tell how things stand.
    Status,
    /// Cancel what runs, end the agents, and exit.
    Stop,
    /// Exit if nothing runs, to make room for another version.
    Retire,
}

/// Why a request was refused. Nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The speaker's protocol or version is another one.
    Version,
    /// Turns are running.
    Busy,
    /// It is about to exit.
    Stopping,
    /// The thread has a running session already.
    AlreadyRunning,
    /// No turn of that thread, or no such job, runs here.
    NothingRuns,
    /// The queue of jobs can't be read or written, or there is none here.
    NoQueue,
    /// The agent has no UI on that session.
    NoUi,
    /// The agent's server can't be asked.
    NoServer,
    /// Nothing waits for that answer, or not any more.
    NothingWaits,
    /// The answer is none to what is asked.
    WrongAnswer,
    /// The message makes no sense at this point, or is none.
    BadRequest,
}

/// One turn that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TurnSummary {
    /// The stream.
    pub stream: StreamId,
    /// The thread.
    pub thread: ThreadId,
    /// The agent.
    pub agent: AgentName,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The job whose turn it is; none for a turn that is bound to a command or window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
}

/// How things stand with the supervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupervisorStatus {
    /// Its process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// The turns that run.
    pub turns: Vec<TurnSummary>,
    /// How many jobs wait for a place.
    #[serde(default)]
    pub waiting_jobs: usize,
    /// The agent processes that it keeps.
    pub agents: Vec<AgentProcess>,
}

/// What happens with a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "turn", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum TurnMessage {
    /// Something slow has begun, such as the start of the agent's server.
    Preparing {
        /// What, in words.
        what: String,
    },
    /// Something is not as it should be, and the turn goes on all the same.
    Warning {
        /// What, in words.
        message: String,
    },
    /// The session is there and its record is written, if it can be. The prompt goes out next, or it was what
    /// made the agent open its session.
    Opened {
        /// The agent's own id of the session.
        session: SessionId,
        /// The attempt.
        attempt: u32,
        /// The number of the turn, the name of its journal.
        number: TurnNumber,
        /// The model that is used.
        model: ModelRef,
        /// How to open the agent's own UI on it.
        #[schemars(with = "Option<()>")]
        ui: Option<UiCommand>,
    },
    /// The agent did something.
    Event {
        /// When.
        at: DateTime<Utc>,
        /// What.
        event: AgentEvent,
    },
    /// The agent asked something that a person has to answer, here or from elsewhere. `Answered` among the
    /// events tells that it waits no more.
    Waiting {
        /// Its thread.
        thread: ThreadId,
        /// What it asks.
        ask: Ask,
    },
    /// Events that were left out, since the command did not read (a stopped terminal). The journal has
    /// them all.
    Missed {
        /// How many.
        events: u64,
    },
    /// This attempt failed, and the next model is tried.
    NextModel {
        /// The failed attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// What is tried next.
        model: ModelRef,
    },
    /// It is over, and its end is recorded.
    Ended {
        /// How it ended.
        outcome: TurnOutcome,
        /// The last attempt; `None` when none was begun.
        attempt: Option<u32>,
        /// Why the end could not be recorded, when it could not. It is tried again until it can.
        unrecorded: Option<String>,
    },
}

/// What the supervisor says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ServerMessage {
    /// The answer to a hello of the same version.
    Welcome {
        /// [`PROTOCOL`] of the supervisor.
        protocol: u32,
        /// [`VERSION`] of the supervisor.
        version: String,
        /// Its process id.
        pid: u32,
    },
    /// No, and why.
    Refused {
        /// The reason as a kind.
        reason: Refusal,
        /// The reason in words.
        message: String,
    },
    /// Accepted: it will happen, and the connection ends when it has.
    Stopping,
    /// The answer was taken by the agent.
    Answered,
    /// The turn, or the job, was cancelled, and its end is on record.
    Cancelled,
    /// The warm agents are gone.
    Closed {
        /// Those that were ended.
        agents: Vec<ClosedAgent>,
        /// The threads whose turns were cancelled first; each end is on record.
        cancelled: Vec<ThreadId>,
    },
    /// The jobs are taken: they run, or wait for a place.
    JobsTaken,
    /// About the turn of a job that this connection follows.
    Job {
        /// The job.
        job: JobId,
        /// What happens with its turn.
        news: TurnMessage,
    },
    /// How to open the agent's own UI.
    Ui(UiCommand),
    /// The sessions of a directory, the one that was used last first.
    Sessions {
        /// The sessions.
        sessions: Vec<KnownSession>,
    },
    /// The answer to `status`.
    Status(SupervisorStatus),
    /// About the turn of this connection.
    Turn(TurnMessage),
}
