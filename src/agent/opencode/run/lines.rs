//! What `opencode run --format json` prints, as events, and what its end means. Pure.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::agent::opencode::errors::{self, ABORTED};
use crate::agent::opencode::parts::Parts;
use crate::agent::opencode::turn::{REFUSALS, usage_of};
use crate::agent::opencode::wire::{ErrorObject, Part, Tokens};
use crate::agent::words;
use crate::model::{AgentEvent, CancelCause, Failure, FailureKind, SessionId, TurnOutcome, Usage};

/// A line.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, rename = "sessionID")]
    session: String,
    #[serde(default)]
    part: Value,
    #[serde(default)]
    error: Option<ErrorObject>,
}

/// The end of a step.
#[derive(Deserialize)]
struct StepFinish {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    tokens: Tokens,
    #[serde(default)]
    cost: f64,
}

/// How the program ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    /// Whether it says that all went well.
    pub(super) success: bool,
    /// Its exit code or signal, in words.
    pub(super) status: String,
    /// The last of what it wrote to standard error.
    pub(super) words: String,
    /// Whether we ended it, and why.
    pub(super) cancelled: Option<CancelCause>,
}

/// All lines of one turn.
#[derive(Debug)]
pub(super) struct Lines {
    session: Option<SessionId>,
    parts: Parts,
    usage: Usage,
    /// A line that made sense has come.
    heard: bool,
    /// Why the last step ended; none while one is open.
    finish: Option<String>,
    refusal: Option<String>,
    error: Option<ErrorObject>,
}

impl Lines {
    /// Those of a turn in `session`, if its id is known, that has used so much before.
    pub(super) fn new(session: Option<SessionId>, usage: Usage) -> Self {
        let parts = Parts::default();
        Self { session, parts, usage, heard: false, finish: None, refusal: None, error: None }
    }

    /// One line. One that makes no sense tells nothing.
    pub(super) fn line(&mut self, line: &[u8]) -> Vec<AgentEvent> {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { return Vec::new() };
        let mut events = Vec::new();
        self.heard = true;
        if self.session.is_none() && !line.session.is_empty() {
            let session = SessionId(line.session);
            self.session = Some(session.clone());
            events.push(AgentEvent::Opened { session });
        }
        match line.kind.as_str() {
            "step_finish" => {
                if let Ok(step) = StepFinish::deserialize(&line.part) {
                    self.usage = self.usage.plus(usage_of(step.tokens, step.cost));
                    self.finish = Some(step.reason);
                    events.push(AgentEvent::Usage(self.usage));
                }
                self.parts.settle();
            }
            // The last one is why it ends, unless the agent goes on.
            "error" => self.error = line.error.or(self.error.take()),
            _ => {
                let Ok(part) = Part::deserialize(&line.part) else { return events };
                if part.kind == "step-start" {
                    (self.finish, self.error) = (None, None);
                }
                self.note_refusal(&part);
                events.extend(self.parts.update(&part));
            }
        }
        events
    }

    /// A tool that was refused may be the end of the turn.
    fn note_refusal(&mut self, part: &Part) {
        let said = part.state.as_ref().and_then(|state| state.error.as_deref());
        if let Some(said) = said.filter(|said| REFUSALS.iter().any(|words| said.starts_with(words))) {
            self.refusal = Some(format!("{} was refused: {}", part.tool, words::paragraph(said)));
        }
    }

    /// Whether the agent is at something whose end it has not told.
    pub(super) fn is_within_a_step(&self) -> bool {
        self.heard && self.finish.is_none()
    }

