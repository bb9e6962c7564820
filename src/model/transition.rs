//! The only way a status changes. An illegal step is an error value, and changes nothing.

use chrono::{DateTime, Utc};

use super::{
    Ask, End, Outcome, Owner, SessionId, SessionRecord, SessionRef, SessionState, Stream, StreamId,
    StreamState, Task, TaskStatus, Thread, ThreadId, Verification,
};

/// A step that the state does not allow. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// A task or thread can't go from one status straight to the other.
    #[error("`{id}` is {from}, and can't become {to} from there", from = from.name(), to = to.name())]
    Step {
        /// The task or thread.
        id: String,
        /// Its status.
        from: TaskStatus,
        /// What was asked for.
        to: TaskStatus,
    },
    /// A thread is done only when its tasks are.
    #[error("thread `{id}` can't be completed while tasks are open: {}", open.join(", "))]
    OpenTasks {
        /// The thread.
        id: ThreadId,
        /// The ids of its open tasks.
        open: Vec<String>,
    },
    /// A stream can't go from one state straight to the other.
    #[error("stream `{id}` is {from}, and can't be put {to}", from = from.words(), to = to.words())]
    StreamStep {
        /// The stream.
        id: StreamId,
        /// Its state.
        from: StreamState,
        /// What was asked for.
        to: StreamState,
    },
    /// The thread has an attempt that nobody has ended.
    #[error("thread `{id}` already has a running session (attempt {attempt})")]
    AlreadyRunning {
        /// The thread.
        id: ThreadId,
        /// The open attempt.
        attempt: u32,
    },
    /// There is nothing to check: that attempt runs, or never was.
    #[error("attempt {attempt} of thread `{id}` can't be checked now")]
    NoCheck {
        /// The thread.
        id: ThreadId,
        /// The attempt.
        attempt: u32,
    },
    /// There is no open attempt of that number: it never began, or its end is written.
    #[error("attempt {attempt} of thread `{id}` is not running")]
    NotRunning {
        /// The thread.
        id: ThreadId,
        /// The attempt.
        attempt: u32,
    },
}

/// Whether a task may go from one status to the other.
///
/// Saying the same again is allowed (a report may be added). What was completed or cancelled is
/// first opened again (`pending` or `in_progress`), so that no done work is lost by a slip.
fn step_allowed(from: TaskStatus, to: TaskStatus) -> bool {
    use TaskStatus::{Blocked, Cancelled, Completed, InProgress, Pending};
    from == to
        || match from {
            Pending | InProgress | Blocked => true,
            Completed | Cancelled => matches!(to, Pending | InProgress),
        } && !matches!((from, to), (Completed, Blocked | Cancelled) | (Cancelled, Blocked | Completed))
}

/// Sets the status of a task.
///
/// # Errors
/// [`TransitionError::Step`] when the step is not allowed.
pub fn set_task(task: &mut Task, to: TaskStatus, now: DateTime<Utc>) -> Result<(), TransitionError> {
    if !step_allowed(task.status, to) {
        return Err(TransitionError::Step { id: task.id.to_string(), from: task.status, to });
    }
    task.status = to;
    task.updated_at = now;
    Ok(())
}

/// Sets what is said of a thread as a whole.
///
/// # Errors
/// [`TransitionError::Step`] when the step is not allowed; [`TransitionError::OpenTasks`] when it is
/// called completed while a task is open.
pub fn set_thread(thread: &mut Thread, to: TaskStatus) -> Result<(), TransitionError> {
    if !step_allowed(thread.declared, to) {
        return Err(TransitionError::Step { id: thread.id.to_string(), from: thread.declared, to });
    }
    if to == TaskStatus::Completed {
        let open: Vec<String> = thread
            .tasks
            .iter()
            .filter(|task| !task.status.is_settled())
            .map(|task| task.id.to_string())
            .collect();
        if !open.is_empty() {
            return Err(TransitionError::OpenTasks { id: thread.id, open });
        }
    }
    thread.declared = to;
    Ok(())
}

/// A person who calls a thread completed whose last turn has ended knows that its check has not passed, and takes
/// it as it is. Of a turn that runs nothing is known yet, so nothing is taken.
pub fn waive_check(thread: &mut Thread) {
    if thread.open_record().is_some() || thread.check().is_none_or(Verification::is_settled) {
        return;
    }
    if let Some(tells) = thread.sessions.iter_mut().rev().find(|record| record.verification.is_some()) {
        tells.verification = Some(Verification::Waived);
    }
}

/// Sets what is said of a stream as a whole. Saying the same again changes nothing. Gives what was said
/// before.
///
/// # Errors
/// [`TransitionError::StreamStep`]: what is completed is opened again before it is put on hold.
pub fn set_stream(stream: &mut Stream, to: StreamState) -> Result<StreamState, TransitionError> {
    let from = stream.state;
    if (from, to) == (StreamState::Completed, StreamState::OnHold) {
        return Err(TransitionError::StreamStep { id: stream.id.clone(), from, to });
    }
    stream.state = to;
    Ok(from)
}

