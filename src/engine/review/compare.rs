//! The approved plan and the one there is, thread by thread and text by text.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::super::drift::{Drift, DriftKind, drift};
use super::super::{StreamHandle, Workspace, approved};
use super::diff::{Line, diff};
use super::source::{Basis, Old, find};
use crate::model::{AgentName, NodeId, Stream, StreamId, Thread, ThreadId};
use crate::plan::{self, Plan, PlanBatch, PlanStage, PlanThread, meaning_hash};

/// What became of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewKind {
    /// It says something else; it does not run until it is approved.
    Changed,
    /// It says the same under another name; it does not run until it is approved.
    Renamed,
    /// It is new; it does not run until it is approved.
    New,
    /// It is gone; it does not run.
    Gone,
    /// It only names another agent than it has; it runs as before.
    Reassigned,
}

/// A part of a thread, stage, batch or plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The name.
    Name,
    /// The summary.
    Summary,
    /// The details.
    Details,
    /// The tasks.
    Tasks,
    /// The agent.
    Agent,
    /// What it depends on.
    DependsOn,
    /// The files it may touch.
    Paths,
    /// The commands that must pass.
    Verify,
    /// The definition of a stage.
    Definition,
    /// The constitution of a stage.
    Constitution,
    /// The questions of a stage.
    Questions,
    /// It as a whole: the stage or batch came or went.
    Whole,
    /// Something of which the approved text is not known.
    Unknown,
}

impl Part {
    /// Its word in a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Summary => "summary",
            Self::Details => "details",
            Self::Tasks => "tasks",
            Self::Agent => "agent",
            Self::DependsOn => "depends on",
            Self::Paths => "paths",
            Self::Verify => "verify",
            Self::Definition => "definition",
            Self::Constitution => "constitution",
            Self::Questions => "questions",
            Self::Whole => "all of it",
            Self::Unknown => "something of which the approved text is not on this machine",
        }
    }
}

/// A part that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PartChange {
    /// Which part.
    pub part: Part,
    /// The lines that differ; none where they are not known.
    pub lines: Vec<Line>,
}

/// A thread that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// The thread.
    pub id: ThreadId,
    /// Its name, as the plan has it, or had it.
    pub name: String,
    /// What became of it.
    pub kind: ReviewKind,
    /// What changed in it.
    pub parts: Vec<PartChange>,
}

/// A text outside of threads that changed: agents are told it, and no thread drifts by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TextChange {
    /// The stage or batch; none for the plan itself.
    pub id: Option<NodeId>,
    /// Its name.
    pub name: String,
    /// What changed in it.
    pub parts: Vec<PartChange>,
}

/// What changed since the approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// The stream.
    pub stream: StreamId,
    /// When the plan was approved, if it is.
    pub approved_at: Option<DateTime<Utc>>,
    /// By whom.
    pub approved_by: Option<String>,
    /// What the review goes by.
    pub basis: Basis,
    /// The threads that changed.
    pub threads: Vec<Change>,
    /// The texts of plan, stages and batches that changed.
    pub texts: Vec<TextChange>,
}

/// Compares the plan that is read from `source` with the one that was approved.
#[must_use]
pub fn review(workspace: &Workspace, handle: &StreamHandle, stream: &Stream, source: &str) -> Review {
    let approval = stream.approvals.plan.as_ref();
    let mut review = Review {
        stream: stream.id.clone(),
        approved_at: approval.map(|approval| approval.at),
        approved_by: approval.map(|approval| approval.by.clone()),
        basis: Basis::Same,
        threads: Vec::new(),
        texts: Vec::new(),
    };
    if approval.is_none() {
        return review;
    }
    let new = plan::read(source);
    let Old { basis, plan: old } = find(workspace, handle, stream, source);
    let drifted = drift(stream, &new);
    review.threads = drifted.iter().map(|drifted| change(drifted, stream, old.as_ref(), &new)).collect();
    let drifts = |id: ThreadId| drifted.iter().any(|drifted| drifted.id == id);
    review.threads.extend(new.threads().filter(|planned| !drifts(planned.id)).filter_map(|planned| {
        let lines = agent(stream.thread(planned.id)?, planned);
        let parts = vec![PartChange { part: Part::Agent, lines }];
        let (id, name, kind) = (planned.id, planned.name.value.clone(), ReviewKind::Reassigned);
        (!parts[0].lines.is_empty()).then_some(Change { id, name, kind, parts })
    }));
    review.threads.sort_by_key(|change| change.id);
    review.texts = match (&basis, &old) {
        (Basis::Same | Basis::Hashes, _) | (_, None) => Vec::new(),
        (_, Some(old)) => texts(old, &new),
    };
    if basis == Basis::Hashes && drifted.is_empty() && approved::hash(stream).is_some() {
        let parts = vec![PartChange { part: Part::Unknown, lines: Vec::new() }];
        review.texts.push(TextChange { id: None, name: new.name.value.clone(), parts });
    }
    review.basis = basis;
    review
}

