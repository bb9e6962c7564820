//! `work logs THREAD`

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::logs::{Follow, Step, turns};
use crate::engine::{StreamHandle, Workspace, thread};
use crate::model::{ThreadId, TurnNumber};
use crate::ui::LogPrinter;

/// Show what the agent of a thread said and did
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The thread, by id or unique name
    thread: String,
    /// Show what happens from now on too, until the turn ends
    #[arg(short, long)]
    follow: bool,
    /// Show this turn instead of the last one
    #[arg(long, value_name = "N")]
    turn: Option<TurnNumber>,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let (workspace, handle, stream) = ctx.state()?;
    let thread = thread(&stream, &args.thread)?;
    let all = turns(&workspace.private, &handle.id, thread.id);
    let Some(&last) = all.last() else {
        let id = thread.id;
        if thread.sessions.iter().any(|record| !record.turns.is_empty()) {
            let message = format!("the journals of thread `{id}` are not on this machine");
            return Err(Failed::new(Exit::Failed, "no-journal", message)
                .hint(format!("`work session list --thread {id}` shows what is on record")));
        }
        return Err(Failed::new(Exit::Failed, "no-turn", format!("thread `{id}` has had no turn yet"))
            .hint(format!("`work execute --thread {id}` runs it")));
    };
    let turn = args.turn.unwrap_or(last);
    if !all.contains(&turn) {
        let known: Vec<String> = all.iter().map(ToString::to_string).collect();
        let message = format!("thread `{}` has no turn {turn}; it has {}", thread.id, known.join(", "));
        return Err(Failed::new(Exit::Usage, "unknown-turn", message));
    }
    if let (None, false, Some(hint)) = (args.turn, ctx.json, earlier(thread.id, &all)) {
        ctx.screen.hint(&hint);
    }
    show_turn(ctx, &workspace, &handle, thread.id, turn, args.follow)?;
    Ok(Exit::Done)
}

/// Shows one turn; with `follow` up to its end.
pub(super) fn show_turn(
    ctx: &Context,
    workspace: &Workspace,
    handle: &StreamHandle,
    thread: ThreadId,
    turn: TurnNumber,
    follow: bool,
) -> Result<(), Failed> {
    let mut follow = Follow::open(workspace, handle, thread, turn, follow)?;
    let mut printer = LogPrinter::new(ctx.screen);
    loop {
        match follow.next_step()? {
            Step::Header(header) if !ctx.json => {
                let session = header.session.map_or_else(|| "no session yet".to_owned(), |session| session.0);
                let line = format!(
                    "turn {turn} · attempt {} · {} · {} · {session}",
                    header.attempt, header.agent, header.model
                );
                ctx.screen.note(&line);
            }
            Step::Header(_) => {}
            Step::Event(line) if ctx.json => ctx.screen.out(&serde_json::to_string(&line)?),
            Step::Event(line) => printer.event(&line.event),
            Step::End => break,
        }
    }
    printer.finish();
    if let Some(words) = follow.remark() {
        ctx.screen.warn(&words);
    }
    Ok(())
}

/// That there are turns before the last one, and how they are shown.
fn earlier(thread: ThreadId, turns: &[TurnNumber]) -> Option<String> {
    let (_, earlier) = turns.split_last()?;
    let numbers: Vec<String> = earlier.iter().map(ToString::to_string).collect();
    let which = match earlier {
        [] => return None,
        [_] => "there is an earlier turn",
        _ => "there are earlier turns",
    };
    Some(format!("{which}, {}: `work logs {thread} --turn N` shows it", numbers.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_turns_are_told_of_and_none_where_there_is_none() {
        let thread = "01.01.02".parse().expect("an id");
        assert_eq!((earlier(thread, &[]), earlier(thread, &[3])), (None, None));
        let one = earlier(thread, &[1, 2]).expect("a hint");
        assert_eq!(one, "there is an earlier turn, 1: `work logs 01.01.02 --turn N` shows it");
        let more = earlier(thread, &[1, 2, 4, 7]).expect("a hint");
        assert_eq!(more, "there are earlier turns, 1, 2, 4: `work logs 01.01.02 --turn N` shows it");
    }
}
