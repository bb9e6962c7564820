//! What the supervisor does about what happens: a function from event to actions, without a clock,
//! a socket or a task, so that every race is a row in a table.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::board::{Answers, Board, JobsClaimed};
use crate::config::Place;
use crate::engine::jobs::Claim;
use crate::ipc::{
    ClientMessage, PROTOCOL, Refusal, ServerMessage, SupervisorStatus, TurnMessage, TurnSpec, TurnSummary,
    UiCommand, VERSION,
};
use crate::model::{
    AgentProcess, CancelCause, ClosedAgent, Failure, JobId, KnownSession, Reply, SessionId, StreamId,
    ThreadId,
};
use crate::runtime::{NotAnswered, Which};

/// A connection, numbered in order of arrival.
pub(super) type ConnId = u64;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum TurnOf {
    /// A connection's: it ends with that.
    Conn(ConnId),
    /// A job's: it is bound to nobody.
    Job(JobId),
}

impl fmt::Display for TurnOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conn(conn) => conn.fmt(f),
            Self::Job(job) => write!(f, "job {job}"),
        }
    }
}

/// Something happened.
#[derive(Debug)]
pub(super) enum Event {
    /// Somebody connected.
    Connected(ConnId),
    /// Somebody said something; `None` is garbage.
    Said(ConnId, Option<ClientMessage>),
    /// Somebody hung up.
    Disconnected(ConnId),
    /// A turn has news.
    Turn(TurnOf, TurnMessage),
    /// The task of a turn is over; nothing more comes from it.
    TurnOver(TurnOf),
    /// What became of a claim, or why the queue could not be read or written.
    Claimed(Result<JobsClaimed, String>),
    /// Jobs that could not begin are back in the queue; if not, the next claim puts them back.
    PutBack(Result<(), String>),
    /// It is time to try again what failed (see [`Dispatch::has_failed`]).
    Retry,
    /// What became of the answer that somebody gave.
    Answered(ConnId, Result<(), NotAnswered>),
    /// How the agent's own UI is opened, or why it can't be.
    Ui(ConnId, Result<UiCommand, Failure>),
    /// The sessions of a directory, or why they can't be told.
    Sessions(ConnId, Result<Vec<KnownSession>, Failure>),
    /// The warm agents that somebody wanted ended are gone.
    Closed(ConnId, Vec<ClosedAgent>, Vec<ThreadId>),
    /// Nothing has happened for the idle time.
    IdleTimeUp,
    /// The operating system asks us to end.
    Terminate,
}

/// Something to do.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// Say something.
    Send(ConnId, ServerMessage),
    /// Say what is still to be said, and hang up; it then counts as disconnected.
    Close(ConnId),
    /// Start a turn.
    Start(TurnOf, Box<TurnSpec>),
    /// Cancel a turn.
    Cancel(TurnOf, CancelCause),
    /// Take jobs from the queue, and mark as running those that start now.
    Claim(Claim),
    /// Put jobs back that were marked as running.
    PutBack(Vec<JobId>),
    /// Find out how the agent's own UI is opened on a session.
    OpenUi(ConnId, SessionId, PathBuf, Place),
    /// Find out which sessions there are in a directory.
    ListSessions(ConnId, PathBuf),
    /// Pass an answer on to a turn.
    Answer(Box<Answering>),
    /// End the warm agents of these; of them, the turns of these threads were cancelled first.
    CloseAgents(ConnId, Which, Vec<ThreadId>),
    /// Begin to count the idle time anew, or stop counting it.
    Idle(bool),
    /// Tell how things stand.
    TellStatus(ConnId),
    /// End the agents, and then the process.
    Exit,
}

/// An answer on its way.
#[derive(Debug, PartialEq)]
pub(super) struct Answering {
    /// Who gave it.
    pub(super) from: ConnId,
    /// Whose turn waits for it.
    pub(super) turn: TurnOf,
    /// Which request; `None` for the only one.
    pub(super) request: Option<String>,
    /// The answer.
    pub(super) reply: Reply,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Turns are being cancelled; when the last is over we exit.
    Stopping,
    Exiting,
}

#[derive(Debug)]
enum Conn {
    /// It has not said hello.
    New,
    /// It may ask.
    Greeted,
    /// It asked us to end, and waits for it.
    Waiting,
}

/// Somebody wants warm agents ended, and waits for the ends of their turns.
#[derive(Debug)]
struct Closing {
    from: ConnId,
    which: Which,
    /// The turns that are being cancelled.
    turns: Vec<TurnOf>,
    cancelled: Vec<ThreadId>,
}

