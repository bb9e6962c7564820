//! How plans are read, as a person would write them.

use crate::diag::Severity;
use crate::model::{AgentName, NodeId, Ordinal, StreamId};

use super::{Parsed, Plan, ThreadDraft, edit, meaning_hash, open_questions, parse, plan_hash, template};

const GOOD: &str = include_str!("../../tests/data/plans/good.md");
const WILD: &str = include_str!("../../tests/data/plans/wild.md");

fn good() -> Plan {
    let parsed = parse(GOOD);
    assert_eq!(codes(&parsed), ["P032"], "its open question");
    parsed.plan
}

fn codes(parsed: &Parsed) -> Vec<&'static str> {
    parsed.diagnostics.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_plan_is_read_with_all_its_parts() {
    let plan = good();
    assert_eq!(plan.name.value, "Rename the `fetch` command");
    assert_eq!(plan.stream_id.as_ref().map(|id| id.as_str()), Some("007-rename-fetch"));
    assert!(plan.summary.starts_with("People look for") && plan.summary.ends_with("goes away."));
    assert_eq!(plan.references.lines().count(), 2);
    let shape: Vec<(String, usize)> =
        plan.batches().map(|batch| (batch.id.to_string(), batch.threads.len())).collect();
    assert_eq!(shape, [("01.01".into(), 2), ("01.02".into(), 1), ("02.01".into(), 1)]);
    let stage = &plan.stages[0];
    assert_eq!(stage.definition.value, "The command is `pull`, and `fetch` still works.");
    assert!(
        stage.constitution.starts_with("**Inputs:**") && stage.constitution.ends_with("- A note in the help")
    );
    let answers: Vec<bool> = stage.questions.iter().map(|question| question.answered).collect();
    assert_eq!(answers, [true, false]);
    assert!(stage.questions[0].text.contains("\n  Two releases."), "{:?}", stage.questions[0].text);
}

#[test]
fn the_short_labels_of_a_thread_are_read() {
    let plan = good();
    let thread = plan.thread("01.01.02".parse().unwrap()).unwrap();
    assert_eq!(thread.name.value, "Shell completions & `man` page - @docs.rs");
    assert_eq!(thread.agent.as_ref().map(|agent| agent.0.as_str()), Some("docs writer"));
    let tasks: Vec<(&str, bool)> = thread.tasks.iter().map(|task| (task.name.as_str(), task.done)).collect();
    assert_eq!(tasks, [("Add `pull` to the completions", false), ("Rewrite the page", true)]);
    assert_eq!(thread.tasks[0].details.value, "  - for bash and fish");
    let depends: Vec<String> = thread.depends_on.iter().map(|id| id.value.to_string()).collect();
    assert_eq!(depends, ["01.01.01"]);
    let paths: Vec<&str> = thread.paths.iter().map(|path| path.as_str()).collect();
    assert_eq!(paths, ["completions/**", "doc/{pull,fetch}.1", "a b.txt"]);
    let verify: Vec<&str> = thread.verify.iter().map(|command| command.as_str()).collect();
    assert_eq!(verify, ["make man", "make check ARGS=\"a, b\""]);
}

#[test]
fn markdown_in_details_reaches_the_reader_unharmed() {
    let plan = good();
    let details = &plan.thread("01.01.01".parse().unwrap()).unwrap().details;
    for part in [
        "| old | new |\n|---|---|\n| `fetch` | `pull` |",
        "> Quoted words\n> on two lines",
        "1. Rename\n   - the file\n     - and its test",
        "```rust\n###### Thread 09: not a thread\n**Summary:** not a label\n- [ ] not a task\n```",
        "  ```sh\n  ### Stage 09: indented\n  ```",
        "**Note:** another bold label.",
        "<!-- a comment -->",
    ] {
        assert!(details.contains(part), "{part}\n---\n{}", details.value);
    }
    assert!(details.ends_with("last words."));
}

#[test]
fn what_old_plans_do_is_read_in_full() {
    let parsed = parse(WILD);
    let plan = &parsed.plan;
    assert!(
        parsed.diagnostics.iter().all(|finding| finding.severity == Severity::Note),
        "{:#?}",
        parsed.diagnostics
    );
    assert_eq!(plan.stages.len(), 3, "a stage below the footer counts");
    assert_eq!(plan.sections.len(), 1);
    assert!(plan.sections[0].body.contains("### Format\n"));
    let first = plan.threads().next().unwrap();
    assert!(first.details.ends_with("text right behind the label."), "{:?}", first.details);
    let before_footer = plan.thread("02.01.01".parse().unwrap()).unwrap();
    assert_eq!(before_footer.details.value, "- The last item");
    assert_eq!(plan.stages[2].definition.value, "Found by its word.");
    assert_eq!(plan.stages[2].questions.len(), 1);
}

