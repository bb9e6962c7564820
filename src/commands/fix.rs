//! `work fix`

use super::Exit;
use super::add_stage::fix_stage;
use super::context::Context;
use super::execute::Watch;
use super::failed::{CommandResult, Failed};
use super::fix_ask::{Answer, Choice, ask_all};
use super::fix_run::{Fix, Take, nothing};
use super::how::{How, Watching};
use crate::engine::fix::{Which, cases, chosen};
use crate::ui::cases_table;

/// Take up threads that failed, were interrupted or left work undone: resume, retry, or change the agent
#[derive(Debug, clap::Args)]
#[command(after_help = "Without --resume, --retry, --agent or --model it shows the threads and asks.")]
pub(super) struct Args {
    /// A thread, by id or unique name; can be given several times
    #[arg(short, long = "thread", value_name = "ID", conflicts_with_all = ["batch", "all"])]
    threads: Vec<String>,
    /// All threads of a batch that are to be fixed
    #[arg(short, long, value_name = "ID", conflicts_with = "all")]
    batch: Option<String>,
    /// All threads that are to be fixed
    #[arg(long)]
    all: bool,
    /// Begin a new session, which is told what was done and why it failed
    #[arg(long, conflicts_with = "resume")]
    retry: bool,
    /// Add a stage with a thread for each that is not done, instead: the same as `add-stage NAME --fix`
    #[arg(long, value_name = "NAME", conflicts_with_all = ["threads", "batch", "all", "retry", "resume", "agent", "model"])]
    new_stage: Option<String>,
    /// How the older tool named a new stage
    #[arg(long, hide = true, value_name = "NAME", conflicts_with = "new_stage")]
    name: Option<String>,
    /// The stage that the older tool fixed; all that is not done is taken up now
    #[arg(long, hide = true, value_name = "N", requires = "name")]
    stage: Option<String>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    watching: Watching,
    /// How to watch a single thread (default: tui on a terminal, else plain)
    #[arg(long)]
    mode: Option<Watch>,
    /// Say what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Don't ask for a last confirmation
    #[arg(short, long)]
    yes: bool,
}

impl Args {
    fn which(&self) -> Option<Which> {
        match &self.batch {
            Some(batch) => Some(Which::Batch(batch.clone())),
            None if self.all => Some(Which::All),
            None if self.threads.is_empty() => None,
            None => Some(Which::Threads(self.threads.clone())),
        }
    }

    /// What a script would say, of the threads that were named.
    fn example(&self) -> String {
        const HOW: &str = "`--resume`, `--retry` or `--agent NAME`";
        match (&self.batch, self.threads.as_slice()) {
            (Some(batch), _) => format!("`work fix --batch {batch}` with {HOW}"),
            (None, []) => format!("`work fix --all --resume`, or `--thread ID` with {HOW}"),
            (None, [only]) => format!("`work fix --thread {only}` with {HOW}"),
            (None, _) => format!("say it of them all: {HOW}"),
        }
    }

    fn says_what(&self) -> bool {
        self.retry || self.how.resume || self.how.agent.is_some() || self.how.model.is_some()
    }
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    args.how.allowed(ctx)?;
    let (workspace, handle, stream) = ctx.state()?;
    if let Some(name) = &args.name {
        ctx.screen.warn("`work fix --name NAME` is deprecated, and forwards to `work add-stage NAME --fix`");
        return fix_stage(ctx, &handle, name, args.dry_run);
    }
    if let Some(name) = &args.new_stage {
        return fix_stage(ctx, &handle, name, args.dry_run);
    }
    let found = match args.which() {
        Some(which) => chosen(&stream, &which)?,
        None => cases(&stream),
    };
    if found.is_empty() {
        return Err(Failed::new(Exit::Failed, "nothing-to-do", "no thread has to be fixed")
            .hint("`work continue` runs what comes next; `work status` shows the stream"));
    }
    let fix = |how: How, retry| Fix {
        ctx,
        workspace: &workspace,
        handle: &handle,
        how,
        conversation: if retry { Take::New } else { Take::AsTold },
        watching: &args.watching,
        mode: args.mode,
    };
    if args.says_what() {
        if args.which().is_none() {
            return Err(Failed::new(Exit::Usage, "usage", "which threads? none was named")
                .hint("name them: `--thread ID` (several times), `--batch ID` or `--all`"));
        }
        let fix = fix(args.how.clone(), args.retry);
        let named = !args.threads.is_empty();
        return match (args.how.resume && !named, args.dry_run) {
            (true, dry_run) => fix.able(&found, dry_run),
            (false, true) => fix.dry_run(&found, Vec::new()),
            (false, false) => fix.apply(&found),
        };
    }
    if ctx.json {
        ctx.print(&found, String::new)?;
        return Ok(Exit::Done);
    }
    ctx.screen.out(&cases_table(&ctx.screen, &found));
    if !ctx.screen.interactive {
        return Err(Failed::new(Exit::Waiting, "needs-choice", "what to do with them is a person's choice")
            .hint(args.example()));
    }
    let agents = ctx.agents(&workspace)?;
    let asking = ctx.while_asking();
    let all = found.len() == cases(&stream).len();
    match ask_all(ctx, &agents, &found, &args.how, all) {
        None => {
            drop(asking);
            Ok(nothing(ctx))
        }
        Some(Choice::NewStage(name)) => fix_stage(ctx, &handle, &name, args.dry_run),
        Some(Choice::TakeUp(Answer { cases, how, retry })) => {
            let fix = fix(how, retry);
            if args.dry_run {
                fix.dry_run(&cases, Vec::new())
            } else {
                fix.confirmed(&cases, args.yes, asking)
            }
        }
    }
}
