//! The tree of commands. The help of each stands at its `Args`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use super::{
    add_batch, add_stage, add_task, add_thread, agents, answer, approve, assign, changes, close, complete,
    continue_stream, create, delete, edit, execute, fix, hold, import, init, jobs, list, logs, multi,
    preview, prompt, report_stream, review, session, show, status, supervisor, tree, unhold, update,
    use_stream, validate, verify, why, worktree,
};
use crate::ui::ColorChoice;

/// Plans software work, gives its threads to coding agents, and keeps a true record of what they did.
#[derive(Debug, Parser)]
#[command(name = "work", version, max_term_width = 100, help_template = HELP, after_help = after_help())]
pub struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

const HELP: &str = "\
{about}

{usage-heading} {usage}

Plan:        init create import use list validate preview tree show prompt
             approve assign agents review
Run:         execute multi continue verify answer update
Change:      add-stage add-batch add-thread add-task edit delete hold unhold
             complete
Repair:      fix session
Changes:     changes worktree gc
Look:        status why logs report
Background:  jobs supervisor close

{all-args}{after-help}";

/// How to begin, and what the exit codes mean.
fn after_help() -> String {
    let codes = Exit::ALL.map(|exit| format!("  {:>3}  {}\n", exit.code(), exit.meaning()));
    format!(
        "To begin: `work init`, `work create NAME`, edit its PLAN.md, `work validate`,\n\
         `work approve plan`, `work multi`. `work COMMAND --help` tells more.\n\nExit codes:\n{}",
        codes.concat()
    )
}

/// Options that every command has.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options everywhere")]
pub(super) struct Global {
    /// The stream, by id, number or name (default: the current one, then the only open one)
    #[arg(short, long, global = true, value_name = "STREAM")]
    pub(super) stream: Option<String>,
    /// The repository (default: the one that the current folder lies in)
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) repo: Option<PathBuf>,
    /// Print one JSON document (or NDJSON, where something streams) to standard output, also for errors
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: When,
    /// Say only what was asked for, and errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum When {
    Auto,
    Always,
    Never,
}

impl From<When> for ColorChoice {
    fn from(when: When) -> Self {
        match when {
            When::Auto => Self::Auto,
            When::Always => Self::Always,
            When::Never => Self::Never,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Init(init::Args),
    Create(create::Args),
    Import(import::Args),
    Use(use_stream::Args),
    List(list::Args),
    Validate(validate::Args),
    Preview(preview::Args),
    Tree(tree::Args),
    Show(show::Args),
    Prompt(prompt::Args),
    Approve(approve::Args),
    Review(review::Args),
    AddStage(add_stage::Args),
    AddBatch(add_batch::Args),
    AddThread(add_thread::Args),
    AddTask(add_task::Args),
    Edit(edit::Args),
    Delete(delete::Args),
    Hold(hold::Args),
    Unhold(unhold::Args),
    Complete(complete::Args),
    Assign(assign::Args),
    Agents(agents::Args),
    Execute(execute::Args),
    Multi(multi::Args),
    Continue(continue_stream::Args),
    Verify(verify::Args),
    Answer(answer::Args),
    Update(update::Args),
    Fix(fix::Args),
    Session(session::Args),
    Changes(changes::Args),
    Worktree(worktree::Args),
    Gc(worktree::GcArgs),
    Status(status::Args),
    Logs(logs::Args),
    Why(why::Args),
    Report(report_stream::Args),
    Jobs(jobs::Args),
    Supervisor(supervisor::Args),
    Close(close::Args),
}

impl Command {
    pub(super) fn run(self, ctx: &Context) -> CommandResult {
        match self {
            Self::Init(args) => init::run(ctx, &args),
            Self::Create(args) => create::run(ctx, &args),
            Self::Import(args) => import::run(ctx, &args),
            Self::Use(args) => use_stream::run(ctx, &args),
            Self::List(args) => list::run(ctx, &args),
            Self::Validate(args) => validate::run(ctx, &args),
            Self::Preview(args) => preview::run(ctx, &args),
            Self::Tree(args) => tree::run(ctx, &args),
            Self::Show(args) => show::run(ctx, &args),
            Self::Prompt(args) => prompt::run(ctx, &args),
            Self::Approve(args) => approve::run(ctx, &args),
            Self::Review(args) => review::run(ctx, &args),
            Self::AddStage(args) => add_stage::run(ctx, &args),
            Self::AddBatch(args) => add_batch::run(ctx, &args),
            Self::AddThread(args) => add_thread::run(ctx, &args),
            Self::AddTask(args) => add_task::run(ctx, &args),
            Self::Edit(args) => edit::run(ctx, &args),
            Self::Delete(args) => delete::run(ctx, &args),
            Self::Hold(args) => hold::run(ctx, &args),
            Self::Unhold(args) => unhold::run(ctx, &args),
            Self::Complete(args) => complete::run(ctx, &args),
            Self::Assign(args) => assign::run(ctx, &args),
            Self::Agents(args) => agents::run(ctx, &args),
            Self::Execute(args) => execute::run(ctx, &args),
            Self::Multi(args) => multi::run(ctx, &args),
            Self::Continue(args) => continue_stream::run(ctx, &args),
            Self::Verify(args) => verify::run(ctx, &args),
            Self::Answer(args) => answer::run(ctx, &args),
            Self::Update(args) => update::run(ctx, &args),
            Self::Fix(args) => fix::run(ctx, &args),
            Self::Session(args) => session::run(ctx, &args),
            Self::Changes(args) => changes::run(ctx, &args),
            Self::Worktree(args) => worktree::run(ctx, &args),
            Self::Gc(args) => worktree::gc(ctx, &args),
            Self::Status(args) => status::run(ctx, &args),
            Self::Logs(args) => logs::run(ctx, &args),
            Self::Why(args) => why::run(ctx, &args),
            Self::Report(args) => report_stream::run(ctx, &args),
            Self::Close(args) => close::run(ctx, &args),
            Self::Jobs(args) => jobs::run(ctx, &args),
            Self::Supervisor(args) => supervisor::run(ctx, &args),
        }
    }
}
