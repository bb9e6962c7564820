//! The old plan and the old state side by side: what differs, and what the old approval is worth.
//!
//! The old tool approved a plan by the SHA-256 of its bytes. While PLAN.md is still that very file,
//! the approval covers each of its threads, and each gets our hash; else it stays an approval of
//! names only, and the difference is told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Approved;
use crate::config;
use crate::diag::Diagnostic;
use crate::engine::drift::{self, Drift};
use crate::engine::validate::FileFindings;
use crate::engine::{Workspace, agents, spot, status};
use crate::model::{Stream, Thread, ThreadId};
use crate::plan::{self, Plan};
use crate::store::tasks::Older;

/// `PLAN.md` of the old stream.
#[derive(Debug)]
pub(super) struct OldPlan {
    path: PathBuf,
    source: String,
    /// Why it can't be read.
    error: Option<String>,
    plan: Plan,
}

impl OldPlan {
    pub(super) fn read(dir: &Path) -> Self {
        let path = dir.join("PLAN.md");
        let (source, error) = match crate::engine::read_text(&path) {
            Ok(source) => (source, None),
            Err(error) => (String::new(), Some(error.to_string())),
        };
        Self { plan: plan::read(&source), path, source, error }
    }

    /// What there is to say about it, if anything.
    pub(super) fn findings(&self, mut diagnostics: Vec<Diagnostic>) -> Option<FileFindings> {
        if let Some(error) = &self.error {
            let message = format!("the plan can't be read, and is taken over as it is: {error}");
            diagnostics = vec![Diagnostic::warning("I002", message)];
        }
        let findings = FileFindings { path: self.path.clone(), source: self.source.clone(), diagnostics };
        (!findings.diagnostics.is_empty()).then_some(findings)
    }
}

/// What a comparison found.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) plan: Vec<Diagnostic>,
    pub(super) state: Vec<Diagnostic>,
    pub(super) approved: Option<Approved>,
    pub(super) drift: Vec<Drift>,
}

/// Compares, and gives the threads our hashes where the old approval covers them.
pub(super) fn compare(stream: &mut Stream, old: &OldPlan) -> Compared {
    let mut found = Compared::default();
    let of_theirs = stream.approvals.plan.as_ref().filter(|approval| approval.hash.is_none());
    let approved_bytes = of_theirs.and_then(|approval| approval.extra.get("plan_hash")?.as_str());
    let unchanged = approved_bytes.map(|hash| hash == plan::bytes_hash(old.source.as_bytes()));
    found.approved = approved(stream, unchanged);
    if old.error.is_some() {
        return found;
    }
    if unchanged == Some(false) {
        let message = "PLAN.md is not, byte for byte, the plan that was approved";
        found.plan.push(
            Diagnostic::warning("I003", message)
                .help("it stays approved; `work approve plan` approves it as it is now"),
        );
    }
    names(stream, &old.plan, &mut found);
    if unchanged == Some(true) {
        cover(stream, old);
    }
    found.drift = drift::drift(stream, &old.plan);
    found
}

/// The approval of the plan, if it has one.
pub(super) fn approved(stream: &Stream, unchanged: Option<bool>) -> Option<Approved> {
    let approval = stream.approvals.plan.as_ref()?;
    let (by, at, stages) = (approval.by.clone(), approval.at, stream.approvals.stages.len());
    Some(Approved { by, at, unchanged, stages })
}

/// What plan and state call differently, or only one of them has.
fn names(stream: &Stream, plan: &Plan, found: &mut Compared) {
    for planned in plan.threads() {
        let (id, name) = (planned.id, &planned.name.value);
        let heading = planned.heading.clone();
        match stream.thread(id) {
            None if stream.threads.is_empty() => {}
            None => {
                let message = format!("thread {id} `{name}` has no tasks in the state");
                found.plan.push(Diagnostic::note("I004", message).at(heading, ""));
            }
            Some(thread) if thread.name != *name && !thread.name.is_empty() => {
                let message = format!("thread {id} is called `{}` in the state", thread.name);
                found.plan.push(Diagnostic::warning("I005", message).at(heading, "and otherwise here"));
            }
            Some(_) => {}
        }
    }
    for thread in stream.threads.iter().filter(|thread| plan.thread(thread.id).is_none()) {
        let message =
            format!("thread `{}` `{}` is not in the plan; its history is kept", thread.id, thread.name);
        found.state.push(Diagnostic::warning("I008", message));
    }
}

