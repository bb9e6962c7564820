//! Giving a pending change up, and bringing any snapshot back.

use super::{ChangeError, Desk, ThreadRefs, WorktreeRow};
use crate::adapters::git::{Ref, RefStep};
use crate::model::{Mark, ObjectId, StreamId, ThreadId, TurnNumber};
use crate::sys::fault;

/// A snapshot of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// What a turn left.
    Turn(TurnNumber),
    /// What was given up; none for the last.
    Dropped(Option<u32>),
}

impl Desk {
    /// Gives the pending change of a thread up, with its worktree. All of it is kept, under the number that is
    /// returned. `ignored` gives up the ignored files in the worktree for good.
    ///
    /// # Errors
    /// [`ChangeError`]; then nothing is given up.
    pub fn drop_change(
        &self,
        stream: &StreamId,
        thread: ThreadId,
        ignored: bool,
    ) -> Result<u32, ChangeError> {
        let locked = self.lock()?;
        let row = self.may_go(stream, thread, ignored)?;
        let refs = self.catch_up(&locked, stream, thread)?;
        let (Some(base), Some(tip)) = (&refs.base, &refs.tip) else {
            return Err(ChangeError::NothingPending(thread));
        };
        let (number, kept) = give_up(&refs, tip);
        self.change_refs(&[
            kept,
            RefStep::Delete(base.name.clone(), base.commit.clone()),
            RefStep::Delete(tip.name.clone(), tip.commit.clone()),
        ])?;
        fault::point("drop.marked");
        if let Some(row) = row {
            self.remove(&locked, &row)?;
        }
        Ok(number)
    }

    /// Makes a snapshot the pending change of its thread again. What was pending before is kept, under the
    /// number that is returned; the worktree is made anew when it is next needed.
    ///
    /// # Errors
    /// [`ChangeError`]; then nothing is changed.
    pub fn restore_change(
        &self,
        stream: &StreamId,
        thread: ThreadId,
        source: Source,
        ignored: bool,
    ) -> Result<Option<u32>, ChangeError> {
        let locked = self.lock()?;
        let row = self.may_go(stream, thread, ignored)?;
        let refs = self.catch_up(&locked, stream, thread)?;
        let wanted = find(&refs, source)?;
        let base = self.base_of(&refs, wanted)?;
        let name = |last| ThreadRefs::name(stream, thread, last);
        let before =
            refs.tip.as_ref().filter(|tip| tip.commit != wanted.commit).map(|tip| give_up(&refs, tip));
        let (number, kept) = before.map_or((None, None), |(number, kept)| (Some(number), Some(kept)));
        let to = |last, new: &ObjectId, old: Option<&Ref>| RefStep::Move {
            name: name(last),
            new: new.clone(),
            old: old.map(|old| old.commit.clone()),
        };
        let steps = [to("base", &base, refs.base.as_ref()), to("tip", &wanted.commit, refs.tip.as_ref())];
        self.change_refs(&steps.into_iter().chain(kept).collect::<Vec<_>>())?;
        if let Some(row) = row {
            self.remove(&locked, &row)?;
        }
        Ok(number)
    }

    /// The worktree of a thread, if it has one, of which nothing hinders the removal.
    fn may_go(
        &self,
        stream: &StreamId,
        thread: ThreadId,
        ignored: bool,
    ) -> Result<Option<WorktreeRow>, ChangeError> {
        self.not_running(stream, thread)?;
        let row = self.worktree(stream, thread)?;
        let hindrances = row.as_ref().map(|row| self.hindrances(row, ignored, true)).transpose()?;
        match hindrances.filter(|hindrances| !hindrances.is_empty()) {
            Some(hindrances) => Err(ChangeError::Hindered { thread, hindrances }),
            None => Ok(row),
        }
    }

    /// What a snapshot was counted from; a base is counted from itself.
    fn base_of(&self, refs: &ThreadRefs, wanted: &Ref) -> Result<ObjectId, ChangeError> {
        let base =
            Mark::read(&wanted.message).and_then(|mark| mark.base).unwrap_or_else(|| wanted.commit.clone());
        // It is among those that led to the snapshot, so it is still there.
        match self.git.resolve(&format!("{base}^{{commit}}"))? {
            Some(base) => Ok(base),
            None => Err(ChangeError::NoSnapshot { thread: refs.thread, wanted: base.to_string() }),
        }
    }
}

/// The number under which a tip is given up, and the step that keeps it.
fn give_up(refs: &ThreadRefs, tip: &Ref) -> (u32, RefStep) {
    let number = refs.dropped.keys().max().unwrap_or(&0) + 1;
    let name = ThreadRefs::name(&refs.stream, refs.thread, &format!("dropped/{number}"));
    (number, RefStep::Create(name, tip.commit.clone()))
}

fn find(refs: &ThreadRefs, source: Source) -> Result<&Ref, ChangeError> {
    let found = match source {
        Source::Turn(number) => refs.turns.get(&number).map(|turn| &turn.at),
        Source::Dropped(Some(number)) => refs.dropped.get(&number),
        Source::Dropped(None) => refs.dropped.values().next_back(),
    };
    found.ok_or_else(|| ChangeError::NoSnapshot {
        thread: refs.thread,
        wanted: match source {
            Source::Turn(number) => format!("turn {number}"),
            Source::Dropped(Some(number)) => format!("dropped {number}"),
            Source::Dropped(None) => "dropped".to_owned(),
        },
    })
}
