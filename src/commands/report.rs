//! Who hears of a turn: the person at the terminal, and the `work multi` that opened this window.

use std::sync::mpsc;

use super::context::Context;
use super::failed::CommandResult;
use crate::engine::Prepared;
use crate::engine::launch::report_of;
use crate::engine::turn::{Progress, Reporter, TurnMessage};
use crate::ipc::Launched;
use crate::model::AgentName;
use crate::sys::keyboard::{Keyboard, Typed};
use crate::ui::{JsonReporter, PlainReporter, Screen};

/// Shows a turn here, and reports it to whoever opened this window.
pub(super) struct WindowReporter {
    shown: Box<dyn Reporter>,
    launched: Launched,
    agent: AgentName,
    screen: Screen,
    /// Opened by `work multi`: the window closes when we end.
    in_window: bool,
    /// A person closed the agent's own UI: they have seen it all.
    seen: bool,
}

impl WindowReporter {
    /// Shows a turn; whoever opened this window hears of its `first` one only, and has what they waited for.
    pub(super) fn new(ctx: &Context, prepared: &Prepared, first: bool) -> Self {
        let heading = format!("{} {} · {}", prepared.spec.thread, prepared.name, prepared.spec.agent.name);
        Self {
            shown: if ctx.json {
                Box::new(JsonReporter::new(ctx.screen))
            } else {
                Box::new(PlainReporter::new(ctx.screen, heading))
            },
            launched: Launched::to(ctx.env.launch.as_deref().filter(|_| first), prepared.spec.thread),
            agent: prepared.spec.agent.name.clone(),
            screen: ctx.screen,
            in_window: ctx.env.launch.is_some() && ctx.screen.interactive,
            seen: false,
        }
    }

    /// In a window of its own, what was said last would vanish with it: so it stays until a person closes it,
    /// or has another word for the agent, which is returned.
    pub(super) fn next_message(&self, result: &CommandResult, keyboard: &Keyboard) -> Option<String> {
        if !self.in_window || (self.seen && result.is_ok()) {
            return None;
        }
        if let Err(failed) = result {
            self.screen.say(&format!("error: {}", failed.messages.join(": ")));
        }
        self.screen.say("press Enter to close this window, or type a message that goes on in this session");
        let (sender, lines) = mpsc::channel();
        // Whoever listened is done. A terminal that is not ours to read is as good as none.
        if !keyboard.listen(move |typed| drop(sender.send(typed))) {
            return None;
        }
        match lines.recv() {
            Ok(Typed::Line(line)) if !line.trim().is_empty() => Some(line),
            // The end of the terminal is as good as Enter.
            Ok(Typed::Line(_) | Typed::End) | Err(_) => None,
        }
    }

    fn report(&mut self, message: &TurnMessage) {
        if let Some(report) = report_of(message, &self.agent) {
            self.launched.report(&report);
        }
    }
}

impl Reporter for WindowReporter {
    fn show(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Turn(message) => self.report(message),
            Progress::UiOpens => self.seen = true,
            Progress::UiClosed | Progress::UiFailed(_) => self.seen = false,
            Progress::Cancelling | Progress::MayType(_) | Progress::NoAnswer(_) => {}
        }
        self.shown.show(progress);
    }
}
