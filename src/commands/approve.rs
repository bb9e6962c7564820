//! `work approve plan|stage`

use clap::Subcommand;

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Drawn, Failed};
use super::tree::{plan_tree, stream_tree};
use crate::engine::agents::check_agents;
use crate::engine::approve::{
    ApproveError, Approved, Revoked, StageApproved, approve_plan, approve_stage, check, check_stage, dry_run,
    revoke_plan, revoke_stage,
};
use crate::engine::status::report;
use crate::engine::validate::unknown_agents;
use crate::engine::{StreamHandle, approved, read_text, stage};
use crate::model::{StageId, Stream};
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
    /// Check PLAN.md, show what will run, and take its threads and tasks over into tasks.json
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
    /// Approve without being asked; needed where there is no terminal
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
    /// Approve without being asked; needed where there is no terminal
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    ctx.needs_person("approve")?;
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
        let revoked = Revoked { revoked: "plan".to_owned() };
        ctx.print(&revoked, || "the plan is no longer approved".to_owned())?;
        return Ok(Exit::Done);
    }
    let path = handle.plan_file();
    let source = read_text(&path).map_err(|error| Failed::unreadable_plan(&path, &error))?;
    let parsed = plan::parse(&source);
    check(&parsed).map_err(|error| refused(&handle, &source, &parsed, error))?;
    let would = dry_run(&handle.store, &parsed)?;
    // A broken agents.yaml hinders no approval; what is run later needs it.
    if let Ok(agents) = check_agents(&workspace) {
        for finding in unknown_agents(&parsed.plan, None, &agents.value) {
            ctx.screen.warn(&format!("{}: it can't run before", finding.message));
        }
    }
    if args.dry_run {
        ctx.print(&would, || format!("would approve {}\n", would.words()))?;
        return Ok(Exit::Done);
    }
    if !args.yes && !asked(ctx, &parsed, &would)? {
        ctx.screen.say("nothing was approved");
        return Ok(Exit::Failed);
    }
    let approved = approve_plan(&handle.store, &source, &parsed, &ctx.person(args.by.as_deref()))?;
    approved::keep(&workspace, &handle.id, &source);
    ctx.print(&approved, || format!("approved {}\n", approved.words()))?;
    if !ctx.json {
        ctx.screen.hint("`work multi` runs the next batch; `work status` shows how it goes");
    }
    Ok(Exit::Done)
}

/// Shows what will run, and asks. Without a person at a terminal nobody can give their word.
fn asked(ctx: &Context, parsed: &plan::Parsed, would: &Approved) -> Result<bool, Failed> {
    if !ctx.screen.interactive || ctx.json {
        let message = format!("approving {} needs a person's word", would.words());
        return Err(Failed::new(Exit::Waiting, "needs-confirmation", message)
            .hint("`--yes` gives it; `--dry-run` only looks"));
    }
    ctx.screen.say(tree(&ctx.screen, &plan_tree(&parsed.plan)).trim_end());
    Ok(confirm(&ctx.screen, &format!("approve {}?", would.words())))
}

/// The findings that forbid it are drawn with the refusal.
fn refused(handle: &StreamHandle, source: &str, parsed: &plan::Parsed, error: ApproveError) -> Failed {
    let reasons = parsed.diagnostics.iter().filter(|finding| error.is_about(finding)).cloned().collect();
    let mut failed = Failed::from(error);
    let name = handle.plan_file().display().to_string();
    failed.drawn = Some(Drawn { name, source: source.to_owned(), diagnostics: reasons });
    failed
}

fn run_stage(ctx: &Context, args: &StageArgs) -> CommandResult {
    let (_, handle, stream) = ctx.state()?;
    let id = stage(&stream, &args.id)?;
    if args.revoke {
        revoke_stage(&handle.store, id)?;
        let revoked = Revoked { revoked: id.to_string() };
        ctx.print(&revoked, || format!("stage {id} is no longer approved"))?;
    } else {
        check_stage(&stream, id, args.force)?;
        if !args.yes && !asked_stage(ctx, &stream, id)? {
            ctx.screen.say("nothing was approved");
            return Ok(Exit::Failed);
        }
        approve_stage(&handle.store, id, &ctx.person(args.by.as_deref()), args.force)?;
        ctx.print(&StageApproved { approved: id }, || format!("approved stage {id}"))?;
    }
    Ok(Exit::Done)
}

/// Shows how the stage stands, and asks.
fn asked_stage(ctx: &Context, stream: &Stream, id: StageId) -> Result<bool, Failed> {
    if !ctx.screen.interactive || ctx.json {
        let message = format!("approving stage {id} needs a person's word");
        return Err(Failed::new(Exit::Waiting, "needs-confirmation", message)
            .hint(format!("`--yes` gives it; `work show {id}` only looks")));
    }
    let mut status = report(stream, Vec::new());
    status.stages.retain(|stage| stage.id == id);
    ctx.screen.say(tree(&ctx.screen, &stream_tree(stream, &status, true)).trim_end());
    Ok(confirm(&ctx.screen, &format!("approve the result of stage {id}?")))
}
