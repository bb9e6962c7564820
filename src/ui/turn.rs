//! Reporters of a turn: as text that streams, and as NDJSON.

use super::logs::LogPrinter;
use super::{Screen, Style, paint, time};
use crate::engine::answer::how;
use crate::engine::keys::keys;
use crate::engine::turn::{Progress, Reporter, TurnMessage};

/// Shows a turn as text: what the agent says on standard output, everything else on standard error.
pub struct PlainReporter {
    screen: Screen,
    printer: LogPrinter,
    /// The agent's own UI has the terminal: nothing may be printed.
    silent: bool,
    heading: String,
}

impl PlainReporter {
    /// A reporter for the thread that `heading` names.
    #[must_use]
    pub fn new(screen: Screen, heading: String) -> Self {
        Self { screen, printer: LogPrinter::new(screen), silent: false, heading }
    }

    fn say(&self, text: &str) {
        if !self.silent {
            self.screen.note(&paint(text, Style::Faint, self.screen.color_err));
        }
    }
}

impl Reporter for PlainReporter {
    fn show(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Turn(TurnMessage::Preparing { what }) => self.say(&format!("{what} …")),
            Progress::Turn(TurnMessage::Warning { message }) => {
                if !self.silent {
                    self.screen.warn(message);
                }
            }
            Progress::Turn(TurnMessage::Opened { session, attempt, model, .. }) => {
                self.say(&format!("{} · attempt {attempt} · {model} · {session}", self.heading));
            }
            Progress::Turn(TurnMessage::Event { event, .. }) if !self.silent => self.printer.event(event),
            Progress::Turn(TurnMessage::Event { .. } | TurnMessage::Ended { .. }) => {}
            Progress::Turn(TurnMessage::NextModel { failure, model, .. }) => {
                if !self.silent {
                    self.screen.warn(&format!("{failure}; trying the next model, {model}"));
                }
            }
            Progress::Turn(TurnMessage::Waiting { thread, ask }) => {
                let time = time::span(ask.until - ask.since);
                self.say(&format!("waits {time} for a person: {}", how(&thread.to_string(), ask)));
            }
            Progress::Turn(TurnMessage::Missed { events }) => {
                self.say(&format!("{events} events were left out here; `work logs` has them all"));
            }
            Progress::UiOpens => self.silent = true,
            Progress::UiClosed => {
                self.silent = false;
                self.say("the agent's UI was closed; the turn goes on here, Ctrl-C cancels it");
            }
            Progress::UiFailed(why) => {
                self.silent = false;
                self.screen.warn(&format!("the agent's own UI could not be opened: {why}"));
            }
            Progress::MayType(ask) => {
                if let Some(keys) = keys(ask) {
                    self.say(&format!("or type here: {keys}"));
                }
            }
            Progress::NoAnswer(why) => self.screen.warn(why),
            Progress::Cancelling => self.say("cancelling … (again to give up waiting)"),
        }
    }
}

/// Shows a turn as NDJSON on standard output: one message a line, as the supervisor tells them.
pub struct JsonReporter {
    screen: Screen,
}

impl JsonReporter {
    /// A reporter.
    #[must_use]
    pub fn new(screen: Screen) -> Self {
        Self { screen }
    }
}

impl Reporter for JsonReporter {
    fn show(&mut self, progress: &Progress<'_>) {
        if let Progress::Turn(message) = progress {
            // How to open the UI holds a password, and is of no use to a script.
            let message = match message {
                TurnMessage::Opened { session, attempt, number, model, .. } => TurnMessage::Opened {
                    session: session.clone(),
                    attempt: *attempt,
                    number: *number,
                    model: model.clone(),
                    ui: None,
                },
                other => (*other).clone(),
            };
            if let Ok(line) = serde_json::to_string(&message) {
                self.screen.out(&line);
            }
        }
    }
}
