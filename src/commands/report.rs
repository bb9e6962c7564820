//! Who hears of a turn: the person at the terminal, and the `work multi` that opened this window.

use std::io::{BufRead as _, stdin};

use super::context::Context;
use super::failed::CommandResult;
use crate::engine::Prepared;
use crate::engine::launch::report_of;
use crate::engine::turn::{Progress, Reporter, TurnMessage};
use crate::ipc::Launched;
use crate::model::AgentName;
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
    pub(super) fn new(ctx: &Context, prepared: &Prepared) -> Self {
        let heading = format!("{} {} · {}", prepared.spec.thread, prepared.name, prepared.spec.agent.name);
        Self {
            shown: if ctx.json {
                Box::new(JsonReporter::new(ctx.screen))
            } else {
                Box::new(PlainReporter::new(ctx.screen, heading))
            },
            launched: Launched::to(ctx.env.launch.as_deref(), prepared.spec.thread),
            agent: prepared.spec.agent.name.clone(),
            screen: ctx.screen,
            in_window: ctx.env.launch.is_some() && ctx.screen.interactive,
            seen: false,
        }
    }

    /// In a window of its own, what was said last would vanish with it.
    pub(super) fn wait_for_a_person(&self, result: &CommandResult) {
        if !self.in_window || (self.seen && result.is_ok()) {
            return;
        }
        if let Err(failed) = result {
            self.screen.say(&format!("error: {}", failed.messages.join(": ")));
        }
        self.screen.say("press Enter to close this window");
        // The end of the terminal is as good as Enter.
        let _ = stdin().lock().read_line(&mut String::new());
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
            Progress::Cancelling => {}
        }
        self.shown.show(progress);
    }
}
