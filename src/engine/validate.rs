//! Checks of a whole stream: its plan, its state, and the agents; each file with its findings.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::agents::ConfigError;
use super::drift::drift;
use super::{Hint as _, StreamHandle, Workspace, agents};
use crate::diag::{Diagnostic, Severity, position};
use crate::model::Stream;
use crate::plan::{self, Plan};
use crate::store::StoreError;

/// What was found in one file.
#[derive(Debug, Clone)]
pub struct FileFindings {
    /// The file.
    pub path: PathBuf,
    /// Its text; empty when it could not be read.
    pub source: String,
    /// The findings, in order of their place.
    pub diagnostics: Vec<Diagnostic>,
}

impl FileFindings {
    /// How many findings are that bad.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|finding| finding.severity == severity).count()
    }

    fn sorted(mut self) -> Self {
        self.diagnostics.sort_by_key(|finding| finding.primary.as_ref().map_or(0, |label| label.span.start));
        self
    }
}

/// A finding for JSON.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding<'a> {
    /// The file.
    #[serde(serialize_with = "super::lossy::path")]
    pub file: &'a Path,
    /// Line and column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column counts characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The finding.
    #[serde(flatten)]
    pub diagnostic: &'a Diagnostic,
}

/// The findings of a file for JSON.
pub fn findings(file: &FileFindings) -> impl Iterator<Item = Finding<'_>> {
    file.diagnostics.iter().map(|diagnostic| {
        let at = diagnostic.primary.as_ref().map(|label| position(&file.source, label.span.start));
        Finding { file: &file.path, line: at.map(|at| at.0), column: at.map(|at| at.1), diagnostic }
    })
}

fn unreadable(path: PathBuf, code: &'static str, error: &ConfigError) -> FileFindings {
    let mut finding = Diagnostic::error(code, super::hint::chain(error));
    finding.help = error.hints().into_iter().next();
    FileFindings { path, source: String::new(), diagnostics: vec![finding] }
}

/// Checks PLAN.md, and what changed in it since it was approved.
#[must_use]
pub fn check_plan(handle: &StreamHandle) -> FileFindings {
    let path = handle.plan_file();
    let source = match super::streams::read_text(&path) {
        Ok(source) => source,
        Err(error) => {
            let help = "every stream has a PLAN.md in its folder; it must be UTF-8 text";
            let finding = Diagnostic::error("P000", format!("the plan can't be read: {error}")).help(help);
            return FileFindings { path, source: String::new(), diagnostics: vec![finding] };
        }
    };
    let parsed = plan::parse(&source);
    let mut diagnostics = parsed.diagnostics;
    // A state that can't be read is told of where the state is checked.
    if let Ok(stream) = handle.store.read() {
        diagnostics.extend(drifted(&stream, &parsed.plan));
        diagnostics.extend(other_texts(&stream, &parsed.plan));
    }
    FileFindings { path, source, diagnostics }.sorted()
}

fn drifted(stream: &Stream, plan: &Plan) -> Vec<Diagnostic> {
    let finding = |drift: super::drift::Drift| {
        let message = format!("thread {} `{}` {}", drift.id, drift.name, drift.kind.words());
        let finding =
            Diagnostic::warning("S001", message).help("`work approve plan` approves the plan as it is now");
        match plan.thread(drift.id) {
            Some(planned) => finding.at(planned.heading.clone(), "this is not what was approved"),
            None => finding,
        }
    };
    drift(stream, plan).into_iter().map(finding).collect()
}

/// A plan whose threads all are as they were, while what stands around them is not.
fn other_texts(stream: &Stream, plan: &Plan) -> Option<Diagnostic> {
    let message = "what the plan, a stage or a batch says was changed after it was approved";
    let note = || {
        Diagnostic::note("S006", message).help("`work review` shows what; `work approve plan` approves it")
    };
    super::review::texts_changed(stream, plan).then(note)
}