/// Whether only texts outside of threads changed since the approval. A plan that was approved by an older
/// tool has no hash to tell it by.
#[must_use]
pub fn texts_changed(stream: &Stream, new: &Plan) -> bool {
    let hash = approved::hash(stream);
    hash.is_some_and(|hash| hash != plan::plan_hash(new)) && drift(stream, new).is_empty()
}

fn change(drifted: &Drift, stream: &Stream, old: Option<&Plan>, new: &Plan) -> Change {
    let (id, name) = (drifted.id, drifted.name.clone());
    let known = stream.thread(id);
    let (kind, parts) = match (drifted.kind, new.thread(id), known) {
        (DriftKind::New, ..) => (ReviewKind::New, Vec::new()),
        (DriftKind::Gone, ..) => (ReviewKind::Gone, Vec::new()),
        (DriftKind::Renamed, Some(new), Some(thread)) => {
            (ReviewKind::Renamed, listed(Part::Name, &thread.name, &new.name).into_iter().collect())
        }
        (_, Some(new), Some(thread)) => {
            let as_approved =
                |old: &&PlanThread| thread.plan_hash.as_deref() == Some(meaning_hash(old).as_str());
            let old = old.and_then(|old| old.thread(id)).filter(as_approved);
            (ReviewKind::Changed, old.map_or_else(|| from_state(thread, new), |old| parts(thread, old, new)))
        }
        _ => (ReviewKind::Changed, Vec::new()),
    };
    Change { id, name, kind, parts }
}

/// What differs, where the approved text is known.
fn parts(thread: &Thread, old: &PlanThread, new: &PlanThread) -> Vec<PartChange> {
    let texts = |texts: &[plan::Text]| joined(texts.iter().map(|text| text.value.clone()));
    let depends = |thread: &PlanThread| joined(thread.depends_on.iter().map(|id| id.value.to_string()));
    let tasks = |thread: &PlanThread| {
        joined(thread.tasks.iter().map(|task| match task.details.value.as_str() {
            "" => task.name.value.clone(),
            details => format!("{}\n{details}", task.name.value),
        }))
    };
    let compared = [
        listed(Part::Name, &old.name, &new.name),
        listed(Part::Summary, &old.summary, &new.summary),
        listed(Part::Details, &old.details, &new.details),
        listed(Part::Tasks, &tasks(old), &tasks(new)),
        listed(Part::DependsOn, &depends(old), &depends(new)),
        listed(Part::Paths, &texts(&old.paths), &texts(&new.paths)),
        listed(Part::Verify, &texts(&old.verify), &texts(&new.verify)),
        Some(PartChange { part: Part::Agent, lines: agent(thread, new) })
            .filter(|part| !part.lines.is_empty()),
    ];
    compared.into_iter().flatten().collect()
}

