//! The text of a new plan, and of new parts of one.
//!
//! Follows the grammar exactly, and marks everything that a person has to write with `TODO:`, which the
//! rule on placeholders finds. Guidance stands in comments, outside of what agents are told.

use std::fmt::Write as _;

use crate::model::{AgentName, Ordinal, StreamId};

/// The plan that `work create` writes: one thread a stage, ready to be filled in. `date` is `YYYY-MM-DD`.
///
/// The number of stages is brought into 1 to 99.
#[must_use]
pub fn template(name: &str, stream: &StreamId, date: &str, stages: u8) -> String {
    let mut text = format!(
        "# Plan: {name}

> **Stream ID:** {stream} | **Created:** {date}

<!--
Replace every line that says TODO, then run `work validate`, and `work approve plan` when it is right.
Stages run in order, and so do the batches of a stage. The threads of a batch run in parallel, each with
an agent of its own, so they should not change the same files. Copy the headings below to add more; a
thread keeps its number once it has run, and new ones take new numbers.
-->

## Summary

TODO: what this work is about and why, in a few sentences.

## References

- TODO: files, issues and documents to read before.

## Stages

<!--
Every thread has a summary and details: together they are all that its agent is told. These are optional:
**Agent:** a name of `work/agents.yaml`    **Tasks:** a list, `- [ ] …`    **Depends on:** `01.01.01`
**Paths:** the files it may change, as globs    **Verify:** commands that must pass
-->
"
    );
    for number in (1..=u64::from(stages.clamp(1, Ordinal::MAX))).filter_map(Ordinal::new) {
        let _ = write!(text, "\n{}\n", stage(number, "TODO"));
        let _ = write!(text, "\n{}\n", batch(Ordinal::FIRST, "TODO"));
        let _ = write!(text, "\n{}\n", thread(Ordinal::FIRST, &ThreadDraft::named("TODO")));
    }
    text
}

/// A stage without batches.
pub(super) fn stage(number: Ordinal, name: &str) -> String {
    format!(
        "### Stage {number}: {name}

#### Stage Definition

TODO: what is true when this stage is done.

#### Stage Constitution

**Inputs:**
- TODO: what the stage builds on.

**Structure:**
- TODO: its batches, and why in this order.

**Outputs:**
- TODO: what it leaves behind.

#### Stage Questions

- [ ] TODO: what a person has to decide before the stage starts.

#### Stage Batches"
    )
}

/// A batch without threads.
pub(super) fn batch(number: Ordinal, name: &str) -> String {
    format!(
        "##### Batch {number}: {name}

TODO: what the threads of this batch do together."
    )
}

/// A stage with one batch, up to its threads.
pub(super) fn whole_stage(number: Ordinal, name: &str, definition: &str, batch: &str) -> String {
    format!(
        "### Stage {number}: {name}

#### Stage Definition

{definition}

#### Stage Batches

##### Batch {first}: {batch}

{definition}",
        first = Ordinal::FIRST
    )
}

/// A thread that is to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreadDraft {
    /// Its name.
    pub name: String,
    /// The agent that it names.
    pub agent: Option<AgentName>,
    /// What it is to achieve; a placeholder when nobody has said so yet.
    pub summary: Option<String>,
    /// How; a placeholder when nobody has said so yet.
    pub details: Option<String>,
    /// Its tasks.
    pub tasks: Vec<String>,
    /// The files that it may touch.
    pub paths: Vec<String>,
    /// The commands that must pass.
    pub verify: Vec<String>,
}

impl ThreadDraft {
    /// One of which only the name is known.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// A thread.
pub(super) fn thread(number: Ordinal, draft: &ThreadDraft) -> String {
    let summary =
        draft.summary.as_deref().unwrap_or("TODO: what this thread achieves, in one or two sentences.");
    let details = draft.details.as_deref().unwrap_or("- TODO: files, steps, interfaces, tests.");
    let lines = |lines: &[String], before: &str, after: &str| -> String {
        lines.iter().map(|line| format!("\n{before}{line}{after}")).collect()
    };
    let mut text = format!("###### Thread {number}: {}\n\n", draft.name);
    if let Some(agent) = &draft.agent {
        let _ = write!(text, "**Agent:** {agent}\n\n");
    }
    let _ = write!(
        text,
        "**Summary:**\n{}\n\n**Details:**\n{}",
        summary.trim(),
        details.trim_matches('\n').trim_end()
    );
    for (label, lines) in [
        ("Tasks", lines(&draft.tasks, "- [ ] ", "")),
        ("Paths", lines(&draft.paths, "- `", "`")),
        ("Verify", lines(&draft.verify, "- ", "")),
    ] {
        if !lines.is_empty() {
            let _ = write!(text, "\n\n**{label}:**{lines}");
        }
    }
    text
}
