//! `work create NAME`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::{create, read_text};
use crate::model::StreamId;

/// Make a new stream with a PLAN.md to fill in; it becomes the current one
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The name, e.g. `Session tracking`; the id is made of it: `001-session-tracking`
    name: String,
    /// How many stages the template of the plan has
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=20))]
    stages: u8,
    /// Take this file as the plan instead of the template
    #[arg(long, value_name = "PLAN.md", conflicts_with = "stages")]
    from: Option<PathBuf>,
}

/// The new stream.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    stream: StreamId,
    #[serde(serialize_with = "crate::engine::lossy::path")]
    plan: PathBuf,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let from = args.from.as_deref().map(|path| {
        read_text(path).map_err(|error| {
            let mut failed = Failed::new(Exit::Failed, "plan", format!("cannot read `{}`", path.display()));
            failed.messages.push(error.to_string());
            failed
        })
    });
    let from = from.transpose()?;
    let handle = create(&workspace, &args.name, args.stages, from.as_deref(), workspace.clock.now())?;
    let created = Created { stream: handle.id.clone(), plan: handle.plan_file() };
    ctx.print(&created, || format!("created {}\n", handle.id))?;
    if !ctx.json {
        ctx.screen.hint(&format!("edit `{}`, then `work validate plan`", handle.plan_file().display()));
    }
    Ok(Exit::Done)
}
