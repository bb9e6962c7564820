//! The plan as data.
//!
//! Owns the shape of a parsed plan and the ways through it; nothing here reads Markdown. A missing
//! text is an empty one, whose empty span is the place where it would stand.

use std::ops::{Deref, Range};

use crate::model::{AgentName, BatchId, Ordinal, StageId, ThreadId};

/// A value and the bytes of the source that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Range<usize>,
}

/// Markdown exactly as it stands in the source, without blank lines around it.
pub type Text = Spanned<String>;

impl<T> Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl Text {
    /// The bytes of `source` at `span`.
    pub(super) fn slice(source: &str, span: Range<usize>) -> Self {
        Self { value: source[span.clone()].to_owned(), span }
    }
}

/// A section that `work` does not know; kept so that nothing of the file is out of reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSection {
    /// The text of its heading.
    pub title: Text,
    /// What stands below it.
    pub body: Text,
}

/// A question to a person, and whether it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The question, and the answer where one was written down.
    pub text: Text,
    /// Whether its box is ticked.
    pub answered: bool,
    /// The bytes of its `[ ]`; empty, and where it belongs, when there is none.
    pub marker: Range<usize>,
}

/// A task of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanTask {
    /// What is to be done, on one line.
    pub name: Text,
    /// What else stands below it in the list; usually empty.
    pub details: Text,
    /// Whether its box is ticked in the plan.
    pub done: bool,
}

/// A thread: what one agent does from start to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanThread {
    /// Its id, from the numbers of its stage, its batch and its own.
    pub id: ThreadId,
    /// Its number within the batch.
    pub number: Ordinal,
    /// Its name.
    pub name: Text,
    /// The line of its heading.
    pub heading: Range<usize>,
    /// Everything from its heading to the end of its text.
    pub span: Range<usize>,
    /// What it is to achieve.
    pub summary: Text,
    /// How, in the author's own Markdown.
    pub details: Text,
    /// The agent that the plan names for it.
    pub agent: Option<Spanned<AgentName>>,
    /// Its tasks, in order.
    pub tasks: Vec<PlanTask>,
    /// The threads that must be completed before it starts.
    pub depends_on: Vec<Spanned<ThreadId>>,
    /// The files it may touch, as globs.
    pub paths: Vec<Text>,
    /// The commands that must pass before it counts as done.
    pub verify: Vec<Text>,
}

/// A batch: threads that run in parallel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanBatch {
    /// Its id.
    pub id: BatchId,
    /// Its number within the stage.
    pub number: Ordinal,
    /// Its name.
    pub name: Text,
    /// The line of its heading; empty when the batch is only implied by a thread without one.
    pub heading: Range<usize>,
    /// Everything from its heading to the end of its last thread.
    pub span: Range<usize>,
    /// What it is about.
    pub summary: Text,
    /// Its threads, in the order of the file.
    pub threads: Vec<PlanThread>,
}

/// A stage: batches that run one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanStage {
    /// Its id.
    pub id: StageId,
    /// Its number.
    pub number: Ordinal,
    /// Its name.
    pub name: Text,
    /// The line of its heading; empty when the stage is only implied by a batch without one.
    pub heading: Range<usize>,
    /// Everything from its heading to the end of its last part.
    pub span: Range<usize>,
    /// What it is for.
    pub definition: Text,
    /// Inputs, structure and outputs.
    pub constitution: Text,
    /// Questions to people.
    pub questions: Vec<Question>,
    /// Its batches, in the order of the file.
    pub batches: Vec<PlanBatch>,
    /// Other sections of the stage.
    pub sections: Vec<PlanSection>,
    /// The heading line of `#### Stage Batches`, if there is one.
    pub batches_heading: Option<Range<usize>>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name, from the title.
    pub name: Text,
    /// The id of its stream, as the line below the title gives it.
    pub stream_id: Option<Text>,
    /// What the work is about.
    pub summary: Text,
    /// What to read before.
    pub references: Text,
    /// Its stages, in the order of the file.
    pub stages: Vec<PlanStage>,
    /// Other sections.
    pub sections: Vec<PlanSection>,
    /// The heading line of `## Stages`, if there is one.
    pub stages_heading: Option<Range<usize>>,
}

impl Plan {
    /// All batches, in the order of the file.
    pub fn batches(&self) -> impl Iterator<Item = &PlanBatch> {
        self.stages.iter().flat_map(|stage| &stage.batches)
    }

    /// All threads, in the order of the file.
    pub fn threads(&self) -> impl Iterator<Item = &PlanThread> {
        self.batches().flat_map(|batch| &batch.threads)
    }

    /// The first stage with this id.
    #[must_use]
    pub fn stage(&self, id: StageId) -> Option<&PlanStage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    /// The first batch with this id.
    #[must_use]
    pub fn batch(&self, id: BatchId) -> Option<&PlanBatch> {
        self.batches().find(|batch| batch.id == id)
    }

    /// The first thread with this id.
    #[must_use]
    pub fn thread(&self, id: ThreadId) -> Option<&PlanThread> {
        self.threads().find(|thread| thread.id == id)
    }
}

/// The questions that nobody has answered, each with its stage. A plan that has any is not approved.
pub fn open_questions(plan: &Plan) -> impl Iterator<Item = (StageId, &Question)> {
    plan.stages.iter().flat_map(|stage| {
        stage.questions.iter().filter(|question| !question.answered).map(|question| (stage.id, question))
    })
}
