//! `work preview`

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use super::tree::plan_tree;
use crate::diag::Severity;
use crate::engine::read_text;
use crate::plan;
use crate::ui::{tally, tree};

/// Show the tree of PLAN.md as it is now, whether it is approved or not
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// What the plan has.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document {
    name: String,
    stages: Vec<Node>,
    errors: usize,
    warnings: usize,
}

#[derive(Serialize, JsonSchema)]
struct Node {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<Node>,
}

pub(super) fn run(ctx: &Context, _args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let handle = ctx.stream(&workspace)?;
    let path = handle.plan_file();
    let source = read_text(&path).map_err(|error| Failed::unreadable_plan(&path, &error))?;
    let parsed = plan::parse(&source);
    let count = |severity| parsed.diagnostics.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let root = plan_tree(&parsed.plan);
    let document = Document {
        name: root.name.clone(),
        stages: root.children.iter().map(node).collect(),
        errors,
        warnings,
    };
    ctx.print(&document, || tree(&ctx.screen, &root))?;
    let doubts = parsed.diagnostics.iter().filter(|finding| finding.severity != Severity::Note);
    if let Some(tally) = tally(doubts) {
        ctx.screen.warn(&format!("the plan has {tally}; `work validate plan` shows them"));
    }
    Ok(Exit::Done)
}

fn node(tree: &crate::ui::TreeNode) -> Node {
    Node { id: tree.id.clone(), name: tree.name.clone(), children: tree.children.iter().map(node).collect() }
}