/// Checks agents.yaml, and config.yaml where there is one.
#[must_use]
pub fn check_agents(workspace: &Workspace) -> Vec<FileFindings> {
    let agents = match agents::check_agents(workspace) {
        Ok(checked) => {
            FileFindings { path: checked.path, source: checked.source, diagnostics: checked.diagnostics }
                .sorted()
        }
        Err(error) => unreadable(workspace.agents_file(), "A000", &error),
    };
    let settings = match agents::check_settings(workspace) {
        Ok(checked) if checked.source.is_empty() => None,
        Ok(checked) => Some(
            FileFindings { path: checked.path, source: checked.source, diagnostics: checked.diagnostics }
                .sorted(),
        ),
        Err(error) => Some(unreadable(workspace.settings_file(), "C000", &error)),
    };
    std::iter::once(agents).chain(settings).collect()
}

/// Checks tasks.json: format, and what in it contradicts itself or the plan. A file that can't be
/// read is returned as the error, since that has an exit code of its own.
///
/// # Errors
/// [`StoreError`].
pub fn check_tasks(workspace: &Workspace, handle: &StreamHandle) -> Result<FileFindings, StoreError> {
    let loaded = handle.store.load()?;
    let (stream, mut diagnostics) = (loaded.stream, loaded.notes);
    let known = agents::check_agents(workspace).map(|checked| checked.value.agents).unwrap_or_default();
    for thread in &stream.threads {
        let id = thread.id;
        let open = !super::status::status_of(thread).is_settled();
        let unknown = thread.agent.as_ref().filter(|name| known.iter().all(|agent| agent.name != **name));
        if let Some(agent) = unknown.filter(|_| open) {
            let message = format!("thread {id} is assigned to `{agent}`, which agents.yaml does not have");
            diagnostics.push(
                Diagnostic::warning("S002", message)
                    .help(format!("`work assign --thread {id} --agent NAME`")),
            );
        }
        if thread.sessions.iter().filter(|record| record.is_open()).count() > 1 {
            let message = format!("thread {id} has several open attempts");
            diagnostics.push(Diagnostic::error("S003", message));
        }
        for record in thread.sessions.iter().filter(|record| record.is_open()) {
            if !record.owner().is_some_and(super::owner::is_alive) {
                let message =
                    format!("attempt {} of thread {id} is open, and its owner is dead", record.attempt);
                diagnostics
                    .push(Diagnostic::note("S004", message).help("the next run writes it as interrupted"));
            }
        }
        if !thread.in_plan {
            let message =
                format!("thread {id} `{}` is kept for its history; the plan has it no more", thread.name);
            diagnostics.push(Diagnostic::note("S005", message));
        }
    }
    Ok(FileFindings { path: handle.store.path(), source: String::new(), diagnostics })
}

/// What the codes of this room mean; those of the plan are the plan's.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    let own = match code {
        "P000" => {
            "PLAN.md is missing, can't be read, or is no UTF-8 text. Every stream has one in its folder `work/NNN-name/`."
        }
        "A000" => "`work/agents.yaml` is missing or can't be read. `work init` makes one.",
        "C000" => "`work/config.yaml` can't be read. The file is optional; delete it or repair it.",
        "S001" => {
            "A thread says something else than when the plan was approved, or is new, renamed or gone. It is not run until the plan is approved again, or `--allow-drift` is given."
        }
        "S002" => {
            "A thread is assigned to an agent that `work/agents.yaml` does not have, so it can't be run."
        }
        "S003" => {
            "A thread has more than one attempt without an end. At most one can run at a time; the older ones are written as interrupted at the next run."
        }
        "S004" => {
            "An attempt has no end, and the process that ran it is gone: killed, crashed, or of an earlier boot. Every reader shows it as interrupted; the next run writes it so."
        }
        "T101" => {
            "A state file of the older tool holds something odd: an id or a word that does not fit, or a name that differs. It was read as far as it makes sense, and what did not is kept beside it in the file."
        }
        "T102" => {
            "The folder of a stream was renamed, or its state copied. A stream goes by the name of its folder."
        }
        "S005" => {
            "The plan no longer has this thread, but something was recorded of it: sessions, reports, or finished tasks. It is kept, and is not run."
        }
        "S006" => {
            "Every thread is as it was approved, and runs; but the words around them are not: the plan's summary, a stage's definition, constitution or questions, a batch's summary, or a name. Agents are told them. `work review` shows the lines."
        }
        _ => return plan::explain(code).or_else(|| crate::config::explain(code)),
    };
    Some(own)
}