/// The supervisor's whole state.
#[derive(Debug)]
pub(super) struct Dispatch {
    phase: Phase,
    conns: BTreeMap<ConnId, Conn>,
    turns: BTreeMap<TurnOf, TurnSummary>,
    /// Who waits for the end of which cancelled turn.
    cancelling: Vec<(ConnId, TurnOf)>,
    /// What is known of the queue of jobs, and who asks and hears of it.
    board: Board,
    closing: Vec<Closing>,
}

impl Dispatch {
    pub(super) fn new() -> Self {
        Self {
            phase: Phase::Serving,
            conns: BTreeMap::new(),
            turns: BTreeMap::new(),
            cancelling: Vec::new(),
            closing: Vec::new(),
            board: Board::default(),
        }
    }

    /// The turns that run, oldest connection first.
    pub(super) fn status(
        &self,
        pid: u32,
        started_at: DateTime<Utc>,
        agents: Vec<AgentProcess>,
    ) -> SupervisorStatus {
        SupervisorStatus {
            pid,
            version: VERSION.to_owned(),
            started_at,
            turns: self.turns.values().cloned().collect(),
            waiting_jobs: self.board.waiting(),
            agents,
        }
    }

    /// Whether the queue could not be read or written, and is to be tried again after a while.
    pub(super) fn has_failed(&self) -> bool {
        self.board.failed
    }

    /// What to do about `event`.
    pub(super) fn handle(&mut self, event: Event, now: DateTime<Utc>) -> Vec<Action> {
        let was_idle = self.is_idle();
        let mut actions = match event {
            Event::Connected(conn) => {
                self.conns.insert(conn, Conn::New);
                Vec::new()
            }
            Event::Said(conn, Some(message)) => self.said(conn, message, now),
            Event::Said(conn, None) => refuse(conn, Refusal::BadRequest, "that is no message"),
            Event::Disconnected(conn) => {
                self.conns.remove(&conn);
                self.board.left(conn);
                self.cancel(TurnOf::Conn(conn), CancelCause::ClientGone)
            }
            Event::Turn(TurnOf::Conn(conn), message) if self.conns.contains_key(&conn) => {
                vec![Action::Send(conn, ServerMessage::Turn(message))]
            }
            Event::Turn(TurnOf::Job(job), message) => self.board.tell(job, &message),
            Event::TurnOver(turn) => {
                self.turns.remove(&turn);
                let mut actions = self.tell_cancelled(turn);
                self.closing.iter_mut().for_each(|closing| closing.turns.retain(|of| *of != turn));
                actions.extend(self.close_free());
                if self.board.waiting() > 0 {
                    actions.extend(self.claim());
                }
                actions.extend(self.exit_when_done());
                actions
            }
            Event::Claimed(claimed) => self.claimed(claimed, now),
            Event::PutBack(done) => {
                self.board.busy = false;
                self.board.failed = done.is_err();
                let again = std::mem::take(&mut self.board.again);
                let mut actions = if again { self.claim() } else { Vec::new() };
                actions.extend(self.exit_when_done());
                actions
            }
            Event::Retry if self.board.failed => self.claim(),
            Event::Answered(conn, Ok(())) if self.conns.contains_key(&conn) => {
                vec![Action::Send(conn, ServerMessage::Answered)]
            }
            Event::Answered(conn, Err(NotAnswered { reason, message })) if self.conns.contains_key(&conn) => {
                refuse(conn, reason, message)
            }
            Event::Ui(conn, Ok(ui)) if self.conns.contains_key(&conn) => {
                vec![Action::Send(conn, ServerMessage::Ui(ui))]
            }
            Event::Ui(conn, Err(failure)) if self.conns.contains_key(&conn) => {
                refuse(conn, Refusal::NoUi, failure.to_string())
            }
            Event::Closed(conn, agents, cancelled) if self.conns.contains_key(&conn) => {
                vec![Action::Send(conn, ServerMessage::Closed { agents, cancelled })]
            }
            Event::Sessions(conn, Ok(sessions)) if self.conns.contains_key(&conn) => {
                vec![Action::Send(conn, ServerMessage::Sessions { sessions })]
            }
            Event::Sessions(conn, Err(failure)) if self.conns.contains_key(&conn) => {
                refuse(conn, Refusal::NoServer, failure.to_string())
            }
            Event::IdleTimeUp if self.is_idle() => self.stop(),
            Event::IdleTimeUp
            | Event::Turn(..)
            | Event::Answered(..)
            | Event::Ui(..)
            | Event::Closed(..)
            | Event::Retry
            | Event::Sessions(..) => Vec::new(),
            Event::Terminate => self.stop(),
        };
        if self.phase == Phase::Serving && self.is_idle() != was_idle {
            actions.push(Action::Idle(!was_idle));
        }
        actions
    }

