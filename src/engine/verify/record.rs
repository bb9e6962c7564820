//! The record of a check: who does it, and what came of it.

use crate::engine::SessionError;
use crate::model::{self, Owner, StreamId, ThreadId, Verification};
use crate::store::Store;

/// The variable by which the programs of a check are known.
pub const MARK: &str = "WORK_CHECK";

/// The value of [`MARK`]: no other check of any time or machine has it, so whatever holds it was started by this
/// one, even when that is dead.
#[must_use]
pub fn mark(owner: &Owner, stream: &StreamId, thread: ThreadId, attempt: u32) -> String {
    let Owner { pid, started_at, boot_id, .. } = owner;
    format!("{boot_id}/{pid}/{started_at}/{stream}/{thread}/{attempt}")
}

/// Writes what came of the check that `owner` does.
///
/// # Errors
/// [`SessionError`]; `NoCheck` when `owner` does it no more: somebody else has written what came of it.
pub fn end_check(
    store: &Store,
    thread: ThreadId,
    attempt: u32,
    owner: &Owner,
    came: &Verification,
) -> Result<(), SessionError> {
    Ok(store.transact(|state| {
        let thread = state.thread_mut(thread).ok_or(SessionError::NoThread(thread))?;
        Ok::<_, SessionError>(model::end_check(thread, attempt, owner, came.clone())?)
    })?)
}