/// Appends the record of a new attempt.
///
/// # Errors
/// [`TransitionError::AlreadyRunning`] when another record of the thread is open. Whoever finds its
/// owner dead ends that one first.
pub fn begin_session(thread: &mut Thread, record: SessionRecord) -> Result<(), TransitionError> {
    if let Some(open) = thread.open_record().filter(|_| record.is_open()) {
        return Err(TransitionError::AlreadyRunning { id: thread.id, attempt: open.attempt });
    }
    thread.sessions.push(record);
    Ok(())
}

/// Writes the end of an open attempt.
///
/// # Errors
/// [`TransitionError::NotRunning`] when that attempt is not open: an end is written exactly once.
pub fn end_session(
    thread: &mut Thread,
    attempt: u32,
    outcome: Outcome,
    end: End,
) -> Result<&mut SessionRecord, TransitionError> {
    let id = thread.id;
    let record = thread
        .sessions
        .iter_mut()
        .find(|record| record.attempt == attempt && record.is_open())
        .ok_or(TransitionError::NotRunning { id, attempt })?;
    record.state = SessionState::Ended { outcome, end };
    Ok(record)
}

/// Says which session an open attempt has, for an agent that tells it late. An id that is known stays.
///
/// # Errors
/// [`TransitionError::NotRunning`] when that attempt is not open.
pub fn name_session(thread: &mut Thread, attempt: u32, session: SessionId) -> Result<(), TransitionError> {
    let id = thread.id;
    let open = thread.sessions.iter_mut().find(|record| record.attempt == attempt && record.is_open());
    let record = open.ok_or(TransitionError::NotRunning { id, attempt })?;
    if record.session == SessionRef::Unopened {
        record.session = SessionRef::Known(session);
    }
    Ok(())
}

/// Gives an open attempt to another owner: the one that it had is dead, and its turn goes on. What its agent
/// asks, the new owner finds out.
///
/// # Errors
/// [`TransitionError::NotRunning`] when that attempt is not open, or `from` does not own it (any more).
pub fn take_over_session(
    thread: &mut Thread,
    attempt: u32,
    from: &Owner,
    to: Owner,
) -> Result<(), TransitionError> {
    let id = thread.id;
    let open = thread.sessions.iter_mut().find(|record| record.attempt == attempt);
    let record = open.filter(|record| record.owner() == Some(from));
    let record = record.ok_or(TransitionError::NotRunning { id, attempt })?;
    record.state = SessionState::Running { owner: Some(to), asks: Vec::new() };
    Ok(())
}

/// Says what the agent of an open attempt asks a person; nothing when it asks no more.
///
/// # Errors
/// [`TransitionError::NotRunning`] when that attempt is not open: who has ended asks nothing.
pub fn set_asks(thread: &mut Thread, attempt: u32, now_asked: Vec<Ask>) -> Result<(), TransitionError> {
    let id = thread.id;
    let open = thread.sessions.iter_mut().find(|record| record.attempt == attempt);
    match open.map(|record| &mut record.state) {
        Some(SessionState::Running { asks, .. }) => *asks = now_asked,
        _ => return Err(TransitionError::NotRunning { id, attempt }),
    }
    Ok(())
}

/// Begins the check of what an attempt left that has ended.
///
/// # Errors
/// [`TransitionError::NoCheck`] when the attempt is open or not there, or somebody checks it already; whoever
/// finds that one dead ends its check first.
pub fn begin_check(
    thread: &mut Thread,
    attempt: u32,
    owner: Owner,
    now: DateTime<Utc>,
) -> Result<(), TransitionError> {
    let id = thread.id;
    let of = |record: &&mut SessionRecord| {
        let busy = record.verification.as_ref().is_some_and(|check| check.owner().is_some());
        record.attempt == attempt && !record.is_open() && !busy
    };
    let record = thread.sessions.iter_mut().find(of).ok_or(TransitionError::NoCheck { id, attempt })?;
    record.verification = Some(Verification::Running { since: now, owner });
    Ok(())
}

/// Writes what came of the check that `owner` does.
///
/// # Errors
/// [`TransitionError::NoCheck`] when `owner` does not check that attempt (any more).
pub fn end_check(
    thread: &mut Thread,
    attempt: u32,
    owner: &Owner,
    came: Verification,
) -> Result<(), TransitionError> {
    let id = thread.id;
    let theirs = |record: &&mut SessionRecord| {
        let by = record.verification.as_ref().and_then(Verification::owner);
        record.attempt == attempt && by == Some(owner)
    };
    let record = thread.sessions.iter_mut().find(theirs).ok_or(TransitionError::NoCheck { id, attempt })?;
    record.verification = Some(came);
    Ok(())
}