#[test]
fn a_text_ends_above_a_divider_that_makes_it_a_heading() {
    let source = GOOD.replace("- Only after the last release.\n\n---", "Only after\nthe last release.\n---");
    let parsed = parse(&source);
    assert_eq!(codes(&parsed), ["P032", "P007"]);
    let thread = parsed.plan.thread("02.01.01".parse().unwrap()).unwrap();
    assert_eq!(thread.details.value, "Only after\nthe last release.");
}

#[test]
fn a_question_ends_where_its_list_does() {
    let source = GOOD.replace("a warning?\n", "a warning?\n\nNot a part of it.\n");
    let parsed = parse(&source);
    assert_eq!(codes(&parsed), ["P032", "P020"]);
    assert_eq!(parsed.plan.stages[0].questions[1].text.value, "Is there a warning?");
}

#[test]
fn line_endings_and_a_mark_do_not_change_the_meaning() {
    let plan = good();
    let crlf = parse(&GOOD.replace('\n', "\r\n"));
    assert_eq!(codes(&crlf), ["P032"]);
    assert_eq!(plan_hash(&crlf.plan), plan_hash(&plan));
    let marked = parse(&format!("\u{feff}{GOOD}"));
    assert_eq!(plan_hash(&marked.plan), plan_hash(&plan));
    let blanks = parse(&GOOD.replace("\n\n", "  \n\n"));
    assert_eq!(plan_hash(&blanks.plan), plan_hash(&plan));
}

#[test]
fn a_hash_changes_with_the_meaning_and_only_then() {
    let id = "01.01.02".parse().unwrap();
    let hash = |source: &str| meaning_hash(parse(source).plan.thread(id).unwrap());
    let before = hash(GOOD);
    assert_eq!(before.len(), 32);
    for (from, to) in [
        ("**Agent:** docs writer", "**Agent:** somebody"),
        ("- [x] Rewrite the page", "- [ ] Rewrite   the page"),
        ("### Stage 01: Rename", "### Stage 01: Call it"),
        ("**Depends on:** 01.01.01", "**Depends on:** `1.1.1`, 01.01.01"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        assert_eq!(hash(&GOOD.replace(from, to)), before, "{to}");
    }
    for (from, to) in [
        ("Rewrite the page", "Rewrite a page"),
        ("completions/**", "completions/*"),
        ("make man", "make all"),
        ("**Depends on:** 01.01.01", "**Depends on:** none"),
        ("Shell completions", "Completions"),
        ("  - for bash and fish", "  - for bash"),
    ] {
        assert_ne!(hash(&GOOD.replace(from, to)), before, "{to}");
        assert_ne!(plan_hash(&parse(&GOOD.replace(from, to)).plan), plan_hash(&good()), "{to}");
    }
}

#[test]
fn hashes_stay_the_same_in_every_version() {
    let plan = good();
    assert_eq!(plan_hash(&plan), "eb9ef4fa4c7f7294fe40a16d7fbd3b07");
    assert_eq!(meaning_hash(plan.threads().next().unwrap()), "f901a2ae54afd5242d30dfd0e13583b3");
}

#[test]
fn the_template_breaks_only_the_rules_about_what_is_left_to_write() {
    let id: StreamId = "003-a-b".parse().unwrap();
    let text = template("A b", &id, "2026-01-02", 2);
    let parsed = parse(&text);
    let codes: std::collections::BTreeSet<_> =
        parsed.diagnostics.iter().map(|finding| finding.code).collect();
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), ["P034"], "{:#?}", parsed.diagnostics);
    let [left] = &parsed.diagnostics[..] else { panic!("one thing to say: {:#?}", parsed.diagnostics) };
    let count = text.matches("TODO").count() - 1;
    assert_eq!(left.message, format!("{count} placeholders: a template that was not filled in yet"));
    let lines: Vec<String> = (1..)
        .zip(text.lines())
        .filter(|(_, line)| line.contains("TODO") && !line.starts_with("Replace every"))
        .map(|(number, _)| number.to_string())
        .collect();
    assert_eq!(left.help.as_deref(), Some(&*format!("replace or remove each: lines {}", lines.join(", "))));
    assert_eq!(parsed.plan.stages.len(), 2);
    assert_eq!(parsed.plan.stream_id.as_ref().map(|id| id.as_str()), Some("003-a-b"));
    assert_eq!(open_questions(&parsed.plan).count(), 2);
    assert_eq!(parse(&template("x", &id, "d", 0)).plan.stages.len(), 1);
    assert_eq!(parse(&template("x", &id, "d", 255)).plan.stages.len(), 99);
}