/// What differs from what the state holds: names. The rest is known to differ, and not how.
fn from_state(thread: &Thread, new: &PlanThread) -> Vec<PartChange> {
    let old_tasks = joined(thread.tasks.iter().map(|task| task.name.clone()));
    let new_tasks = match new.tasks.is_empty() {
        // Such a thread has one task, which bears its name.
        true => old_tasks.clone(),
        false => joined(new.tasks.iter().map(|task| task.name.value.clone())),
    };
    let compared = [
        listed(Part::Name, &thread.name, &new.name),
        listed(Part::Tasks, &old_tasks, &new_tasks),
        Some(PartChange { part: Part::Agent, lines: agent(thread, new) })
            .filter(|part| !part.lines.is_empty()),
    ];
    let mut found: Vec<PartChange> = compared.into_iter().flatten().collect();
    if found.iter().all(|part| part.part == Part::Agent) {
        found.insert(0, PartChange { part: Part::Unknown, lines: Vec::new() });
    }
    found
}

/// Another agent in the plan than in the state. A plan that names none leaves it to the state.
fn agent(thread: &Thread, new: &PlanThread) -> Vec<Line> {
    let named = |agent: Option<&AgentName>| agent.map(ToString::to_string).unwrap_or_default();
    match &new.agent {
        Some(wanted) if thread.in_plan && thread.agent.as_ref() != Some(&wanted.value) => {
            diff(&named(thread.agent.as_ref()), &wanted.value.0)
        }
        _ => Vec::new(),
    }
}

fn listed(part: Part, old: &str, new: &str) -> Option<PartChange> {
    let lines = diff(old, new);
    (!lines.is_empty()).then_some(PartChange { part, lines })
}

fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

/// The texts of the plan, its stages and its batches that differ.
fn texts(old: &Plan, new: &Plan) -> Vec<TextChange> {
    let mut found = Vec::new();
    let mut tell = |id: Option<NodeId>, name: &str, parts: Vec<Option<PartChange>>| {
        let parts: Vec<PartChange> = parts.into_iter().flatten().collect();
        if !parts.is_empty() {
            found.push(TextChange { id, name: name.to_owned(), parts });
        }
    };
    let whole = |lines: fn(String) -> Line, name: &str| {
        vec![Some(PartChange { part: Part::Whole, lines: vec![lines(name.to_owned())] })]
    };
    let summary = listed(Part::Summary, &old.summary, &new.summary);
    tell(None, &new.name, vec![listed(Part::Name, &old.name, &new.name), summary]);
    for stage in &new.stages {
        let id = Some(NodeId::Stage(stage.id));
        match old.stage(stage.id) {
            Some(before) => tell(id, &stage.name, of_stage(before, stage)),
            None => tell(id, &stage.name, whole(Line::Added, &stage.name)),
        }
        for batch in &stage.batches {
            let id = Some(NodeId::Batch(batch.id));
            match old.batch(batch.id) {
                Some(before) => tell(id, &batch.name, of_batch(before, batch)),
                None => tell(id, &batch.name, whole(Line::Added, &batch.name)),
            }
        }
    }
    for stage in &old.stages {
        if new.stage(stage.id).is_none() {
            tell(Some(NodeId::Stage(stage.id)), &stage.name, whole(Line::Removed, &stage.name));
        }
        for batch in stage.batches.iter().filter(|batch| new.batch(batch.id).is_none()) {
            tell(Some(NodeId::Batch(batch.id)), &batch.name, whole(Line::Removed, &batch.name));
        }
    }
    found
}

fn of_stage(old: &PlanStage, new: &PlanStage) -> Vec<Option<PartChange>> {
    let questions = |stage: &PlanStage| {
        let boxed = |answered| if answered { "[x]" } else { "[ ]" };
        joined(stage.questions.iter().map(|asked| format!("{} {}", boxed(asked.answered), asked.text.value)))
    };
    vec![
        listed(Part::Name, &old.name, &new.name),
        listed(Part::Definition, &old.definition, &new.definition),
        listed(Part::Constitution, &old.constitution, &new.constitution),
        listed(Part::Questions, &questions(old), &questions(new)),
    ]
}

fn of_batch(old: &PlanBatch, new: &PlanBatch) -> Vec<Option<PartChange>> {
    vec![listed(Part::Name, &old.name, &new.name), listed(Part::Summary, &old.summary, &new.summary)]
}
