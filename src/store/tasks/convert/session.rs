//! Session records.

use std::path::PathBuf;

use serde_json::Value;

use super::kept::{Part, known, known_or_none, read, take, word, word_or_none};
use crate::model::{
    AgentName, Ask, End, Extra, Failure, FailureKind, Outcome, OutsidePaths, Owner, SessionId, SessionRecord,
    SessionRef, SessionState, Usage, Verification,
};
use crate::store::tasks::fields::Word;
use crate::store::tasks::wire::{SessionWord, Time, WireError, WireSession, WireUsage};

/// What an unknown state of an attempt means: it ended, and not well.
const UNKNOWN_SESSION: SessionWord = SessionWord::Interrupted;
/// What an unknown kind of failure means.
const UNKNOWN_FAILURE: FailureKind = FailureKind::Task;

const OWNER: Part<Owner> = Part { key: "owner", read, write: |owner| serde_json::to_value(owner).ok() };
const USAGE: Part<Usage> = Part { key: "usage", read, write: |usage| serde_json::to_value(usage).ok() };
const ASKS: Part<Vec<Ask>> = Part { key: "asks", read, write: |asks| serde_json::to_value(asks).ok() };
const CHECK: Part<Verification> = Part {
    key: "verification",
    // One that makes no sense has not passed.
    read: |raw| read(raw).or(Some(Verification::Unknown)),
    write: |check| serde_json::to_value(check).ok(),
};
const OUTSIDE: Part<OutsidePaths> =
    Part { key: "outsidePaths", read, write: |outside| serde_json::to_value(outside).ok() };
const ERROR: Part<Failure> = Part { key: "error", read: read_failure, write: write_failure };

fn read_failure(raw: &Value) -> Option<Failure> {
    let error: WireError = read(raw)?;
    let kind = match error.kind {
        Word::Known(kind) => kind,
        Word::Other(_) => UNKNOWN_FAILURE,
    };
    Some(Failure { kind, message: error.message, reset_at: error.reset_at.map(|time| time.0) })
}

fn write_failure(failure: &Failure) -> Option<Value> {
    let error = WireError {
        kind: Word::Known(failure.kind),
        message: failure.message.clone(),
        reset_at: failure.reset_at.map(Time),
    };
    serde_json::to_value(error).ok()
}

impl WireSession {
    pub(super) fn into_model(self, next_attempt: u32) -> SessionRecord {
        let mut extra = self.extra;
        let session = match (self.session_id, self.resumable) {
            (None, _) => SessionRef::Unopened,
            (Some(id), Some(false)) => SessionRef::Invented(id),
            (Some(id), _) => SessionRef::Known(SessionId(id)),
        };
        let outcome = match known(self.status, UNKNOWN_SESSION, "status", &mut extra) {
            SessionWord::Running => None,
            SessionWord::Completed => Some(Outcome::Completed),
            SessionWord::Failed => Some(Outcome::Failed),
            SessionWord::Interrupted => Some(Outcome::Interrupted),
        };
        let state = if let Some(outcome) = outcome {
            keep("owner", self.owner, &mut extra);
            keep("asks", self.asks, &mut extra);
            let end = End {
                at: self.completed_at.map(|time| time.0),
                exit_code: self.exit_code,
                failure: ERROR.to_model(self.error, &mut extra),
                interrupted_by: self.interrupted_by,
            };
            SessionState::Ended { outcome, end }
        } else {
            // A running record has no end; whoever wrote one keeps it.
            keep("completedAt", self.completed_at.and_then(|at| serde_json::to_value(at).ok()), &mut extra);
            keep("exitCode", self.exit_code.map(Value::from), &mut extra);
            keep("error", self.error, &mut extra);
            keep("interruptedBy", self.interrupted_by.map(Value::from), &mut extra);
            let owner = OWNER.to_model(self.owner, &mut extra);
            SessionState::Running { owner, asks: ASKS.to_model(self.asks, &mut extra).unwrap_or_default() }
        };
        SessionRecord {
            session,
            attempt: self.attempt.unwrap_or(next_attempt),
            agent: AgentName(self.agent_name),
            model: self.model,
            variant: self.variant,
            backend: known_or_none(self.backend, "backend", &mut extra),
            mode: known_or_none(self.mode, "mode", &mut extra),
            directory: self.directory.map(PathBuf::from),
            started_at: self.started_at.0,
            resumed_from: self.resumed_from,
            turns: self.turns,
            usage: match self.usage {
                Some(WireUsage::Known(usage)) => Some(usage),
                Some(WireUsage::Other(raw)) => USAGE.to_model(Some(raw), &mut extra),
                None => None,
            },
            outside_paths: OUTSIDE.to_model(self.outside_paths, &mut extra),
            state,
            verification: CHECK.to_model(self.verification, &mut extra),
            extra,
        }
    }

