//! What holds for every text, plan or not.

use std::ops::Range;

use proptest::prelude::*;

use crate::model::{AgentName, NodeId, Ordinal, StageId, ThreadId};

use super::markdown::scan;
use super::outline::outline;
use super::{Plan, Text, ThreadDraft, edit, parse};

const GOOD: &str = include_str!("../../tests/data/plans/good.md");
const WILD: &str = include_str!("../../tests/data/plans/wild.md");

/// Pieces of which plans are made, and some that they should not be made of.
const PIECES: &[&str] = &[
    "# Plan: x",
    "## Summary",
    "## Stages",
    "## Notes",
    "### Stage 01: é",
    "### Stage 2 No colon",
    "### Stage 100: x",
    "### Stage: x",
    "#### Stage Definition",
    "#### Stage Questions",
    "#### Stage Batches",
    "#### Other",
    "##### Batch 01: b",
    "##### Batch 0: b",
    "###### Thread 01: t",
    "###### Thread 02: u",
    "###### Odd",
    "**Summary:**",
    "**Details:** x",
    "**Agent:** a",
    "**Depends on:** 01.01.01, x",
    "**Paths:** `a b`, c/**",
    "**Verify:**",
    "**Tasks:**",
    "- [ ] task",
    "- [x] done",
    "  - inner",
    "  text in the item",
    "> ## quoted",
    "```",
    "~~~~",
    "<!--",
    "-->",
    "---",
    "===",
    "*Last updated: x*",
    "text",
    "    indented",
    "| a | b |",
    "|---|---|",
    "[a]: b",
    "",
    "",
    "\u{feff}",
    "\r",
    "`code",
];

fn made_of_pieces() -> impl Strategy<Value = String> {
    let line = (prop::sample::select(PIECES), prop::sample::select(&["\n", "\n\n", "\r\n"][..]));
    prop::collection::vec(line, 0..60).prop_map(|lines| lines.into_iter().flat_map(|(a, b)| [a, b]).collect())
}

/// A good plan with some of its lines moved, doubled, cut or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let change = (0..200_usize, 0..5_u8, prop::sample::select(PIECES));
    (prop::sample::select(&[GOOD, WILD][..]), prop::collection::vec(change, 1..12)).prop_map(
        |(plan, changes)| {
            let mut lines: Vec<String> = plan.lines().map(str::to_owned).collect();
            for (at, kind, piece) in changes {
                let at = at % lines.len().max(1);
                match kind {
                    0 if lines.len() > 1 => drop(lines.remove(at)),
                    1 => lines.insert(at, piece.to_owned()),
                    2 => lines.insert(at, lines[at].clone()),
                    3 => lines[at].push_str(piece),
                    _ => lines[at] = format!(" {}", lines[at]),
                }
            }
            lines.join("\n")
        },
    )
}

fn any_plan() -> impl Strategy<Value = String> {
    prop_oneof![made_of_pieces(), mutated(), ".{0,400}", "[\\x00-\\x7f]{0,200}"]
}

/// Every text of a plan.
fn texts(plan: &Plan) -> Vec<&Text> {
    let mut all = vec![&plan.name, &plan.summary, &plan.references];
    all.extend(&plan.stream_id);
    all.extend(plan.sections.iter().flat_map(|section| [&section.title, &section.body]));
    for stage in &plan.stages {
        all.extend([&stage.name, &stage.definition, &stage.constitution]);
        all.extend(stage.questions.iter().map(|question| &question.text));
        all.extend(stage.sections.iter().flat_map(|section| [&section.title, &section.body]));
    }
    for batch in plan.batches() {
        all.extend([&batch.name, &batch.summary]);
    }
    for thread in plan.threads() {
        all.extend([&thread.name, &thread.summary, &thread.details]);
        all.extend(thread.tasks.iter().flat_map(|task| [&task.name, &task.details]));
        all.extend(thread.paths.iter().chain(&thread.verify));
    }
    all
}

/// Every other span of a plan.
fn spans(plan: &Plan) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = plan.stages_heading.iter().cloned().collect();
    for stage in &plan.stages {
        all.extend([stage.heading.clone(), stage.span.clone()]);
        all.extend(stage.batches_heading.clone());
        all.extend(stage.questions.iter().map(|question| question.marker.clone()));
    }
    all.extend(plan.batches().flat_map(|batch| [batch.heading.clone(), batch.span.clone()]));
    for thread in plan.threads() {
        all.extend([thread.heading.clone(), thread.span.clone()]);
        all.extend(thread.agent.iter().map(|agent| agent.span.clone()));
        all.extend(thread.depends_on.iter().map(|id| id.span.clone()));
    }
    all
}