/// What is left of a template in the end is told place by place.
#[test]
fn a_few_placeholders_are_told_one_by_one() {
    let id: StreamId = "003-a-b".parse().unwrap();
    let found = |left: usize| {
        let mut text = template("A b", &id, "2026-01-02", 1);
        // From the end, past the guidance at the start.
        for _ in left..text.matches("TODO").count() - 1 {
            let at = text.rfind("TODO").unwrap();
            text.replace_range(at..at + 4, "Said");
        }
        parse(&text).diagnostics.iter().filter(|finding| finding.code == "P034").count()
    };
    assert_eq!((found(1), found(8), found(9)), (1, 8, 1));
}

#[test]
fn numbers_that_cannot_be_used_are_replaced_by_free_ones() {
    let plan = parse("## Stages\n### Stage 0: a\n### Stage 01: b\n### Stage: c\n### Stage 100: d\n").plan;
    let numbers: Vec<u8> = plan.stages.iter().map(|stage| stage.number.get()).collect();
    assert_eq!(numbers, [2, 1, 3, 4]);
    let many: String = (0..120).map(|n| format!("### Stage 0: {n}\n")).collect();
    assert_eq!(parse(&many).plan.stages.len(), 120);
}

#[test]
fn files_that_are_no_plans_are_read_without_harm() {
    for source in [
        "",
        "\u{feff}",
        "\0\0\0",
        "\r\r\n\r",
        "---",
        "- [",
        "```",
        "# ",
        "######",
        "[a]: b\n",
        "\u{feff}---\n",
    ] {
        let parsed = parse(source);
        assert!(parsed.plan.threads().next().is_none());
        assert!(parsed.diagnostics.iter().any(|finding| finding.severity == Severity::Error), "{source:?}");
    }
}

#[test]
fn five_megabytes_take_no_more_than_a_moment() {
    let at = GOOD.find("### Stage 01").unwrap();
    let big = format!("{}{}", &GOOD[..at], GOOD[at..].repeat(5_000_000 / (GOOD.len() - at)));
    let parsed = parse(&big);
    assert!(parsed.plan.threads().count() > 5000);
    let flat = format!("{}{}", &GOOD[..at], "###### Thread 01: a\n**Paths:** *\n".repeat(10_000));
    assert_eq!(parse(&flat).plan.threads().count(), 10_000);
}

#[test]
fn a_question_is_ticked_by_one_byte() {
    let stage = "1".parse().unwrap();
    let ticked = edit::tick_question(GOOD, stage, 1, true).unwrap();
    let changed: Vec<(u8, u8)> = GOOD.bytes().zip(ticked.bytes()).filter(|(a, b)| a != b).collect();
    assert_eq!((ticked.len(), changed), (GOOD.len(), vec![(b' ', b'x')]));
    assert_eq!(edit::tick_question(&ticked, stage, 1, false).unwrap(), GOOD);
    assert_eq!(edit::tick_question(GOOD, stage, 0, true).unwrap(), GOOD);
    assert!(matches!(
        edit::tick_question(GOOD, stage, 9, true),
        Err(edit::EditError::NoQuestion { count: 2, .. })
    ));
    assert!(matches!(
        edit::tick_question(GOOD, "9".parse().unwrap(), 0, true),
        Err(edit::EditError::NotFound(_))
    ));
    let boxless = GOOD.replace("- [ ] Is", "- Is");
    let ticked = edit::tick_question(&boxless, stage, 1, true).unwrap();
    assert!(ticked.contains("- [x] Is"));
}

#[test]
fn an_agent_is_replaced_or_added() {
    let agent = AgentName("fast one".to_owned());
    let edited = edit::set_agent(GOOD, "01.01.02".parse().unwrap(), &agent).unwrap();
    assert_eq!(edited, GOOD.replace("**Agent:** docs writer", "**Agent:** fast one"));
    let edited = edit::set_agent(GOOD, "02.01.01".parse().unwrap(), &agent).unwrap();
    assert!(
        edited.contains("###### Thread 01: Remove `fetch`\n\n**Agent:** fast one\n\n**Summary:**"),
        "{edited}"
    );
    assert_eq!(edited.replace("\n\n**Agent:** fast one", ""), GOOD);
    let bare = "## Stages\n### Stage 1: a\n##### Batch 1: b\n###### Thread 1: c";
    let edited = edit::set_agent(bare, "1.1.1".parse().unwrap(), &agent).unwrap();
    assert_eq!(edited, format!("{bare}\n\n**Agent:** fast one"));
    let tight = format!("{bare}\n**Agent:**\n**Summary:** s");
    let edited = edit::set_agent(&tight, "1.1.1".parse().unwrap(), &agent).unwrap();
    assert_eq!(edited, format!("{bare}\n**Agent:** fast one\n**Summary:** s"));
    for bad in ["", "a\nb", "`a`", " "] {
        assert!(
            edit::set_agent(GOOD, "1.1.1".parse().unwrap(), &AgentName(bad.to_owned())).is_err(),
            "{bad:?}"
        );
    }
    assert!(edit::set_agent(GOOD, "9.9.9".parse().unwrap(), &agent).is_err());
}

