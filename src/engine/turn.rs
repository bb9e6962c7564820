//! A turn as the command sees it: asks the supervisor for it, follows it, opens the agent's own UI,
//! and knows when it is over.

use std::io;
use std::process::Child;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use super::keys::typed;
use super::owner;
pub use crate::ipc::TurnMessage;
use crate::ipc::{
    Client, ClientError, ClientMessage, Connection, Incoming, Refusal, ServerMessage, TurnSpec, UiCommand,
};
use crate::model::{AgentEvent, Ask, CancelCause, Mode, TurnNumber, TurnOutcome};
use crate::sys::keyboard::{Keyboard, Typed};
use crate::sys::process;
use crate::sys::signals::{self, Interrupt};

/// Something to show of a turn.
#[derive(Debug)]
pub enum Progress<'a> {
    /// The runtime tells.
    Turn(&'a TurnMessage),
    /// The agent's own UI takes over the terminal.
    UiOpens,
    /// It gave the terminal back, and the turn goes on.
    UiClosed,
    /// The agent's own UI could not be opened; the turn goes on.
    UiFailed(&'a str),
    /// A cancel was sent; its end is waited for.
    Cancelling,
    /// What the agent asks can be answered by typing, here.
    MayType(&'a Ask),
    /// What was typed was no answer, or was not taken; why.
    NoAnswer(&'a str),
}

/// Whoever shows a turn.
pub trait Reporter {
    /// Shows one thing.
    fn show(&mut self, progress: &Progress<'_>);
}

/// How a turn came out, as far as the command could see.
#[derive(Debug, Clone, PartialEq)]
pub enum Finished {
    /// It ended, and its end is recorded, or `unrecorded` says why not.
    Ended {
        /// How.
        outcome: TurnOutcome,
        /// Its attempt.
        attempt: Option<u32>,
        /// Why the end could not be recorded.
        unrecorded: Option<String>,
    },
    /// The supervisor did not want it.
    Refused {
        /// The reason as a kind.
        reason: Refusal,
        /// The reason in words.
        message: String,
    },
    /// The supervisor is gone. Whoever starts the next one finds the record, and closes it.
    Lost,
    /// We gave up waiting for the end of a cancel.
    Abandoned,
}

enum Happening {
    Supervisor(Incoming),
    Interrupted(Interrupt),
    UiExited(io::Result<std::process::ExitStatus>),
    Typed(Typed),
}

/// Runs a turn to its end, and the agent's own UI for as long as the person wants it. Where there is a
/// `keyboard`, what the agent asks can be answered there.
///
/// When the supervisor dies, `again` gives the next one, which goes on with the turn if that goes on at
/// the agent.
///
/// # Errors
/// When the supervisor can't be reached at all.
pub fn run(
    client: Client,
    mut spec: TurnSpec,
    reporter: &mut dyn Reporter,
    keyboard: Option<&Keyboard>,
    again: &mut dyn FnMut() -> Option<Client>,
) -> Result<Finished, ClientError> {
    let (sender, happenings) = mpsc::channel();
    let (connection, listener) = client.into_parts();
    let (heard, interrupted) = (sender.clone(), sender.clone());
    listener.listen(move |incoming| heard.send(Happening::Supervisor(incoming)).is_ok());
    signals::watch(move |interrupt| {
        // Whoever listened is done.
        let _ = interrupted.send(Happening::Interrupted(interrupt));
    })
    .map_err(|error| ClientError::NoAnswer(Some(error.into())))?;
    spec.client = Some(owner::current());
    connection.send(&ClientMessage::Run { spec: Box::new(spec.clone()) })?;
    let mut following = Following {
        connection: Some(connection),
        sender,
        ui: None,
        spec,
        number: None,
        seen: 0,
        cancelled: 0,
        finished: None,
        ui_ending: false,
        asks: Vec::new(),
        keyboard: keyboard.cloned(),
        listening: false,
    };
    loop {
        if following.is_over() {
            return Ok(following.finished.unwrap_or(Finished::Lost));
        }
        match happenings.recv_timeout(following.patience()) {
            Ok(Happening::Supervisor(Incoming::Gone)) if following.may_go_on() => {
                following.go_on(again(), reporter);
            }
            Ok(happening) => following.handle(happening, reporter),
            Err(_) => following.waited_long_enough(),
        }
    }
}

struct Following {
    connection: Option<Connection>,
    sender: Sender<Happening>,
    /// The process id of the agent's own UI, while it has the terminal.
    ui: Option<u32>,
    spec: TurnSpec,
    /// The number of the turn, once it is known.
    number: Option<TurnNumber>,
    /// How many of its events we have heard of.
    seen: u64,
    cancelled: u32,
    finished: Option<Finished>,
    /// The agent's own UI was asked to end.
    ui_ending: bool,
    /// What the agent asks, oldest first.
    asks: Vec<Ask>,
    keyboard: Option<Keyboard>,
    /// Whether we hear what is typed.
    listening: bool,
}

impl Following {
    /// The turn has ended and nobody looks at it any more.
    fn is_over(&self) -> bool {
        self.finished.is_some() && self.ui.is_none()
    }

    /// Whether the turn may go on though its supervisor is gone: it had begun, and nobody wants it to end.
    fn may_go_on(&self) -> bool {
        self.number.is_some() && self.finished.is_none() && self.cancelled == 0 && self.connection.is_some()
    }

    /// Asks the next supervisor to go on with it.
    fn go_on(&mut self, client: Option<Client>, reporter: &mut dyn Reporter) {
        let asked = client.and_then(|client| {
            let (connection, listener) = client.into_parts();
            let spec = TurnSpec { adopt: Some(self.seen), ..self.spec.clone() };
            connection.send(&ClientMessage::Run { spec: Box::new(spec) }).ok()?;
            let heard = self.sender.clone();
            listener.listen(move |incoming| heard.send(Happening::Supervisor(incoming)).is_ok());
            Some(connection)
        });
        match asked {
            Some(connection) => {
                self.connection = Some(connection);
                let message = "the supervisor died; another one goes on with the turn".to_owned();
                reporter.show(&Progress::Turn(&TurnMessage::Warning { message }));
            }
            None => self.lost(),
        }
    }

    fn lost(&mut self) {
        self.finished.get_or_insert(Finished::Lost);
        self.end_ui();
    }

    /// How long to wait for the next thing to happen.
    fn patience(&self) -> Duration {
        match (self.ui_ending && self.ui.is_some(), self.cancelled > 0) {
            (true, _) => Duration::from_secs(3),
            // A cancel ends by itself or, at the latest, by this.
            (false, true) => Duration::from_secs(30),
            (false, false) => Duration::from_secs(86_400),
        }
    }

    /// Nothing has happened for that long.
    fn waited_long_enough(&mut self) {
        if let Some(pid) = self.ui.filter(|_| self.ui_ending) {
            // Our own child, which was not reaped: its pid is still its own.
            process::signal_process(pid, process::Signal::SIGKILL);
        } else if self.cancelled > 0 {
            self.finished.get_or_insert(Finished::Abandoned);
            self.end_ui();
        }
    }

    fn handle(&mut self, happening: Happening, reporter: &mut dyn Reporter) {
        match happening {
            Happening::Supervisor(Incoming::Message(message)) => self.heard(*message, reporter),
            Happening::Supervisor(Incoming::Gone) => self.lost(),
            Happening::Interrupted(Interrupt::Asked) => self.cancel(reporter),
            Happening::Interrupted(Interrupt::TerminalGone) => {
                // Hanging up is how the supervisor learns that nobody looks any more.
                self.connection = None;
                self.end_ui();
                let outcome = TurnOutcome::Cancelled { cause: CancelCause::ClientGone };
                self.finished.get_or_insert(Finished::Ended { outcome, attempt: None, unrecorded: None });
            }
            Happening::UiExited(status) => {
                (self.ui, self.ui_ending) = (None, false);
                if let Err(error) = status {
                    reporter.show(&Progress::UiFailed(&error.to_string()));
                }
                if self.finished.is_none() {
                    reporter.show(&Progress::UiClosed);
                    self.offer_keys(reporter);
                }
            }
            Happening::Typed(typed) => self.typed(&typed, reporter),
        }
    }

    fn heard(&mut self, message: ServerMessage, reporter: &mut dyn Reporter) {
        match message {
            // The same turn, from the supervisor that goes on with it.
            ServerMessage::Turn(TurnMessage::Opened { number, .. }) if self.number == Some(number) => {}
            ServerMessage::Turn(TurnMessage::Ended {
                outcome: TurnOutcome::Cancelled { cause: CancelCause::OwnerDied },
                ..
            }) => self.lost(),
            ServerMessage::Turn(turn) => {
                self.count(&turn);
                reporter.show(&Progress::Turn(&turn));
                match turn {
                    TurnMessage::Opened { ui: Some(ui), .. }
                        // Two readers of one terminal would each get half of what is typed.
                        if self.spec.mode == Mode::Tui && self.ui.is_none() && !self.listening =>
                    {
                        self.open_ui(&ui, reporter);
                    }
                    TurnMessage::Ended { outcome, attempt, unrecorded } => {
                        // Nothing is behind the agent's own UI any more: it would only spin on.
                        if matches!(&outcome, TurnOutcome::Failed { failure } if failure.kind.is_agent_gone())
                        {
                            self.end_ui();
                        }
                        self.finished = Some(Finished::Ended { outcome, attempt, unrecorded });
                    }
                    // Whoever goes on with a turn says again what waits.
                    TurnMessage::Waiting { ask, .. } if !self.asks.iter().any(|one| one.id == ask.id) => {
                        self.asks.push(ask);
                        if self.asks.len() == 1 {
                            self.offer_keys(reporter);
                        }
                    }
                    TurnMessage::Event { event: AgentEvent::Answered { id, .. }, .. } => {
                        let first = self.asks.first().is_some_and(|ask| ask.id == id);
                        self.asks.retain(|ask| ask.id != id);
                        if first {
                            self.offer_keys(reporter);
                        }
                    }
                    _ => {}
                }
            }
            ServerMessage::Refused { reason: Refusal::NothingWaits | Refusal::WrongAnswer, message } => {
                reporter.show(&Progress::NoAnswer(&message));
            }
            ServerMessage::Refused { reason, message } => {
                self.finished = Some(Finished::Refused { reason, message });
            }
            _ => {}
        }
    }

    /// Counts what we have heard of the turn, as its journal does.
    fn count(&mut self, turn: &TurnMessage) {
        match turn {
            TurnMessage::Opened { number, .. } => (self.number, self.seen) = (Some(*number), 0),
            TurnMessage::Event { .. } => self.seen += 1,
            TurnMessage::Missed { events } => self.seen += events,
            _ => {}
        }
    }

    /// The first time asks for a cancel, the second time gives up waiting for it.
    fn cancel(&mut self, reporter: &mut dyn Reporter) {
        self.cancelled += 1;
        let asked = self.connection.as_ref().is_some_and(|c| c.send(&ClientMessage::Cancel).is_ok());
        if self.finished.is_some() {
            self.end_ui();
        } else if self.cancelled > 1 || !asked {
            self.finished = Some(Finished::Abandoned);
            self.end_ui();
        } else {
            reporter.show(&Progress::Cancelling);
        }
    }

    /// What is asked first can be answered here, unless the agent's own UI has the terminal.
    fn offer_keys(&mut self, reporter: &mut dyn Reporter) {
        let (Some(keyboard), Some(ask), None) = (&self.keyboard, self.asks.first(), self.ui) else { return };
        let to = self.sender.clone();
        // Whoever listened is done.
        self.listening =
            self.listening || keyboard.listen(move |typed| drop(to.send(Happening::Typed(typed))));
        if self.listening {
            reporter.show(&Progress::MayType(ask));
        }
    }

    /// A line is the answer to what was asked first.
    fn typed(&mut self, line: &Typed, reporter: &mut dyn Reporter) {
        let Typed::Line(line) = line else { return };
        let Some(ask) = self.asks.first() else {
            return reporter.show(&Progress::NoAnswer("nothing is asked now"));
        };
        let Some(reply) = typed(ask, line) else { return reporter.show(&Progress::MayType(ask)) };
        let (stream, thread) = (self.spec.stream.clone(), self.spec.thread);
        let answer = ClientMessage::Answer { stream, thread, request: Some(ask.id.clone()), reply };
        // A connection that is gone is heard of in its own way.
        let _ = self.connection.as_ref().map(|connection| connection.send(&answer));
    }

    fn open_ui(&mut self, ui: &UiCommand, reporter: &mut dyn Reporter) {
        reporter.show(&Progress::UiOpens);
        match foreground_ui(ui) {
            Ok(child) => {
                self.ui = Some(child.id());
                wait_for(child, self.sender.clone());
            }
            Err(error) => reporter.show(&Progress::UiFailed(&error.to_string())),
        }
    }

    fn end_ui(&mut self) {
        if let Some(pid) = self.ui {
            self.ui_ending = true;
            process::ask_to_end(pid);
        }
    }
}

/// Starts the agent's own UI in our terminal.
///
/// # Errors
/// When its program can't be started.
pub fn foreground_ui(ui: &UiCommand) -> io::Result<Child> {
    let (program, args) = ui.argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = process::foreground(program);
    command.args(args).envs(ui.env.iter().map(|(name, value)| (name, value))).current_dir(&ui.directory);
    command.spawn()
}

fn wait_for(mut child: Child, to: Sender<Happening>) {
    std::thread::spawn(move || {
        let status = child.wait();
        // Whoever listened is done.
        let _ = to.send(Happening::UiExited(status));
    });
}