/// What is left of a source when everything that the plan or a finding speaks of is taken away.
fn lost(source: &str) -> Vec<String> {
    let parsed = parse(source);
    let mut seen: Vec<Range<usize>> = texts(&parsed.plan).into_iter().map(|text| text.span.clone()).collect();
    let markdown = scan(source);
    let outline = outline(source, &markdown);
    seen.extend(super::build::build(source, &markdown, &outline).stray);
    seen.extend(outline.entries.into_iter().map(|entry| entry.heading));
    for thread in parsed.plan.threads() {
        let labels = super::fields::fields(source, &markdown, thread.heading.end..thread.span.end);
        seen.extend(labels.list.into_iter().map(|field| match field.label.is_prose() {
            true => field.mark,
            false => field.mark.start..field.value.end,
        }));
    }
    seen.extend(markdown.dividers);
    seen.extend(
        markdown.opaque.into_iter().filter(|block| source[block.clone()].trim_start().starts_with("<!--")),
    );
    for finding in &parsed.diagnostics {
        seen.extend(finding.primary.iter().chain(&finding.secondary).map(|label| label.span.clone()));
    }
    let mut at = 0;
    let mut lost = Vec::new();
    for line in source.split_inclusive('\n') {
        let span = at..at + line.len();
        at = span.end;
        let plain = line.trim().trim_start_matches(['-', '*', '+', '>', ' ', '\u{feff}']);
        let excused = ["", "-->", "<!--"].contains(&plain)
            || ["Last updated", "**Stream ID", "[a]: b"].iter().any(|p| plain.starts_with(p));
        if !excused && !seen.iter().any(|s| s.start < span.end && span.start < s.end.max(s.start + 1)) {
            lost.push(line.to_owned());
        }
    }
    lost
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_span_is_a_part_of_the_source(source in any_plan()) {
        let parsed = parse(&source);
        for text in texts(&parsed.plan) {
            prop_assert_eq!(source.get(text.span.clone()).map(|s| s.split_whitespace().collect::<Vec<_>>()),
                Some(text.split_whitespace().collect()));
        }
        for span in spans(&parsed.plan) {
            prop_assert!(source.get(span.clone()).is_some(), "{:?}", span);
        }
        for finding in &parsed.diagnostics {
            for label in finding.primary.iter().chain(&finding.secondary) {
                prop_assert!(source.get(label.span.clone()).is_some(), "{:?}", finding);
            }
        }
    }

    #[test]
    fn nothing_is_lost_without_a_word(source in prop_oneof![made_of_pieces(), mutated()]) {
        let lost = lost(&source);
        prop_assert!(lost.is_empty(), "{:?} of\n{}", lost, source);
    }

    #[test]
    fn ticking_a_question_changes_its_box_alone(source in any_plan(), index in 0..4_usize, answered: bool) {
        let before = parse(&source).plan;
        for stage in before.stages.iter().map(|stage| stage.id) {
            let Ok(edited) = edit::tick_question(&source, stage, index, answered) else { continue };
            let mut expected = before.clone();
            let asked = expected.stages.iter_mut().find(|s| s.id == stage).unwrap();
            let marker = asked.questions[index].marker.clone();
            asked.questions[index].answered = answered;
            prop_assert_eq!(&edited[..marker.start], &source[..marker.start]);
            prop_assert!(edited.ends_with(&source[marker.end..]));
            prop_assert_eq!(super::plan_hash(&parse(&edited).plan), super::plan_hash(&expected));
        }
    }

    #[test]
    fn naming_an_agent_changes_its_line_alone(source in any_plan(), name in "[a-z`*:# -]{1,12}") {
        let before = parse(&source).plan;
        for thread in before.threads().take(3) {
            let Ok(edited) = edit::set_agent(&source, thread.id, &AgentName(name.clone())) else { continue };
            let after = parse(&edited).plan;
            prop_assert_eq!(super::plan_hash(&after), super::plan_hash(&before));
            let written = after.thread(thread.id).and_then(|thread| thread.agent.clone()).unwrap();
            prop_assert_eq!(written.0.as_str(), name.trim());
            only_one_place_differs(&source, &edited)?;
        }
    }

    #[test]
    fn adding_a_part_only_adds_text(source in any_plan(), name in "[A-Za-z`:# é-]{1,20}") {
        let first = StageId(Ordinal::FIRST);
        for edited in [
            edit::append_stage(&source, &name, &[]).map(|new| new.text),
            edit::append_batch(&source, first, &name, &[]).map(|new| new.text),
            edit::append_thread(&source, first.batch(Ordinal::FIRST), &ThreadDraft::named(&name), &[])
                .map(|new| new.text),
        ].into_iter().flatten() {
            let added = edited.len() - source.len();
            let kept = (0..=source.len()).any(|at| {
                source.is_char_boundary(at)
                    && edited.starts_with(&source[..at])
                    && edited.get(at + added..).is_some_and(|rest| rest == &source[at..])
            });
            prop_assert!(kept, "{:?}\n{:?}", source, edited);
            let (before, after) = (parse(&source).plan, parse(&edited).plan);
            let hashes = |plan: &Plan| -> Vec<String> { plan.threads().map(super::meaning_hash).collect() };
            let (before, after) = (hashes(&before), hashes(&after));
            let mut rest = after.iter();
            prop_assert!(before.iter().all(|hash| rest.any(|other| other == hash)), "a thread changed");
        }
    }

    #[test]
    fn adding_a_task_only_adds_its_line(source in any_plan(), name in "[A-Za-z`:#\\[\\] é-]{1,20}") {
        let before = parse(&source).plan;
        for thread in before.threads().take(3) {
            let Ok(edited) = edit::append_task(&source, thread.id, &name) else { continue };
            prop_assert!(is_cut_out_of(&source, &edited), "{:?}\n{:?}", source, edited);
            let after = parse(&edited).plan;
            let tasks = |plan: &Plan| plan.thread(thread.id).map_or(0, |thread| thread.tasks.len());
            prop_assert_eq!(tasks(&after), tasks(&before) + 1);
            prop_assert_eq!(other_hashes(&after, thread.id), other_hashes(&before, thread.id));
        }
    }

    #[test]
    fn removing_a_part_only_takes_its_lines(source in any_plan()) {
        let before = parse(&source).plan;
        let stages = before.stages.iter().map(|stage| NodeId::Stage(stage.id)).take(2);
        let batches = before.batches().map(|batch| NodeId::Batch(batch.id)).take(2);
        let threads = before.threads().map(|thread| NodeId::Thread(thread.id)).take(3);
        let tasks = before.threads().filter(|thread| !thread.tasks.is_empty());
        let tasks = tasks.map(|thread| NodeId::Task(thread.id.task(Ordinal::FIRST))).take(3);
        for id in stages.chain(batches).chain(threads).chain(tasks) {
            let Ok(edited) = edit::remove(&source, id) else { continue };
            prop_assert!(is_cut_out_of(&edited, &source), "{:?}\n{:?}", source, edited);
            if let NodeId::Thread(id) = id {
                let (mut before, after) = (before.threads().map(super::meaning_hash).collect::<Vec<_>>(), parse(&edited).plan);
                let at = parse(&source).plan.threads().position(|thread| thread.id == id).unwrap();
                before.remove(at);
                prop_assert_eq!(before, after.threads().map(super::meaning_hash).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_stage_between_others_only_adds_text_and_changes_numbers(source in any_plan(), name in "[a-z# ]{1,12}") {
        let before = parse(&source).plan;
        for stage in before.stages.iter().map(|stage| stage.id).take(3) {
            let Ok(edited) = edit::insert_stage(&source, stage, &name, &[]) else { continue };
            let digitless = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
            prop_assert!(is_cut_out_of(&digitless(&source), &digitless(&edited.text)), "{:?}\n{:?}", source, edited);
            let after = parse(&edited.text).plan;
            prop_assert_eq!(after.threads().count(), before.threads().count());
            prop_assert_eq!(after.stages.len(), before.stages.len() + 1);
        }
    }
}

/// Whether `short` is `long` without one piece.
fn is_cut_out_of(short: &str, long: &str) -> bool {
    let front = short.bytes().zip(long.bytes()).take_while(|(a, b)| a == b).count();
    let back = short.bytes().rev().zip(long.bytes().rev()).take_while(|(a, b)| a == b).count();
    short.len() <= long.len() && front + back >= short.len()
}

/// What all threads but one mean.
fn other_hashes(plan: &Plan, but: ThreadId) -> Vec<String> {
    plan.threads().filter(|thread| thread.id != but).map(super::meaning_hash).collect()
}

/// Whether two texts are equal around one place.
fn only_one_place_differs(a: &str, b: &str) -> Result<(), TestCaseError> {
    let front = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let back = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    prop_assert!(front + back >= a.len().min(b.len()).saturating_sub(12), "{:?}\n{:?}", a, b);
    Ok(())
}
