//! `work validate`

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::Exit;
use super::context::Context;
use super::copies;
use super::failed::{CommandResult, Failed};
use crate::diag::Severity;
use crate::engine::restore::is_sound;
use crate::engine::validate::{
    FileFindings, StateCheck, check_agents, check_jobs, check_plan, check_state, explain, findings,
};
use crate::ui::{render_diagnostics, tally};

/// Check the plan, the state and the agents, and show what is wrong where
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to check
    #[arg(value_name = "WHAT", default_value = "all")]
    what: What,
    /// Tell what the code of a finding, such as `P003`, means, and check nothing
    #[arg(long, value_name = "CODE")]
    explain: Option<String>,
    /// Put an earlier copy of tasks.json in its place, by number or name; what was there is kept beside it
    ///
    /// Without a value: the newest good copy replaces a corrupt file, and a corrupt queue of jobs as well; where
    /// all can be read, the copies of tasks.json are listed.
    #[arg(long, value_name = "COPY", num_args = 0..=1)]
    restore: Option<Option<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    All,
    Plan,
    Tasks,
    Agents,
    Sessions,
}

/// What was found.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document<'a> {
    errors: usize,
    warnings: usize,
    findings: Vec<crate::engine::validate::Finding<'a>>,
}

/// What a code means.
#[derive(Serialize, JsonSchema)]
pub(super) struct Explained<'a> {
    code: &'a str,
    text: &'a str,
}

pub(super) fn run(ctx: &Context, args: &Args) -> CommandResult {
    if let Some(code) = &args.explain {
        let code = code.to_uppercase();
        let text = explain(&code).ok_or_else(|| {
            Failed::new(Exit::Usage, "unknown-code", format!("no finding has the code `{code}`"))
                .hint("a finding shows its code in brackets, such as `error[P014]`")
        })?;
        ctx.print(&Explained { code: &code, text }, || format!("{code}: {text}\n"))?;
        return Ok(Exit::Done);
    }
    let workspace = ctx.ready()?;
    let wants = |what| args.what == what || args.what == What::All;
    let mut files: Vec<FileFindings> = Vec::new();
    if wants(What::Agents) {
        files.extend(check_agents(&workspace));
    }
    let state = match args.what {
        What::All => Some(StateCheck::All),
        What::Tasks => Some(StateCheck::Tasks),
        What::Sessions => Some(StateCheck::Sessions),
        What::Plan | What::Agents => None,
    };
    if wants(What::Plan) || state.is_some() || args.restore.is_some() {
        let handle = ctx.stream(&workspace)?;
        if let Some(wanted) = &args.restore {
            let queue = wanted.is_none() && copies::restore_jobs(ctx, &workspace)?;
            // Whoever got the queue back did not ask for a list of what is sound.
            let state = !queue || !is_sound(&handle);
            if state && !copies::restore(ctx, &handle, wanted.as_deref())? {
                return Ok(Exit::Done);
            }
        }
        if wants(What::Plan) {
            files.push(check_plan(&workspace, &handle));
        }
        if let Some(what) = state {
            files.push(check_state(&workspace, &handle, what)?);
            files.extend(check_jobs(&workspace).filter(|_| what != StateCheck::Sessions));
        }
    }
    report(ctx, &files)
}

fn report(ctx: &Context, files: &[FileFindings]) -> CommandResult {
    let count = |severity| files.iter().map(|file| file.count(severity)).sum::<usize>();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let document = Document { errors, warnings, findings: files.iter().flat_map(findings).collect() };
    ctx.print(&document, || {
        let width = Some(usize::from(ctx.screen.width));
        let mut text = String::new();
        for file in files.iter().filter(|file| !file.diagnostics.is_empty()) {
            let name = file.path.display().to_string();
            text.push_str(&render_diagnostics(
                &name,
                &file.source,
                &file.diagnostics,
                ctx.screen.color,
                width,
            ));
            text.push('\n');
        }
        let checked: Vec<String> = files
            .iter()
            .filter_map(|file| file.path.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let all = files.iter().flat_map(|file| &file.diagnostics);
        let verdict = tally(all).unwrap_or_else(|| "fine".to_owned());
        text.push_str(&format!("{}: {verdict}\n", checked.join(", ")));
        text
    })?;
    Ok(if errors > 0 { Exit::Invalid } else { Exit::Done })
}