/// Gives our own hashes to what the old approval covers: all threads that bear their names.
fn cover(stream: &mut Stream, old: &OldPlan) {
    for stage in &old.plan.stages {
        for batch in &stage.batches {
            for planned in &batch.threads {
                if stream.thread(planned.id).is_none() {
                    stream.threads.push(Thread::new(planned.id));
                    stream.threads.sort_by_key(|thread| thread.id);
                }
                let Some(thread) = stream.thread_mut(planned.id) else { continue };
                for (ours, theirs) in [
                    (&mut thread.stage_name, &stage.name),
                    (&mut thread.batch_name, &batch.name),
                    (&mut thread.name, &planned.name),
                ] {
                    if ours.is_empty() {
                        ours.clone_from(&theirs.value);
                    }
                }
                if thread.name == planned.name.value {
                    thread.plan_hash = Some(plan::meaning_hash(planned));
                }
            }
        }
    }
    let whole = drift::drift(stream, &old.plan).is_empty();
    let seal = whole.then(|| drift::seal(stream, &old.source));
    if let Some(approval) = &mut stream.approvals.plan {
        approval.hash = Some(plan::plan_hash(&old.plan));
        approval.seal = seal;
    }
}

/// Agents that have work left and are not known here.
pub(super) fn unknown_agents(stream: &Stream, workspace: &Workspace, dir: &Path) -> Vec<Diagnostic> {
    let theirs = dir.with_file_name("agents.yaml");
    let old = std::fs::read_to_string(&theirs).unwrap_or_default();
    let old = config::parse_agents(&old).agents.agents;
    let known = agents::check_agents(workspace).map(|checked| checked.value.agents).unwrap_or_default();
    let mut missing: BTreeMap<String, Vec<ThreadId>> = BTreeMap::new();
    for thread in stream.threads.iter().filter(|thread| !status::status_of(thread).is_settled()) {
        let Some(agent) = &thread.agent else { continue };
        if known.iter().all(|known| known.name != *agent) {
            missing.entry(agent.0.clone()).or_default().push(thread.id);
        }
    }
    let finding = |(agent, threads): (String, Vec<ThreadId>)| {
        let ids: Vec<String> = threads.iter().map(ToString::to_string).collect();
        let message = format!("agent `{agent}` of thread {} is not in agents.yaml here", ids.join(", "));
        let add = match old.iter().any(|known| known.name.0 == agent) {
            true => format!("copy it from `{}`", theirs.display()),
            false => "add it to agents.yaml".to_owned(),
        };
        Diagnostic::warning("I006", message).help(format!("{add}, or `work assign --thread ID --agent NAME`"))
    };
    missing.into_iter().map(finding).collect()
}

/// What the readers of the old files found odd, with the places.
pub(super) fn state_findings(dir: &Path, older: &Older) -> Vec<FileFindings> {
    let mut findings = Vec::new();
    if older.bytes.is_none() {
        let message = "there is no tasks.json; what TASKS.md and threads.json say is the state";
        add_to_state(&mut findings, dir, vec![Diagnostic::note("I002", message)]);
    }
    for note in older.loaded.notes.clone() {
        let other = ["threads.json", "index.json"].into_iter().find(|name| note.message.contains(name));
        let path = match other {
            Some("index.json") => dir.parent().unwrap_or(dir).join("index.json"),
            Some(name) => dir.join(name),
            None => dir.join("tasks.json"),
        };
        add(&mut findings, path, vec![note]);
    }
    if let Some(list) = older.list.as_ref().filter(|list| !list.diagnostics.is_empty()) {
        let (path, source) = (list.path.clone(), list.source.clone());
        findings.push(FileFindings { path, source, diagnostics: list.diagnostics.clone() });
    }
    findings
}

/// Adds findings about `tasks.json`.
pub(super) fn add_to_state(findings: &mut Vec<FileFindings>, dir: &Path, odd: Vec<Diagnostic>) {
    add(findings, dir.join("tasks.json"), odd);
}

fn add(findings: &mut Vec<FileFindings>, path: PathBuf, odd: Vec<Diagnostic>) {
    if odd.is_empty() {
        return;
    }
    let at = findings.iter().position(|file| file.path == path).unwrap_or_else(|| {
        // Only to point into it: what can't be read has no lines to show.
        let source = std::fs::read_to_string(&path).unwrap_or_default();
        findings.push(FileFindings { path, source, diagnostics: Vec::new() });
        findings.len() - 1
    });
    let file = &mut findings[at];
    for mut finding in odd {
        if finding.primary.is_none()
            && let Some(span) = spot::named(&file.source, &finding.message)
        {
            finding = finding.at(span, "");
        }
        file.diagnostics.push(finding);
    }
}
