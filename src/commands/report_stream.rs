//! `work report`: what was done for a stream. (`report` is who hears of a turn.)

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Exit;
use super::context::Context;
use super::failed::{CommandResult, Failed};
use crate::engine::changes::{self, ChangeError, FileRow};
use crate::engine::report::{Existing, PlanFacts, Report, report, write_report};
use crate::engine::{StreamHandle, Workspace, read_text};
use crate::model::{Stream, ThreadId};
use crate::plan;
use crate::ui::{HTML_MARK, MARKDOWN_MARK, report_html, report_markdown, report_summary};

/// Write a report: stages, threads, what each agent did, time and cost
///
/// Without options it goes to REPORT.md beside the plan, to be committed with it, and takes the place of an
/// earlier one. With `--json` the facts are printed, and no REPORT.md is written.
///
/// Tokens and cost are known for each session as a whole. Where an agent tells no price, the cost is unknown,
/// and not zero.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the Markdown, and write nothing
    #[arg(long, conflicts_with_all = ["html", "json"])]
    stdout: bool,
    /// Write one HTML file with a timeline of all sessions instead; `-` prints it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Replace a file that `work report` did not write
    #[arg(long, conflicts_with = "stdout")]
    force: bool,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    let to_stdout = args.html.as_deref() == Some(Path::new("-"));
    if ctx.json && to_stdout {
        return Err(Failed::new(Exit::Usage, "usage", "`--json` and `--html -` both print a document")
            .hint("`--html FILE` writes the HTML into a file"));
    }
    let (workspace, handle, stream) = ctx.state()?;
    let report = look(ctx, &workspace, &handle, &stream);
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let written = match &args.html {
        _ if args.stdout => None,
        Some(_) if to_stdout => None,
        Some(path) => {
            write_report(path, &report_html(&report), HTML_MARK, existing)?;
            Some(path.clone())
        }
        None if ctx.json => None,
        None => {
            let path = handle.dir.join("REPORT.md");
            write_report(&path, &report_markdown(&report), MARKDOWN_MARK, existing)?;
            Some(path)
        }
    };
    ctx.print(&report, || match written {
        Some(path) => format!("wrote {}\n{}", path.display(), report_summary(&report)),
        None if to_stdout => report_html(&report),
        None => report_markdown(&report),
    })?;
    Ok(Exit::Done)
}

/// The files of the threads that worked in worktrees of their own.
fn touched(
    workspace: &Workspace,
    handle: &StreamHandle,
) -> Result<BTreeMap<ThreadId, Vec<FileRow>>, ChangeError> {
    // Most repositories have none, and then git need not be asked.
    if !changes::has_any(workspace) {
        return Ok(BTreeMap::new());
    }
    changes::Desk::open(workspace)?.touched(&handle.id)
}

/// A plan that can't be read costs only what it would have added.
fn look(ctx: &Context, workspace: &Workspace, handle: &StreamHandle, stream: &Stream) -> Report {
    let path = handle.plan_file();
    let facts = match read_text(&path) {
        Ok(source) => PlanFacts::of(stream, &plan::read(&source)),
        Err(error) => {
            ctx.screen.warn(&format!("cannot read `{}`: {error}", path.display()));
            PlanFacts::unreadable(error.to_string())
        }
    };
    let mut report = report(stream, facts, ctx.env.clock.now());
    match touched(workspace, handle) {
        Ok(files) => report.tell_files(files),
        Err(error) => ctx.screen.warn(&format!("what the threads changed can't be told: {error}")),
    }
    report
}
