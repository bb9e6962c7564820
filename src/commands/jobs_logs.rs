//! `work jobs logs ID`

use std::time::Duration;

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::jobs::one;
use super::logs::show_turn;
use crate::engine::jobs::{JobRow, Queue};
use crate::engine::{StreamHandle, Workspace};
use crate::model::{JobId, TurnNumber};
use crate::sys::watch::Watch;

/// How long a change of the queue may go unseen where the system can't tell of it.
const LOOK: Duration = Duration::from_secs(1);

/// Shows the turn of a job; with `follow` also one that has not begun yet, and one after another when another
/// model is tried.
pub(super) fn run(
    ctx: &Context,
    workspace: &Workspace,
    queue: &Queue,
    id: JobId,
    follow: bool,
) -> CommandResult {
    let first = one(queue, id)?;
    let handle = StreamHandle::of(workspace, &first.stream);
    let folder = Watch::dir(&workspace.private);
    let mut shown: Option<TurnNumber> = None;
    let mut said = false;
    loop {
        let row = one(queue, id)?;
        match row.turn.as_ref().map(|turn| turn.number).filter(|number| Some(*number) != shown) {
            Some(number) => {
                show_turn(ctx, workspace, &handle, row.thread, number, follow)?;
                shown = Some(number);
                if !follow {
                    return Ok(Exit::Done);
                }
            }
            None if !row.status.is_active() => return over(ctx, &row, shown),
            None if !follow || row.held => return Err(not_begun(&row)),
            None => {
                if shown.is_none() && !said {
                    let why = row.why.as_ref().map(|why| format!(", {why}")).unwrap_or_default();
                    ctx.screen.note(&format!("job {id} is {}{why}", row.status.name()));
                    said = true;
                }
                folder.wait(LOOK);
            }
        }
    }
}

/// A job that is over, and all of it was shown; or nothing, when it never had a turn.
fn over(ctx: &Context, row: &JobRow, shown: Option<TurnNumber>) -> CommandResult {
    if shown.is_none() {
        let why = row.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let message = format!("job {} is {}, and had no turn{why}", row.id, row.status.name());
        return Err(Failed::new(Exit::Failed, "no-turn", message)
            .hint(format!("`work jobs retry {}` queues it once more", row.id)));
    }
    ctx.screen.note(&format!("job {} is {}", row.id, row.status.name()));
    Ok(Exit::Done)
}

fn not_begun(row: &JobRow) -> Failed {
    let why = row.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let message = format!("job {} has not begun{why}", row.id);
    let failed = Failed::new(Exit::Failed, "no-turn", message);
    if row.held {
        failed.hint(format!("`work jobs start {}` lets it begin", row.id))
    } else {
        failed.hint(format!("`work jobs logs {} -f` waits for it", row.id))
    }
}