    /// How the turn ended, given that the program has. `because` is why it was used at all.
    pub(super) fn outcome(&self, ended: &Ended, because: &Failure, now: DateTime<Utc>) -> TurnOutcome {
        let failed = |kind, words: String| TurnOutcome::Failed { failure: Failure::new(kind, words) };
        let finish = self.finish.as_deref();
        if self.error.is_none() && matches!(finish, Some("stop" | "length")) {
            // Even if it was cancelled: it had already said all that it wanted to say.
            return TurnOutcome::Completed;
        }
        if let Some(cause) = ended.cancelled {
            return TurnOutcome::Cancelled { cause };
        }
        match (&self.error, finish) {
            (Some(error), _) if error.name == ABORTED => TurnOutcome::Cancelled { cause: CancelCause::Agent },
            (Some(error), _) => TurnOutcome::Failed { failure: told(error, now) },
            (None, Some(end @ ("error" | "content-filter"))) => {
                failed(FailureKind::Provider, format!("the model's service ended the answer: {end}"))
            }
            (None, Some("tool-calls")) if self.refusal.is_some() => {
                let refusal = self.refusal.as_deref().unwrap_or_default();
                failed(FailureKind::PermissionDenied, format!("the agent ended its turn: {refusal}"))
            }
            (None, Some(_)) if ended.success => TurnOutcome::Completed,
            _ if ended.words.contains("Session not found") => {
                failed(FailureKind::SessionUnknown, "opencode does not know the session".to_owned())
            }
            (None, _) if self.heard => failed(FailureKind::AgentCrashed, broke_off(ended)),
            (None, _) => failed(because.kind, format!("{}; and {}", because.message, broke_off(ended))),
        }
    }
}

/// The reason is kept in opencode's own log; of the models that it knows nothing is asked before.
fn told(error: &ErrorObject, now: DateTime<Utc>) -> Failure {
    let mut failure = errors::failure(error, now);
    if failure.message.starts_with("Unexpected server error") {
        failure.message.push_str(" Perhaps it does not know the model: see `opencode models`.");
    }
    failure
}

