//! Checks of a whole stream: its plan, its state, and the agents; each file with its findings.

mod explain;
mod jobs;
mod sessions;
mod tasks;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::agents::ConfigError;
use super::drift::drift;
use super::{Hint as _, StreamHandle, Workspace, agents, spot};
use crate::config::{Agent, Agents};
use crate::diag::{Diagnostic, Lines, Severity};
use crate::model::{AgentName, SessionRecord, Stream, Thread};
use crate::plan::{self, Plan};
use crate::store::StoreError;

pub use explain::explain;
pub use jobs::check_jobs;

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
    let lines = Lines::of(&file.source);
    file.diagnostics.iter().map(move |diagnostic| {
        let at = diagnostic.primary.as_ref().map(|label| lines.position(label.span.start));
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
pub fn check_plan(workspace: &Workspace, handle: &StreamHandle) -> FileFindings {
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
    // An agents.yaml that can't be read is told of where it is checked.
    if let Ok(agents) = agents::check_agents(workspace) {
        diagnostics.extend(unknown_agents(&parsed.plan, handle.store.read().ok().as_ref(), &agents.value));
    }
    // A state that can't be read is told of where the state is checked.
    if let Ok(stream) = handle.store.read() {
        diagnostics.extend(drifted(&stream, &parsed.plan));
        diagnostics.extend(other_texts(&stream, &parsed.plan));
    }
    FileFindings { path, source, diagnostics }.sorted()
}

/// Agents that the plan names and nobody has. What is approved already is checked with the state.
pub fn unknown_agents(plan: &Plan, stream: Option<&Stream>, agents: &Agents) -> Vec<Diagnostic> {
    let finding = |planned: &plan::PlanThread| {
        let agent = planned.agent.as_ref().filter(|agent| agents.get(&agent.value).is_none())?;
        let in_state = stream.and_then(|stream| stream.thread(planned.id)).and_then(|t| t.agent.as_ref());
        let message =
            format!("thread {} names agent `{}`, which agents.yaml does not have", planned.id, agent.value);
        let help = "`work agents` lists them; correct the plan, or add the agent";
        let finding =
            Diagnostic::warning("S016", message).help(help).at(agent.span.clone(), "nobody has that name");
        (in_state != Some(&agent.value)).then_some(finding)
    };
    plan.threads().filter_map(finding).collect()
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
        Diagnostic::note("S007", message).help("`work review` shows what; `work approve plan` approves it")
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

/// What of the state is to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateCheck {
    /// Threads, tasks and sessions.
    All,
    /// Threads and tasks: what contradicts itself or the plan.
    Tasks,
    /// Session records and their journals, also what matters to nobody any more.
    Sessions,
}

/// A state that is being checked.
struct Checked<'a> {
    stream: &'a Stream,
    /// The text of tasks.json.
    source: &'a str,
    /// The same as JSON, for what the model has no place for.
    raw: &'a serde_json::Value,
    /// Unknown while agents.yaml can't be read, which is told of where it is checked.
    agents: Option<&'a [Agent]>,
    plan: Option<&'a Plan>,
    /// Where the ids stand, once somebody asked.
    ids: OnceCell<HashMap<&'a str, std::ops::Range<usize>>>,
}

impl Checked<'_> {
    fn knows(&self, agent: &AgentName) -> bool {
        self.agents.is_none_or(|agents| agents.iter().any(|known| known.name == *agent))
    }

    /// Where a thread's id stands in the file.
    fn place(&self, thread: &Thread) -> Option<std::ops::Range<usize>> {
        self.ids.get_or_init(|| spot::ids(self.source)).get(thread.id.to_string().as_str()).cloned()
    }

    /// The finding at the thread's place in the file.
    fn at_thread(&self, finding: Diagnostic, thread: &Thread) -> Diagnostic {
        match self.place(thread) {
            Some(span) => finding.at(span, ""),
            None => finding,
        }
    }

    /// The finding at the record's place in the file.
    fn at_record(&self, finding: Diagnostic, thread: &Thread, record: &SessionRecord) -> Diagnostic {
        let of_thread = self.place(thread);
        // Where two have one number, the one that is meant.
        let before = thread.sessions.iter().take_while(|other| !std::ptr::eq(*other, record));
        let same = before.filter(|other| other.attempt == record.attempt).count();
        let attempt = record.attempt.to_string();
        let next = |span: &std::ops::Range<usize>| spot::field(self.source, "attempt", &attempt, span.end);
        let mut places = std::iter::successors(of_thread.as_ref().and_then(next), next);
        match places.nth(same) {
            Some(span) => finding.at(span, ""),
            None => self.at_thread(finding, thread),
        }
    }
}

/// Checks tasks.json: its format, and what in it contradicts itself, the plan, the agents or the
/// journals. A file that can't be read is returned as the error, since that has an exit code of its own.
///
/// # Errors
/// [`StoreError`].
pub fn check_state(
    workspace: &Workspace,
    handle: &StreamHandle,
    what: StateCheck,
) -> Result<FileFindings, StoreError> {
    let loaded = handle.store.load()?;
    let path = handle.store.path();
    // Only to point into it, and to see what the model drops.
    let source = super::streams::read_text(&path).unwrap_or_default();
    let raw = serde_json::from_str(&source).unwrap_or_default();
    let agents = agents::check_agents(workspace).ok().filter(|checked| !checked.value.agents.is_empty());
    let plan = super::streams::read_text(&handle.plan_file()).ok().map(|source| plan::read(&source));
    let state = Checked {
        stream: &loaded.stream,
        source: &source,
        raw: &raw,
        agents: agents.as_ref().map(|checked| checked.value.agents.as_slice()),
        plan: plan.as_ref(),
        ids: OnceCell::new(),
    };
    let mut diagnostics = Vec::new();
    if what != StateCheck::Sessions {
        diagnostics.extend(loaded.notes);
        tasks::check(&state, &mut diagnostics);
    }
    if what != StateCheck::Tasks {
        sessions::check(&state, workspace, what == StateCheck::Sessions, &mut diagnostics);
    }
    Ok(FileFindings { path, source, diagnostics }.sorted())
}