    fn said(&mut self, conn: ConnId, message: ClientMessage, now: DateTime<Utc>) -> Vec<Action> {
        let working = self.is_working();
        let Some(state) = self.conns.get_mut(&conn) else { return Vec::new() };
        match (message, &state) {
            // Must work whatever version speaks, so it needs no hello.
            // One that is about to exit anyway is as good as idle.
            (ClientMessage::Retire, _) if !working || self.phase != Phase::Serving => {
                *state = Conn::Waiting;
                let mut actions = vec![Action::Send(conn, ServerMessage::Stopping)];
                actions.extend(self.stop());
                actions
            }
            (ClientMessage::Retire, _) => refuse(conn, Refusal::Busy, self.busy_words()),
            (ClientMessage::Hello { protocol, version }, Conn::New) => {
                if (protocol, version.as_str()) != (PROTOCOL, VERSION) {
                    let message = format!("the supervisor is version {VERSION}, the command is {version}");
                    return refuse(conn, Refusal::Version, message);
                }
                *state = Conn::Greeted;
                let pid = std::process::id();
                let welcome = ServerMessage::Welcome { protocol: PROTOCOL, version: VERSION.to_owned(), pid };
                vec![Action::Send(conn, welcome)]
            }
            (_, Conn::New) => refuse(conn, Refusal::BadRequest, "say hello first"),
            (
                ClientMessage::Run { .. }
                | ClientMessage::Close { .. }
                | ClientMessage::Jobs { .. }
                | ClientMessage::CancelJob { .. },
                _,
            ) if self.phase != Phase::Serving => {
                refuse(conn, Refusal::Stopping, "the supervisor is about to exit")
            }
            (ClientMessage::Run { spec }, Conn::Greeted) => self.run(conn, spec, now),
            (ClientMessage::Cancel, Conn::Greeted) => self.cancel(TurnOf::Conn(conn), CancelCause::Person),
            (ClientMessage::Jobs { start, follow }, Conn::Greeted) => {
                self.board.follow(conn, follow);
                if start.is_empty() {
                    return vec![Action::Send(conn, ServerMessage::JobsTaken)];
                }
                self.board.ask_start(conn, start);
                self.claim()
            }
            (ClientMessage::CancelJob { job }, Conn::Greeted) => self.cancel_job(conn, job),
            (ClientMessage::CancelTurn { stream, thread }, Conn::Greeted) => {
                self.cancel_turn(conn, &stream, thread)
            }
            (ClientMessage::OpenUi { session, directory, place }, Conn::Greeted) => {
                vec![Action::OpenUi(conn, session, directory, place)]
            }
            (ClientMessage::ListSessions { directory }, Conn::Greeted) => {
                vec![Action::ListSessions(conn, directory)]
            }
            (ClientMessage::Answer { stream, thread, request, reply }, Conn::Greeted) => {
                self.answer(conn, &stream, thread, request, reply)
            }
            (ClientMessage::Close { stream, thread, cancel }, Conn::Greeted) => {
                self.close(conn, Which { stream, thread }, cancel)
            }
            (ClientMessage::Status, Conn::Greeted) => vec![Action::TellStatus(conn)],
            (ClientMessage::Stop, Conn::Greeted) => {
                *state = Conn::Waiting;
                let mut actions = vec![Action::Send(conn, ServerMessage::Stopping)];
                actions.extend(self.stop());
                actions
            }
            _ => refuse(conn, Refusal::BadRequest, "that makes no sense here"),
        }
    }

    fn run(&mut self, conn: ConnId, spec: Box<TurnSpec>, now: DateTime<Utc>) -> Vec<Action> {
        let turn = TurnOf::Conn(conn);
        if self.turns.contains_key(&turn) {
            return refuse(conn, Refusal::BadRequest, "one turn a connection");
        }
        if self.turn_of(&spec.stream, spec.thread).is_some() {
            let message = format!("thread `{}` is running already", spec.thread);
            return refuse(conn, Refusal::AlreadyRunning, message);
        }
        self.start(turn, spec, now)
    }