#[test]
fn new_parts_stand_behind_the_last_and_above_the_footer() {
    let edited = edit::append_stage(GOOD, "Clean up", &[]).unwrap().text;
    assert!(edited.contains("last release.\n\n### Stage 03: Clean up\n\n#### Stage Definition"), "{edited}");
    assert!(edited.ends_with("#### Stage Batches\n\n---\n\n*Last updated: 2026-02-03*\n"), "{edited}");
    let edited = edit::append_batch(&edited, "3".parse().unwrap(), "First", &[]).unwrap().text;
    let edited =
        edit::append_thread(&edited, "3.1".parse().unwrap(), &ThreadDraft::named("Only"), &[]).unwrap().text;
    assert!(parse(&edited).plan.thread("3.1.1".parse().unwrap()).is_some());
    let edited =
        edit::append_thread(GOOD, "1.1".parse().unwrap(), &ThreadDraft::named("Third"), &[]).unwrap().text;
    let new = parse(&edited).plan;
    assert_eq!(new.thread("01.01.03".parse().unwrap()).map(|thread| thread.name.as_str()), Some("Third"));
    assert!(edited.contains("placeholders."), "{edited}");
    assert_eq!(edit::append_stage("", "A", &[]).map(|new| parse(&new.text).plan.stages.len()), Ok(1));
    assert_eq!(
        edit::append_stage("# Plan: x", "A", &[]).map(|new| parse(&new.text).plan.name.value),
        Ok("x".into())
    );
    for bad in ["", "a\nb", "a #"] {
        assert!(edit::append_stage(GOOD, bad, &[]).is_err(), "{bad:?}");
    }
    let full = GOOD.replace("Stage 02", "Stage 99");
    assert_eq!(edit::append_stage(&full, "x", &[]), Err(edit::EditError::Full));
    assert_eq!(Ordinal::new(99).and_then(Ordinal::next), None);
    let open = format!("{GOOD}\n```\n");
    assert!(edit::append_stage(&open, "x", &[]).is_ok(), "stands above the fence");
}

#[test]
fn new_parts_take_the_line_endings_of_the_file() {
    let crlf = GOOD.replace('\n', "\r\n");
    for edited in [
        edit::append_stage(&crlf, "x", &[]).map(|new| new.text),
        edit::append_thread(&crlf, "1.2".parse().unwrap(), &ThreadDraft::named("x"), &[]).map(|new| new.text),
        edit::append_task(&crlf, "1.2.1".parse().unwrap(), "x"),
        edit::set_agent(&crlf, "1.1.1".parse().unwrap(), &AgentName("x".into())),
    ] {
        let edited = edited.unwrap();
        assert_eq!(edited.matches('\n').count(), edited.matches("\r\n").count());
    }
}

#[test]
fn a_number_that_the_state_keeps_is_not_given_again() {
    let kept = ["03.01.04".parse().unwrap(), "01.01.07".parse().unwrap()];
    assert_eq!(edit::append_stage(GOOD, "x", &kept).unwrap().id.to_string(), "04");
    let draft = ThreadDraft::named("x");
    assert_eq!(
        edit::append_thread(GOOD, "1.1".parse().unwrap(), &draft, &kept).unwrap().id.to_string(),
        "01.01.08"
    );
    assert_eq!(edit::append_batch(GOOD, "2".parse().unwrap(), "x", &kept).unwrap().id.to_string(), "02.02");
}

