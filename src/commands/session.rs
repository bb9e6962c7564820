//! `work session list|show|attach|connect|complete|cancel|export`

use clap::{Subcommand, ValueEnum};

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use super::{session_attach, session_cancel, session_connect};
use crate::engine::session::{SessionView, complete, export, find, view};
use crate::engine::status::{ThreadRow, report};
use crate::engine::thread;
use crate::model::Outcome;
use crate::ui::sessions_table;

/// Look at sessions across threads, open one in its agent's own UI, close or cancel one, write one out
#[derive(Debug, clap::Args)]
#[command(
    after_help = "WHICH is a session's id, a thread (its newest attempt), or THREAD/N (its attempt N)."
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the record of every attempt
    List {
        /// Only those of this thread
        #[arg(short, long, value_name = "ID")]
        thread: Option<String>,
    },
    /// Show one record
    Show {
        /// Session, thread or THREAD/N
        which: String,
    },
    /// Open the agent's own UI on a session, while a turn runs or when none does
    Attach {
        /// Session, thread or THREAD/N; without it the connected session
        which: Option<String>,
    },
    /// Choose the session that `work execute --mode primary` talks to: one that you have open
    Connect {
        /// Session, thread or THREAD/N; without it you are asked
        which: Option<String>,
        /// Forget the connected session
        #[arg(long, conflicts_with_all = ["which", "list"])]
        none: bool,
        /// Only list what could be connected
        #[arg(long, conflicts_with = "which")]
        list: bool,
    },
    /// Write the end of a session that nobody runs any more, as you say that it went
    Complete {
        /// Session, thread or THREAD/N
        which: String,
        /// How it went
        #[arg(long = "as", value_name = "HOW")]
        outcome: How,
    },
    /// Cancel the turn that runs in a thread; it is recorded as interrupted
    Cancel {
        /// Session, thread or THREAD/N
        which: String,
    },
    /// Print what was said and done as Markdown; with --json the record alone
    Export {
        /// Session, thread or THREAD/N
        which: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum How {
    /// The agent ended well
    Completed,
    /// It failed
    Failed,
    /// It was interrupted
    Interrupted,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    match &args.what {
        What::List { thread } => list(ctx, thread.as_deref()),
        What::Show { which } => show(ctx, which),
        What::Attach { which } => session_attach::run(ctx, which.as_deref()),
        What::Connect { which, none, list } => session_connect::run(ctx, which.as_deref(), *none, *list),
        What::Complete { which, outcome } => close(ctx, which, *outcome),
        What::Cancel { which } => session_cancel::run(ctx, which),
        What::Export { which } => {
            let (workspace, _, stream) = ctx.state()?;
            let (thread, record) = find(&stream, which)?;
            ctx.print(&view(thread, record), || export(&workspace, &stream, thread, record))?;
            Ok(Exit::Done)
        }
    }
}

fn list(ctx: &Context, wanted: Option<&str>) -> CommandResult {
    let (_, _, stream) = ctx.state()?;
    let only = wanted.map(|wanted| thread(&stream, wanted)).transpose()?.map(|thread| thread.id);
    let mut threads: Vec<ThreadRow> = report(&stream, Vec::new()).threads;
    threads.retain(|row| only.is_none_or(|only| row.id == only));
    let with_thread = |id| stream.threads.iter().find(move |thread| thread.id == id);
    let views: Vec<SessionView> = threads
        .iter()
        .filter_map(|row| with_thread(row.id))
        .flat_map(|thread| thread.sessions.iter().map(move |record| view(thread, record)))
        .collect();
    ctx.print(&views, || sessions_table(&ctx.screen, &threads))?;
    Ok(Exit::Done)
}

fn show(ctx: &Context, which: &str) -> CommandResult {
    let (_, _, stream) = ctx.state()?;
    let (thread, record) = find(&stream, which)?;
    let view = view(thread, record);
    ctx.print(&view, || crate::ui::session_text(&ctx.screen, &view))?;
    Ok(Exit::Done)
}

fn close(ctx: &Context, which: &str, outcome: How) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let outcome = match outcome {
        How::Completed => Outcome::Completed,
        How::Failed => Outcome::Failed,
        How::Interrupted => Outcome::Interrupted,
    };
    let view = complete(&handle, which, outcome, &ctx.person(None))?;
    ctx.print(&view, || {
        format!("attempt {} of {} is on record as {}", view.session.attempt, view.thread, outcome.name())
    })?;
    Ok(Exit::Done)
}
