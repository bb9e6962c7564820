//! `work approve plan|stage`

use clap::Subcommand;

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Drawn, Failed};
use super::tree::plan_tree;
use crate::engine::approve::{
    ApproveError, Approved, approve_plan, approve_stage, check, dry_run, revoke_plan, revoke_stage,
};
use crate::engine::{StreamHandle, read_text, stage};
use crate::plan;
use crate::ui::{confirm, tree};

/// Give your word that the plan may run, or that a stage is done
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Check PLAN.md, show what will run, and take its threads and tasks into the state
    Plan(PlanArgs),
    /// Approve the result of a stage
    Stage(StageArgs),
}

#[derive(Debug, clap::Args)]
struct PlanArgs {
    /// Take the approval back; threads and history stay
    #[arg(long)]
    revoke: bool,
    /// Who approves (default: $USER)
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
struct StageArgs {
    /// The stage, e.g. `01`
    id: String,
    /// Take the approval back
    #[arg(long)]
    revoke: bool,
    /// Who approves (default: $USER)
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Approve though not all of its threads are done
    #[arg(long)]
    force: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    match &args.what {
        What::Plan(args) => run_plan(ctx, args),
        What::Stage(args) => run_stage(ctx, args),
    }
}

fn run_plan(ctx: &Context, args: &PlanArgs) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    if args.revoke {
        revoke_plan(&handle.store)?;
        ctx.print(&serde_json::json!({ "revoked": "plan" }), || "the plan is no longer approved".to_owned())?;
        return Ok(Exit::Done);
    }
    let path = handle.plan_file();
    let source = read_text(&path).map_err(|error| {
        Failed::new(Exit::Failed, "plan", format!("cannot read `{}`: {error}", path.display()))
    })?;
    let parsed = plan::parse(&source);
    check(&parsed).map_err(|error| refused(&handle, &source, &parsed, error))?;
    let would = dry_run(&handle.store, &parsed)?;
    if args.dry_run {
        ctx.print(&would, || format!("would approve {}\n", words(&would)))?;
        return Ok(Exit::Done);
    }
    if !args.yes && ctx.screen.interactive && !ctx.json {
        ctx.screen.say(&tree(&ctx.screen, &plan_tree(&parsed.plan)));
        if !confirm(&format!("approve {}?", words(&would))) {
            ctx.screen.say("nothing was approved");
            return Ok(Exit::Failed);
        }
    }
    let approved = approve_plan(&handle.store, &source, &parsed, &ctx.person(args.by.as_deref()))?;
    ctx.print(&approved, || format!("approved {}\n", words(&approved)))?;
    if !ctx.json {
        ctx.screen.hint("`work multi` runs the next batch; `work status` shows how it goes");
    }
    Ok(Exit::Done)
}

/// The errors of the plan are drawn with the refusal.
fn refused(handle: &StreamHandle, source: &str, parsed: &plan::Parsed, error: ApproveError) -> Failed {
    let mut failed = Failed::from(error);
    let name = handle.plan_file().display().to_string();
    failed.drawn = Some(Drawn { name, source: source.to_owned(), diagnostics: parsed.diagnostics.clone() });
    failed
}

fn words(approved: &Approved) -> String {
    let count = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let mut parts = vec![format!("{}, {}", count(approved.threads, "thread"), count(approved.tasks, "task"))];
    let lists = [
        ("new", &approved.added),
        ("changed", &approved.changed),
        ("kept for their history", &approved.kept),
        ("dropped", &approved.dropped),
    ];
    for (word, ids) in lists {
        if !ids.is_empty() && ids.len() < approved.threads {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            parts.push(format!("{word}: {}", ids.join(" ")));
        }
    }
    parts.join("; ")
}

fn run_stage(ctx: &Context, args: &StageArgs) -> CommandResult {
    let (_, handle, stream) = ctx.state()?;
    let id = stage(&stream, &args.id)?;
    if args.revoke {
        revoke_stage(&handle.store, id)?;
        ctx.print(&serde_json::json!({ "revoked": id }), || format!("stage {id} is no longer approved"))?;
    } else {
        approve_stage(&handle.store, id, &ctx.person(args.by.as_deref()), args.force)?;
        ctx.print(&serde_json::json!({ "approved": id }), || format!("approved stage {id}"))?;
    }
    Ok(Exit::Done)
}
