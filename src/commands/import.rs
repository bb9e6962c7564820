//! `work import DIR…`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::context::Context;
use super::failed::CommandResult;
use crate::engine::import::{Fate, Imported, Item, Request, import};
use crate::engine::validate::{FileFindings, Finding, findings};
use crate::model::StreamId;
use crate::ui::{import_table, render_diagnostics, tally};

/// Take over streams of the older tool, with all their tasks, reports, sessions and approvals
///
/// The old files are only read. Each stream gets a folder here with its PLAN.md byte for byte, its other
/// files, and a tasks.json of version 2; the old one is kept as tasks.v1.json. A stream that already lies
/// in this repository's `work/` is rewritten where it is.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The old tool's `work/` folder, a repository that has one, or the folder of one stream
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,
    /// Import the only stream under another name
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Say what would be kept and what is odd, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// What an import did.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document<'a> {
    dry_run: bool,
    streams: Vec<Stream<'a>>,
    /// The stream that became the current one, if any did.
    current: Option<&'a StreamId>,
    /// What is odd with the folders themselves.
    findings: Vec<Finding<'a>>,
}

/// A stream, with what is odd in its files.
#[derive(Serialize, JsonSchema)]
struct Stream<'a> {
    #[serde(flatten)]
    item: &'a Item,
    findings: Vec<Finding<'a>>,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let workspace = ctx.ready()?;
    let name = args.name.as_deref();
    let request = Request { dirs: &args.dirs, name, dry_run: args.dry_run, now: workspace.clock.now() };
    let imported = import(&workspace, &request)?;
    let stream = |item| Stream { item, findings: all(&item.findings) };
    let document = Document {
        dry_run: args.dry_run,
        streams: imported.items.iter().map(stream).collect(),
        current: imported.current.as_ref(),
        findings: all(&imported.findings),
    };
    ctx.print(&document, || text(ctx, &imported, args.dry_run))?;
    let refused: Vec<&Item> = imported.items.iter().filter(|item| item.fate == Fate::Refused).collect();
    for item in &refused {
        let reason = item.reason.as_deref().unwrap_or_default();
        ctx.screen.warn(&format!("`{}` is not imported: {reason}", item.from.display()));
        item.hints.iter().for_each(|hint| ctx.screen.hint(hint));
    }
    if args.dry_run {
        ctx.screen.note("nothing was written");
    } else if let Some(current) = &imported.current {
        ctx.screen.note(&format!("{current} is the current stream"));
    }
    let is_new = |item: &&Item| matches!(item.fate, Fate::Imported | Fate::Upgraded);
    if !ctx.json && imported.items.iter().filter(is_new).any(|item| item.approved.is_none()) {
        ctx.screen.hint("`work validate`, then `work approve plan`, before a plan that is not approved runs");
    }
    Ok(if refused.is_empty() { Exit::Done } else { Exit::Failed })
}

fn all(files: &[FileFindings]) -> Vec<Finding<'_>> {
    files.iter().flat_map(findings).collect()
}

/// What is odd, then the table, since that is what one wants to see last.
fn text(ctx: &Context, imported: &Imported, dry: bool) -> String {
    let files = imported.findings.iter().chain(imported.items.iter().flat_map(|item| &item.findings));
    let files: Vec<&FileFindings> = files.filter(|file| !file.diagnostics.is_empty()).collect();
    let mut text = String::new();
    for file in &files {
        let (name, width) = (file.path.display().to_string(), usize::from(ctx.screen.width));
        let drawn = render_diagnostics(&name, &file.source, &file.diagnostics, ctx.screen.color, Some(width));
        text.push_str(&drawn);
        text.push('\n');
    }
    text.push_str(&import_table(&ctx.screen, &imported.items, dry));
    for item in imported.items.iter().filter(|item| !item.files.is_empty()) {
        let names: Vec<String> = item.files.iter().map(|file| file.display().to_string()).collect();
        let stream = item.stream.as_ref().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!("{stream}: with {}\n", names.join(", ")));
    }
    let odd = files.iter().flat_map(|file| &file.diagnostics);
    text.push_str(&tally(odd).map(|tally| format!("{tally}\n")).unwrap_or_default());
    text
}