    fn start(&mut self, turn: TurnOf, spec: Box<TurnSpec>, now: DateTime<Utc>) -> Vec<Action> {
        let job = match turn {
            TurnOf::Conn(_) => None,
            TurnOf::Job(job) => Some(job),
        };
        let (stream, agent) = (spec.stream.clone(), spec.agent.name.clone());
        self.turns.insert(turn, TurnSummary { stream, thread: spec.thread, agent, since: now, job });
        vec![Action::Start(turn, spec)]
    }

    /// Asks for all that is wanted of the queue, one claim at a time.
    fn claim(&mut self) -> Vec<Action> {
        // Who is about to end begins nothing; whoever asked before still gets an answer.
        if self.phase != Phase::Serving && !self.board.is_wanted() {
            return Vec::new();
        }
        let bound = |(turn, summary): (&TurnOf, &TurnSummary)| {
            matches!(turn, TurnOf::Conn(_)).then(|| (summary.stream.clone(), summary.thread))
        };
        let busy = self.turns.iter().filter_map(bound).collect();
        let job = |turn: &TurnOf| match turn {
            TurnOf::Conn(_) => None,
            TurnOf::Job(job) => Some(*job),
        };
        let running = self.turns.keys().filter_map(job).collect();
        let claim = self.board.claim(busy, running, self.phase != Phase::Serving);
        claim.map(Action::Claim).into_iter().collect()
    }

    /// The queue has answered: jobs start, and whoever asked is told.
    fn claimed(&mut self, claimed: Result<JobsClaimed, String>, now: DateTime<Utc>) -> Vec<Action> {
        let (answers, claimed) = self.board.claimed(claimed);
        let mut actions = self.answer_claim(answers);
        let mut back = Vec::new();
        for (job, spec) in claimed.start {
            // A thread that somebody took meanwhile is theirs, and who is about to end begins nothing.
            if self.phase == Phase::Serving && self.turn_of(&spec.stream, spec.thread).is_none() {
                actions.extend(self.start(TurnOf::Job(job), spec, now));
            } else {
                back.push(job);
            }
        }
        for (job, outcome) in claimed.over {
            let ended = TurnMessage::Ended { outcome, attempt: None, unrecorded: None };
            actions.extend(self.board.tell(job, &ended));
        }
        if !back.is_empty() {
            self.board.put_back(back.len());
            actions.push(Action::PutBack(back));
        } else if std::mem::take(&mut self.board.again) {
            actions.extend(self.claim());
        }
        actions.extend(self.exit_when_done());
        actions
    }

    fn answer_claim(&mut self, answers: Answers) -> Vec<Action> {
        let mut actions = Vec::new();
        let there = |conns: &BTreeMap<ConnId, Conn>, conn: ConnId| conns.contains_key(&conn);
        for conn in answers.taken.into_iter().filter(|conn| there(&self.conns, *conn)) {
            actions.push(Action::Send(conn, ServerMessage::JobsTaken));
        }
        for conn in answers.cancelled.into_iter().filter(|conn| there(&self.conns, *conn)) {
            actions.push(Action::Send(conn, ServerMessage::Cancelled));
        }
        for (conn, why) in answers.refused.into_iter().filter(|(conn, _)| there(&self.conns, *conn)) {
            actions.extend(refuse(conn, Refusal::NoQueue, why));
        }
        for (conn, job) in answers.not_pending.into_iter().filter(|(conn, _)| there(&self.conns, *conn)) {
            actions.extend(refuse(conn, Refusal::NothingRuns, format!("job {job} does not run here")));
        }
        actions
    }

    /// One that runs is cancelled as a turn; any other in the queue.
    fn cancel_job(&mut self, from: ConnId, job: JobId) -> Vec<Action> {
        let turn = TurnOf::Job(job);
        if self.turns.contains_key(&turn) {
            self.cancelling.push((from, turn));
            return self.cancel(turn, CancelCause::Person);
        }
        self.board.ask_cancel(from, job);
        self.claim()
    }

    fn answer(
        &self,
        from: ConnId,
        stream: &StreamId,
        thread: ThreadId,
        request: Option<String>,
        reply: Reply,
    ) -> Vec<Action> {
        match self.turn_of(stream, thread) {
            Some(turn) => vec![Action::Answer(Box::new(Answering { from, turn, request, reply }))],
            None => refuse(from, Refusal::NothingWaits, format!("the supervisor runs no turn of `{thread}`")),
        }
    }