fn broke_off(ended: &Ended) -> String {
    let said = if ended.words.is_empty() { "it said nothing more" } else { &ended.words };
    format!("`opencode run` ended in the middle of its turn ({}): {said}", ended.status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ToolStatus;

    const ID: &str = "ses_e028ed76dffe1slO3tN4DBkfE3";

    fn because() -> Failure {
        Failure::new(FailureKind::AgentTooOld, "opencode is 1.0.9")
    }

    fn ended(code: i32, words: &str) -> Ended {
        let (status, words) = (format!("exit status: {code}"), words.to_owned());
        Ended { success: code == 0, status, words, cancelled: None }
    }

    fn read(lines: &mut Lines, text: &str) -> Vec<AgentEvent> {
        text.lines().flat_map(|line| lines.line(line.as_bytes())).collect()
    }

    fn kind(lines: &Lines, ended: &Ended) -> String {
        match lines.outcome(ended, &because(), DateTime::UNIX_EPOCH) {
            TurnOutcome::Failed { failure } => failure.to_string(),
            TurnOutcome::Completed => "completed".to_owned(),
            TurnOutcome::Cancelled { cause } => cause.words().to_owned(),
        }
    }

    /// As recorded, shortened to what is read.
    fn ok() -> String {
        [
            r#"{"type":"step_start","timestamp":1,"sessionID":"ID","part":{"id":"prt_1","messageID":"msg_1","sessionID":"ID","type":"step-start"}}"#,
            r#"{"type":"text","timestamp":2,"sessionID":"ID","part":{"id":"prt_2","messageID":"msg_1","type":"text","text":"running","time":{"start":1,"end":2}}}"#,
            r#"{"type":"tool_use","timestamp":3,"sessionID":"ID","part":{"type":"tool","tool":"bash","callID":"call_1","state":{"status":"completed","input":{"command":"echo hi"},"output":"hi\n","title":"echo hi"},"id":"prt_3","messageID":"msg_1"}}"#,
            "! something that is no JSON",
            r#"{"type":"step_finish","timestamp":4,"sessionID":"ID","part":{"id":"prt_4","reason":"tool-calls","messageID":"msg_1","type":"step-finish","tokens":{"input":100,"output":20,"reasoning":1,"cache":{"write":2,"read":3}},"cost":0.5}}"#,
            r#"{"type":"step_start","sessionID":"ID","part":{"id":"prt_5","messageID":"msg_2","type":"step-start"}}"#,
            r#"{"type":"text","sessionID":"ID","part":{"id":"prt_6","messageID":"msg_2","type":"text","text":"all done","time":{"start":1,"end":2}}}"#,
            r#"{"type":"step_finish","sessionID":"ID","part":{"id":"prt_7","reason":"stop","messageID":"msg_2","type":"step-finish","tokens":{"input":100,"output":20},"cost":0.25}}"#,
        ]
        .join("\n")
        .replace("\"ID\"", &format!("\"{ID}\""))
    }

    #[test]
    fn a_turn_is_told_part_by_part_and_counted() {
        let mut lines = Lines::new(None, Usage::default());
        let events = read(&mut lines, &ok());
        assert_eq!(events[0], AgentEvent::Opened { session: SessionId(ID.to_owned()) });
        let said: String = events
            .iter()
            .filter_map(|event| match event {
                AgentEvent::Text { delta } => Some(delta.as_str()),
                AgentEvent::ToolCall { title, status: ToolStatus::Completed, output, .. } => {
                    assert_eq!((title.as_str(), output.as_deref()), ("echo hi", Some("hi\n")));
                    Some("|")
                }
                AgentEvent::Restarted => Some("restarted"),
                _ => None,
            })
            .collect();
        assert_eq!(said, "running|all done");
        let total = Usage { input: 200, output: 40, reasoning: 1, cache_read: 3, cache_write: 2, cost: 0.75 };
        assert_eq!(events.last(), Some(&AgentEvent::Usage(total)));
        assert_eq!(kind(&lines, &ended(0, "")), "completed");
        let mut again = Lines::new(Some(SessionId(ID.to_owned())), total);
        let events = read(&mut again, &ok());
        assert!(!events.iter().any(|event| matches!(event, AgentEvent::Opened { .. })), "it was known");
        assert!(matches!(events.last(), Some(AgentEvent::Usage(all)) if all.input == 400));
    }

    #[test]
    fn each_end_has_its_kind() {
        let after = |text: &str, ended: &Ended| {
            let mut lines = Lines::new(None, Usage::default());
            read(&mut lines, text);
            kind(&lines, ended)
        };
        let first = ok().lines().next().expect("a line").to_owned();
        let error = |body: &str| format!(r#"{{"type":"error","sessionID":"{ID}","error":{body}}}"#);
        let refused = error(r#"{"name":"APIError","data":{"message":"no key","statusCode":401}}"#);
        assert_eq!(after(&refused, &ended(1, "")), "auth: no key");
        let strange = error(
            r#"{"name":"UnknownError","data":{"message":"Unexpected server error. Check server logs."}}"#,
        );
        assert!(after(&strange, &ended(1, "")).contains("opencode models"));
        assert_eq!(
            after("", &ended(1, "Error: Session not found")),
            "session-unknown: opencode does not know the session"
        );
        let neither = after("", &ended(2, "Unknown argument: format"));
        assert!(neither.starts_with("agent-too-old: opencode is 1.0.9; and `opencode run`"), "{neither}");
        assert!(after(&first, &ended(137, "")).starts_with("agent-crashed"), "in the middle");
        assert!(after("", &ended(0, "")).starts_with("agent-too-old"), "without a word");
        let cancelled = Ended { cancelled: Some(CancelCause::Person), ..ended(143, "") };
        assert_eq!(after(&first, &cancelled), "cancelled by a person");
        assert_eq!(after(&ok(), &cancelled), "completed", "it had said all");
        let refusal = [
            first.as_str(),
            r#"{"type":"tool_use","sessionID":"x","part":{"type":"tool","tool":"bash","state":{"status":"error","input":{"command":"ls"},"error":"The user rejected permission to use this specific tool call."},"id":"prt_9","messageID":"msg_1"}}"#,
            r#"{"type":"step_finish","sessionID":"x","part":{"reason":"tool-calls"}}"#,
        ]
        .join("\n");
        assert!(after(&refusal, &ended(0, "")).starts_with("permission-denied: the agent ended"), "rc 0");
    }
}
