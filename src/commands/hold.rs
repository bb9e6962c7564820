//! `work hold`

use super::context::Context;
use super::failed::CommandResult;
use super::{Exit, added};
use crate::engine::standing::{Standing, hold};

/// Put the stream on hold: nothing of it is started until `work unhold`
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(ctx: &Context, _args: &Args) -> CommandResult {
    ctx.needs_person("put a stream on hold")?;
    let standing = hold(&added::stream(ctx)?.store)?;
    ctx.print(&standing, || words(&standing, "on hold"))?;
    if !standing.running.is_empty() {
        let ids: Vec<String> = standing.running.iter().map(ToString::to_string).collect();
        ctx.screen.warn(&format!("what runs goes on to its end: {}", ids.join(", ")));
    }
    Ok(Exit::Done)
}

/// `001-name is on hold`, or that it was so already.
pub(super) fn words(standing: &Standing, state: &str) -> String {
    let already = if standing.from == standing.state { " already" } else { "" };
    format!("{} is {state}{already}\n", standing.stream)
}
