//! A process that works with worktrees and changes: the tests run many of it, and kill it.
//!
//!     changes-worker ROOT DATA STREAM THREAD make [COPY…]     the worktree, made; prints its path
//!     changes-worker ROOT DATA STREAM THREAD turn N           keeps turn N
//!     changes-worker ROOT DATA STREAM THREAD apply|commit|together|undo|drop|remove|restore
#![expect(clippy::print_stdout, reason = "what was done stands on standard output")]

use std::path::Path;
use std::process::ExitCode;

use work::config::WorktreeSettings;
use work::engine::Workspace;
use work::engine::changes::{Desk, Source};
use work::model::{StreamId, ThreadId, TurnMark};
use work::sys::clock::Clock;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<(), Failure> {
    let [root, data, stream, thread, what, more @ ..] = args else { return Err("too few words".into()) };
    let workspace = Workspace::find(Path::new(root), None, Clock::System)?;
    let desk = Desk::open_with(&workspace, data.into())?;
    let (stream, thread): (StreamId, ThreadId) = (stream.parse()?, thread.parse()?);
    let both = [(stream.clone(), thread)];
    match (*what, more) {
        ("make", copy) => {
            let copy = copy.iter().map(|pattern| (*pattern).to_owned()).collect();
            let settings = WorktreeSettings { copy, setup: Vec::new() };
            println!("{}", desk.ensure_worktree(&stream, thread, &settings, &mut |_| {})?.display());
        }
        ("turn", [number]) => {
            let turn = TurnMark {
                turn: number.parse()?,
                agent: "back end".to_owned(),
                model: "p/m".to_owned(),
                session: None,
                status: "completed".to_owned(),
                outside: Vec::new(),
            };
            println!("{}", desk.keep_turn(&stream, thread, turn)?.is_some());
        }
        ("apply", []) => println!("{}", desk.apply(&both, None)?.files.len()),
        ("commit", []) => println!("{}", desk.apply(&both, Some("Apply it"))?.files.len()),
        ("together", []) => println!("{}", desk.bring_together(&stream, thread)?.len()),
        ("undo", []) => println!("{}", desk.undo(false)?.files.len()),
        ("drop", []) => println!("{}", desk.drop_change(&stream, thread, false)?),
        ("remove", []) => println!("{}", desk.remove_worktree(&stream, thread, false)?.display()),
        ("restore", []) => {
            println!("{:?}", desk.restore_change(&stream, thread, Source::Dropped(None), false)?);
        }
        _ => return Err(format!("not understood: {args:?}").into()),
    }
    Ok(())
}