    pub(super) fn of(record: &SessionRecord) -> Self {
        let mut extra = record.extra.clone();
        let (session_id, resumable) = match &record.session {
            SessionRef::Known(id) => (Some(id.0.clone()), None),
            SessionRef::Invented(id) => (Some(id.clone()), Some(false)),
            SessionRef::Unopened => (None, None),
        };
        let mut wire = Self {
            session_id,
            resumable,
            agent_name: record.agent.0.clone(),
            model: record.model.clone(),
            variant: record.variant.clone(),
            started_at: Time(record.started_at),
            completed_at: None,
            status: Word::Known(SessionWord::Running),
            exit_code: None,
            attempt: Some(record.attempt),
            backend: word_or_none(record.backend, "backend", &mut extra),
            mode: word_or_none(record.mode, "mode", &mut extra),
            directory: record.directory.as_ref().map(|dir| dir.to_string_lossy().into_owned()),
            resumed_from: record.resumed_from,
            turns: record.turns.clone(),
            usage: match take(&mut extra, USAGE.key) {
                Some(raw) if (USAGE.read)(&raw) == record.usage => Some(WireUsage::Other(raw)),
                _ => record.usage.map(WireUsage::Known),
            },
            verification: CHECK.to_wire(record.verification.as_ref(), &mut extra),
            outside_paths: OUTSIDE.to_wire(record.outside_paths.as_ref(), &mut extra),
            error: None,
            interrupted_by: None,
            owner: None,
            asks: None,
            extra: Extra::new(),
        };
        match &record.state {
            SessionState::Running { owner, asks } => {
                take(&mut extra, "status");
                wire.owner = OWNER.to_wire(owner.as_ref(), &mut extra);
                wire.asks = ASKS.to_wire(Some(asks).filter(|asks| !asks.is_empty()), &mut extra);
            }
            SessionState::Ended { outcome, end } => wire.set_end(*outcome, end, &mut extra),
        }
        wire.extra = extra;
        wire
    }

    fn set_end(&mut self, outcome: Outcome, end: &End, extra: &mut Extra) {
        let ended = match outcome {
            Outcome::Completed => SessionWord::Completed,
            Outcome::Failed => SessionWord::Failed,
            Outcome::Interrupted => SessionWord::Interrupted,
        };
        for odd in ["completedAt", "exitCode", "interruptedBy"] {
            take(extra, odd);
        }
        self.status = word(ended, &UNKNOWN_SESSION, "status", extra);
        self.completed_at = end.at.map(Time);
        self.exit_code = end.exit_code;
        self.error = ERROR.to_wire(end.failure.as_ref(), extra);
        self.interrupted_by.clone_from(&end.interrupted_by);
        self.owner = take(extra, "owner");
        self.asks = take(extra, "asks");
    }
}

fn keep(key: &str, value: Option<Value>, extra: &mut Extra) {
    if let Some(value) = value {
        extra.insert(key.to_owned(), value);
    }
}
