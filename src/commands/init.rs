//! `work init`

use clap::ValueEnum;

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::init::{SkillTarget, init};

/// Set up a repository: `work/agents.yaml`, and skills for agents
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Also put the skills (planning, implementing and repairing workstreams) where these agents look for
    /// them; without a value, where all three do
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "AGENTS",
        num_args = 0..=1,
        default_missing_value = "opencode,claude,agents"
    )]
    skills: Vec<Skills>,
    /// Say what would be created, and create nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Skills {
    Opencode,
    Claude,
    Agents,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.workspace()?;
    let targets: Vec<SkillTarget> = args
        .skills
        .iter()
        .map(|skills| match skills {
            Skills::Opencode => SkillTarget::Opencode,
            Skills::Claude => SkillTarget::Claude,
            Skills::Agents => SkillTarget::Agents,
        })
        .collect();
    let done = init(&workspace, &targets, args.dry_run)?;
    let show =
        |path: &std::path::Path| path.strip_prefix(&workspace.root).unwrap_or(path).display().to_string();
    ctx.print(&done, || {
        let verb = if args.dry_run { "would create" } else { "created" };
        let created = done.created.iter().map(|path| format!("{verb} {}\n", show(path)));
        let kept = done.kept.iter().map(|path| format!("kept {}, which was there\n", show(path)));
        created.chain(kept).collect()
    })?;
    for path in &done.other_skills {
        ctx.screen
            .warn(&format!("`{}` differs from the skill of this version; remove it to get that", show(path)));
    }
    if !workspace.is_git {
        ctx.screen.warn("this is no git repository: what agents change can't be compared or taken back");
    }
    if !ctx.json {
        ctx.screen.hint("look at the models in `work/agents.yaml`, then `work create NAME`");
    }
    Ok(Exit::Done)
}