#[test]
fn a_draft_is_written_as_it_is_read() {
    let draft = ThreadDraft {
        name: "Whole".to_owned(),
        agent: Some(AgentName("default".to_owned())),
        summary: Some("What.\n\nAnd why.".to_owned()),
        details: Some("- one\n\n```sh\n# no heading\n```".to_owned()),
        tasks: vec!["first".to_owned(), "second `x`".to_owned()],
        paths: vec!["src/**".to_owned()],
        verify: vec!["cargo test".to_owned()],
    };
    let edited = edit::append_thread(GOOD, "1.1".parse().unwrap(), &draft, &[]).unwrap();
    let plan = parse(&edited.text).plan;
    assert_eq!(plan.thread(edited.id).unwrap().tasks.len(), 2);
    for bad in ["x\n###### Thread 09: y", "**Agent:** other", "```", "x\n\n## Stages"] {
        let draft = ThreadDraft { details: Some(bad.to_owned()), ..draft.clone() };
        assert!(edit::append_thread(GOOD, "1.1".parse().unwrap(), &draft, &[]).is_err(), "{bad}");
    }
}

#[test]
fn a_task_is_added_as_the_last_one_is_written() {
    let thread = "1.1.1".parse().unwrap();
    let plan = |list: &str| {
        format!("## Stages\n### Stage 1: a\n##### Batch 1: b\n###### Thread 1: c\n\n**Summary:** s\n\n{list}")
    };
    for (before, after) in [
        ("**Tasks:**\n- [x] one\n", "**Tasks:**\n- [x] one\n- [ ] new\n"),
        ("**Tasks:**\n* one\n  more\n\n**Verify:** x", "**Tasks:**\n* one\n  more\n* new\n\n**Verify:** x"),
        ("**Tasks:**\n1. one\n2. two", "**Tasks:**\n1. one\n2. two\n3. new"),
        ("**Tasks:**\n", "**Tasks:**\n- [ ] new\n"),
        ("**Details:** d\n", "**Details:** d\n\n**Tasks:**\n- [ ] new\n"),
    ] {
        assert_eq!(edit::append_task(&plan(before), thread, "new"), Ok(plan(after)));
    }
    for bad in ["", "a\nb", "   "] {
        assert!(edit::append_task(GOOD, thread, bad).is_err(), "{bad:?}");
    }
    assert!(edit::append_task(GOOD, "9.9.9".parse().unwrap(), "x").is_err());
}

#[test]
fn a_stage_between_others_moves_those_whose_number_it_takes() {
    let edited = edit::insert_stage(GOOD, "1".parse().unwrap(), "Between", &[]).unwrap();
    assert_eq!(edited.id.to_string(), "02");
    assert_eq!(edited.moved, [("02".parse().unwrap(), "03".parse().unwrap())]);
    let (at, _) = edited.text.match_indices("### Stage 02: Between").next().unwrap();
    assert!(edited.text[at..].contains("### Stage 03: "), "{}", edited.text);
    let history = ["02.01.01".parse().unwrap()];
    assert_eq!(
        edit::insert_stage(GOOD, "1".parse().unwrap(), "x", &history),
        Err(edit::EditError::HasHistory("2".parse().unwrap()))
    );
    let gap = GOOD.replace("### Stage 02", "### Stage 09").replace(" 02.", " 09.");
    let edited = edit::insert_stage(&gap, "1".parse().unwrap(), "x", &history);
    assert!(edited.is_err(), "its number belongs to what was kept");
    let edited = edit::insert_stage(&gap, "1".parse().unwrap(), "x", &[]).unwrap();
    assert_eq!((edited.id.to_string().as_str(), edited.moved.len()), ("02", 0));
    assert!(edit::insert_stage(GOOD, "7".parse().unwrap(), "x", &[]).is_err());
}

#[test]
fn what_was_added_can_be_removed_again() {
    let stage = edit::append_stage(GOOD, "x", &[]).unwrap();
    assert_eq!(edit::remove(&stage.text, NodeId::Stage(stage.id)).as_deref(), Ok(GOOD));
    let batch = edit::append_batch(GOOD, "1".parse().unwrap(), "x", &[]).unwrap();
    assert_eq!(edit::remove(&batch.text, NodeId::Batch(batch.id)).as_deref(), Ok(GOOD));
    let thread = edit::append_thread(GOOD, "1.1".parse().unwrap(), &ThreadDraft::named("x"), &[]).unwrap();
    assert_eq!(edit::remove(&thread.text, NodeId::Thread(thread.id)).as_deref(), Ok(GOOD));
    let all = parse(GOOD).plan;
    for id in all.threads().map(|thread| thread.id) {
        let edited = edit::remove(GOOD, NodeId::Thread(id)).unwrap();
        assert!(parse(&edited).plan.thread(id).is_none(), "{id}");
    }
    assert!(edit::remove(GOOD, NodeId::Stage("9".parse().unwrap())).is_err());
}
