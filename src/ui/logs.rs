//! What an agent says and does, as text that streams.

use super::{Screen, Style, paint, printable};
use crate::model::{
    AgentEvent, Busyness, CheckStep, CheckVerdict, CheckedCommand, CommandStep, ToolStatus, TurnOutcome,
};

/// How many lines of a tool's output are shown: enough to see what came out.
const OUTPUT: usize = 8;

/// How many lines of a patch are shown.
const PATCH: usize = 40;

/// What was printed last: different kinds stand apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Text,
    Reasoning,
    Output,
    Line,
}

/// Prints events one after another.
pub struct LogPrinter {
    screen: Screen,
    last: Last,
    at_line_start: bool,
}

impl LogPrinter {
    /// A printer.
    #[must_use]
    pub fn new(screen: Screen) -> Self {
        Self { screen, last: Last::Nothing, at_line_start: true }
    }

    /// Prints one event.
    pub fn event(&mut self, event: &AgentEvent) {
        match event {
            AgentEvent::Text { delta } => self.stream(delta, Last::Text),
            AgentEvent::Reasoning { delta } => self.stream(delta, Last::Reasoning),
            AgentEvent::Restarted => {
                self.line("↻", "the model's stream broke; it starts again", Style::Attention);
            }
            AgentEvent::ToolCall { name, title, status, output, .. } => {
                self.tool(name, title, *status, output.as_deref());
            }
            AgentEvent::Permission { permission, patterns, .. } => {
                self.line("?", &format!("asks for {permission}: {}", patterns.join(" ")), Style::Attention);
            }
            AgentEvent::Question { text, .. } => self.line("?", text, Style::Attention),
            AgentEvent::Answered { answer, .. } => self.line("!", answer, Style::Attention),
            AgentEvent::Status(Busyness::Retrying { attempt, message }) => {
                self.line("↻", &format!("retry {attempt}: {message}"), Style::Attention);
            }
            AgentEvent::Opened { .. } | AgentEvent::Status(_) | AgentEvent::Usage(_) => {}
            AgentEvent::Command { purpose, command, step } => self.command(purpose.words(), command, step),
            AgentEvent::Error(failure) => self.line("✗", &failure.to_string(), Style::Bad),
            AgentEvent::Check(step) => self.check(step),
            AgentEvent::TurnEnded(outcome) => match outcome {
                TurnOutcome::Completed => self.line("✓", "the agent ended its turn", Style::Good),
                TurnOutcome::Failed { failure } => self.line("✗", &format!("failed: {failure}"), Style::Bad),
                TurnOutcome::Cancelled { cause } => {
                    self.line("■", &format!("interrupted: {}", cause.words()), Style::Attention);
                }
            },
        }
    }

    /// Prints a step of a check; what its commands write is shown as it is.
    pub fn check(&mut self, step: &CheckStep) {
        match step {
            CheckStep::Began { command } => self.line("→", &format!("check: {command}"), Style::Active),
            CheckStep::Output { delta } => self.stream(delta, Last::Output),
            CheckStep::Ended(CheckedCommand { command, end, .. }) => {
                let (mark, style) = if end.is_good() { ("✓", Style::Good) } else { ("✗", Style::Bad) };
                self.line(mark, &format!("check: {command} {}", end.words()), style);
            }
            CheckStep::Over { verdict: CheckVerdict::Stopped } => {
                self.line("■", "the check was stopped", Style::Attention);
            }
            CheckStep::Over { .. } => {}
        }
    }

    /// Ends a line that was begun.
    pub fn finish(&mut self) {
        if !self.at_line_start {
            self.screen.raw("\n");
            self.at_line_start = true;
        }
    }

    fn stream(&mut self, delta: &str, kind: Last) {
        let delta = printable(delta);
        if delta.is_empty() {
            return;
        }
        if self.last != kind {
            self.finish();
            if !matches!((self.last, kind), (Last::Nothing, _) | (Last::Line, Last::Output)) {
                self.screen.raw("\n");
            }
            self.last = kind;
        }
        self.at_line_start = delta.ends_with('\n');
        if kind == Last::Text {
            return self.screen.raw(&delta);
        }
        self.screen.raw(&paint(&delta, Style::Faint, self.screen.color));
    }

    fn line(&mut self, mark: &str, text: &str, style: Style) {
        self.finish();
        if matches!(self.last, Last::Text | Last::Reasoning) {
            self.screen.raw("\n");
        }
        self.last = Last::Line;
        let text = printable(text).replace('\n', "\n  ");
        self.screen.out(&format!("{} {text}", paint(mark, style, self.screen.color)));
    }

    fn tool(&mut self, name: &str, title: &str, status: ToolStatus, output: Option<&str>) {
        let words =
            if title.is_empty() || title == name { name.to_owned() } else { format!("{name}: {title}") };
        match status {
            ToolStatus::Pending => {}
            ToolStatus::Running => self.line("→", &words, Style::Active),
            ToolStatus::Completed => self.output("✓", &words, output, Style::Good),
            ToolStatus::Failed => self.output("✗", &words, output, Style::Bad),
        }
    }

    /// A command of a person's, each line as it comes.
    fn command(&mut self, purpose: &str, command: &str, step: &CommandStep) {
        match step {
            CommandStep::Started => self.line("→", &format!("{purpose}: {command}"), Style::Active),
            CommandStep::Wrote { line } => self.faint(&printable(line)),
            CommandStep::Ended { ok: true, .. } => self.line("✓", purpose, Style::Good),
            CommandStep::Ended { ok: false, how } => {
                self.line("✗", &format!("{purpose}: {how}: {command}"), Style::Bad);
            }
        }
    }

    /// What came out of a tool: the beginning of a patch, or else the last lines.
    fn output(&mut self, mark: &str, words: &str, output: Option<&str>, style: Style) {
        self.line(mark, words, style);
        let output = printable(output.unwrap_or_default());
        let lines: Vec<&str> = output.trim_end().lines().collect();
        if lines.first().is_some_and(|line| line.starts_with("--- ")) {
            return self.patch(&lines);
        }
        let hidden = lines.len().saturating_sub(OUTPUT);
        if hidden > 0 {
            self.faint(&format!("… {hidden} lines"));
        }
        lines[hidden..].iter().for_each(|line| self.faint(line));
    }

    /// Each line keeps its sign, whatever its colour.
    fn patch(&self, lines: &[&str]) {
        for line in lines.iter().take(PATCH) {
            let style = match line.as_bytes().first() {
                _ if line.starts_with("--- ") || line.starts_with("+++ ") => Style::Strong,
                Some(b'+') => Style::Good,
                Some(b'-') => Style::Bad,
                _ => Style::Faint,
            };
            self.screen.out(&paint(&format!("  {line}"), style, self.screen.color));
        }
        if lines.len() > PATCH {
            self.faint(&format!("… {} more lines", lines.len() - PATCH));
        }
    }

    fn faint(&self, line: &str) {
        self.screen.out(&paint(&format!("  {line}"), Style::Faint, self.screen.color));
    }
}
