//! `work use STREAM`

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::{make_current, select};
use crate::model::StreamId;

/// Make a stream the current one, or tell which it is
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The stream, by id, number or name; without it, the current one is told
    #[arg(value_name = "STREAM")]
    wanted: Option<String>,
}

/// The current stream.
#[derive(Serialize, JsonSchema)]
pub(super) struct Current {
    current: StreamId,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = match &args.wanted {
        Some(wanted) => select(&workspace, Some(wanted), None)?,
        None => ctx.stream(&workspace)?,
    };
    if args.wanted.is_some() {
        make_current(&workspace, &handle.id)?;
    }
    ctx.print(&Current { current: handle.id.clone() }, || handle.id.to_string())?;
    Ok(Exit::Done)
}