    /// Whose turn it is that a thread runs.
    fn turn_of(&self, stream: &StreamId, thread: ThreadId) -> Option<TurnOf> {
        let mut turns = self.turns.iter();
        turns.find(|(_, turn)| turn.stream == *stream && turn.thread == thread).map(|(&of, _)| of)
    }

    fn cancel_turn(&mut self, from: ConnId, stream: &StreamId, thread: ThreadId) -> Vec<Action> {
        let Some(turn) = self.turn_of(stream, thread) else {
            let message = format!("the supervisor runs no turn of `{thread}`");
            return refuse(from, Refusal::NothingRuns, message);
        };
        self.cancelling.push((from, turn));
        self.cancel(turn, CancelCause::Person)
    }

    /// Ends warm agents, after the turns that they work on were cancelled, if that is wanted.
    fn close(&mut self, from: ConnId, which: Which, cancel: bool) -> Vec<Action> {
        let meant = self.turns.iter().filter(|(_, turn)| which.means(&turn.stream, turn.thread));
        let (turns, cancelled): (Vec<TurnOf>, Vec<ThreadId>) =
            meant.map(|(&of, turn)| (of, turn.thread)).unzip();
        if !cancel && !turns.is_empty() {
            let threads: Vec<String> = cancelled.iter().map(ToString::to_string).collect();
            return refuse(from, Refusal::Busy, format!("it is running {}", threads.join(", ")));
        }
        let mut actions: Vec<Action> =
            turns.iter().map(|&turn| Action::Cancel(turn, CancelCause::Person)).collect();
        self.closing.push(Closing { from, which, turns, cancelled });
        actions.extend(self.close_free());
        actions
    }

    /// Ends the agents of those who wait for no turn any more.
    fn close_free(&mut self) -> Vec<Action> {
        let (free, left) = self.closing.drain(..).partition(|closing: &Closing| closing.turns.is_empty());
        self.closing = left;
        let free: Vec<Closing> = free;
        free.into_iter().map(|one| Action::CloseAgents(one.from, one.which, one.cancelled)).collect()
    }

    /// A turn is over: whoever cancelled it from elsewhere hears so.
    fn tell_cancelled(&mut self, turn: TurnOf) -> Vec<Action> {
        let (over, left) = self.cancelling.iter().partition(|(_, of)| *of == turn);
        self.cancelling = left;
        let over: Vec<(ConnId, TurnOf)> = over;
        let asked = over.into_iter().map(|(from, _)| from).filter(|from| self.conns.contains_key(from));
        asked.map(|from| Action::Send(from, ServerMessage::Cancelled)).collect()
    }

    fn cancel(&self, turn: TurnOf, cause: CancelCause) -> Vec<Action> {
        if self.turns.contains_key(&turn) { vec![Action::Cancel(turn, cause)] } else { Vec::new() }
    }

    fn stop(&mut self) -> Vec<Action> {
        if self.phase != Phase::Serving {
            return Vec::new();
        }
        self.phase = Phase::Stopping;
        let mut actions: Vec<Action> =
            self.turns.keys().map(|&turn| Action::Cancel(turn, CancelCause::Shutdown)).collect();
        actions.extend(self.exit_when_done());
        actions
    }

    fn exit_when_done(&mut self) -> Vec<Action> {
        if self.phase == Phase::Stopping && self.turns.is_empty() && !self.board.busy {
            self.phase = Phase::Exiting;
            return vec![Action::Exit];
        }
        Vec::new()
    }

    /// Nobody is connected and nothing runs.
    fn is_idle(&self) -> bool {
        self.conns.is_empty() && !self.is_working()
    }

    /// A turn runs, or a job waits for its place.
    fn is_working(&self) -> bool {
        !self.turns.is_empty() || self.board.is_working()
    }

    fn busy_words(&self) -> String {
        let threads: Vec<String> = self.turns.values().map(|turn| turn.thread.to_string()).collect();
        if threads.is_empty() {
            "jobs wait".to_owned()
        } else {
            format!("it is running {}", threads.join(", "))
        }
    }
}

fn refuse(conn: ConnId, reason: Refusal, message: impl Into<String>) -> Vec<Action> {
    let mut actions = vec![Action::Send(conn, ServerMessage::Refused { reason, message: message.into() })];
    if matches!(reason, Refusal::Version | Refusal::BadRequest) {
        actions.push(Action::Close(conn));
    }
    actions
}
