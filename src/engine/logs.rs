//! A turn's journal, read once or followed as it is written.

use std::path::Path;
use std::time::Duration;

use super::{StreamHandle, Workspace, owner};
use crate::model::{AgentEvent, CheckStep, StreamId, ThreadId, TurnNumber, Verification};
use crate::store::journal::{Entry, Header, JournalError, JournalLine, Journals, Reader};
use crate::sys::watch::Watch;

/// The turns of a thread that have a journal, oldest first.
#[must_use]
pub fn turns(private: &Path, stream: &StreamId, thread: ThreadId) -> Vec<TurnNumber> {
    Journals::new(private).turns(stream, thread).unwrap_or_default()
}

/// What comes next of a journal.
#[derive(Debug)]
pub enum Step {
    /// The turn begins.
    Header(Box<Header>),
    /// Something happened.
    Event(JournalLine),
    /// There is nothing more.
    End,
}

/// A journal that is read, and followed for as long as somebody writes it.
#[derive(Debug)]
pub struct Follow {
    reader: Reader,
    handle: StreamHandle,
    thread: ThreadId,
    turn: TurnNumber,
    watch: Option<Watch>,
    ended: bool,
    /// Its check has ended, too.
    over: bool,
}

impl Follow {
    /// Opens the journal of a turn; with `follow` its end is waited for.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(
        workspace: &Workspace,
        handle: &StreamHandle,
        thread: ThreadId,
        turn: TurnNumber,
        follow: bool,
    ) -> Result<Self, JournalError> {
        let journals = Journals::new(&workspace.private);
        let watch = follow.then(|| Watch::dir(&journals.dir(&handle.id, thread)));
        let reader = journals.read(&handle.id, thread, turn)?;
        Ok(Self { reader, handle: handle.clone(), thread, turn, watch, ended: false, over: false })
    }

    /// The next step; waits for it while the turn runs.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn next_step(&mut self) -> Result<Step, JournalError> {
        loop {
            match self.reader.next().transpose()? {
                Some(Entry::Started { header, .. }) => return Ok(Step::Header(header)),
                Some(Entry::Event(line)) => {
                    match line.event {
                        AgentEvent::TurnEnded(_) => (self.ended, self.over) = (true, false),
                        AgentEvent::Check(CheckStep::Over { .. }) => self.over = true,
                        AgentEvent::Check(_) => self.over = false,
                        _ => {}
                    }
                    return Ok(Step::Event(line));
                }
                None if self.ended && (self.over || !self.is_checked()) => return Ok(Step::End),
                None => {}
            }
            let goes_on = is_open(&self.handle, self.thread, self.turn) || (self.ended && self.is_checked());
            let Some(watch) = &mut self.watch else { return Ok(Step::End) };
            // A second look, since the last words may have come between the look and the end.
            if !goes_on && self.reader.position() == watch.seen {
                return Ok(Step::End);
            }
            watch.seen = self.reader.position();
            watch.wait(Duration::from_secs(1));
        }
    }

    /// Whether the turn has a check that is being done, or is to be as soon as its end is recorded.
    fn is_checked(&self) -> bool {
        let Ok(state) = self.handle.store.read() else { return false };
        let Some(thread) = state.thread(self.thread) else { return false };
        let mut ours = thread.sessions.iter().filter(|record| record.turns.contains(&self.turn));
        ours.any(|record| match &record.verification {
            Some(Verification::Due) => record.owner().is_some_and(owner::is_alive),
            Some(Verification::Running { owner, .. }) => owner::is_alive(owner),
            _ => false,
        })
    }

    /// What a reader should know of the journal itself.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        let cut = self.reader.is_cut() || !self.ended;
        match (self.reader.skipped(), cut, is_open(&self.handle, self.thread, self.turn)) {
            (_, true, true) => Some("the turn is still running; `-f` follows it".to_owned()),
            (_, true, false) => Some("the journal has no end: whoever wrote it was killed".to_owned()),
            (0, false, _) => None,
            (skipped, false, _) => Some(format!("{skipped} damaged lines of the journal were left out")),
        }
    }
}

/// Whether somebody who lives still runs this turn.
fn is_open(handle: &StreamHandle, thread: ThreadId, turn: TurnNumber) -> bool {
    let Ok(stream) = handle.store.read() else { return false };
    stream
        .thread(thread)
        .and_then(|thread| thread.open_record())
        .is_some_and(|record| record.turns.contains(&turn) && record.owner().is_some_and(owner::is_alive))
}
