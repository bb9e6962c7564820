//! A plan that breaks each rule, and how it is reported.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Severity};
use crate::plan::{codes, explain, parse};

use Severity::{Error, Note, Warning};

const HEAD: &str = "# Plan: P\n\n## Summary\n\nAbout.\n\n## Stages\n\n";
const STAGE: &str = "### Stage 01: One\n\n#### Stage Definition\n\nD.\n\n#### Stage Batches\n\n";
const BATCH: &str = "##### Batch 01: B\n\nText.\n\n";
const THREAD: &str = "###### Thread 01: T\n\n**Summary:**\nS.\n\n**Details:**\n- D\n";

/// A plan whose first thread is `thread`.
fn thread(thread: &str) -> String {
    format!("{HEAD}{STAGE}{BATCH}{thread}")
}

/// A plan that ends with `more`.
fn plan(more: &str) -> String {
    format!("{}\n{more}", thread(THREAD))
}

/// A plan with two threads that hold `first` and `second`.
fn pair(first: &str, second: &str) -> String {
    plan(&format!("{first}\n\n###### Thread 02: U\n\n**Summary:**\nS.\n\n{second}\n"))
}

/// The plan, the code it breaks, how bad that is, and the text at the place that is shown.
fn broken() -> Vec<(String, &'static str, Severity, &'static str)> {
    let good = thread(THREAD);
    vec![
        (format!("\u{feff}{good}"), "P001", Warning, "\u{feff}"),
        (plan("A\0B\n"), "P002", Error, "\0"),
        (good.replace("# Plan: P\n", ""), "P003", Warning, ""),
        (good.replace("Plan: P", "Plan:"), "P003", Warning, "# Plan:"),
        (good.replace("Plan: P", "P"), "P003", Warning, "P"),
        (good.replace("## Stages\n", ""), "P004", Warning, "### Stage 01: One"),
        ("# Plan: P\n".to_owned(), "P004", Error, ""),
        (HEAD.to_owned(), "P005", Error, "## Stages"),
        (String::new(), "P005", Error, ""),
        (plan("```rust\ncode\n\n###### Thread 02: U\n"), "P006", Error, "```rust"),
        (plan("<!-- open\n\n### Stage 02: U\n"), "P006", Error, "<!-- open"),
        (plan("~~~\ncode\n"), "P006", Warning, "~~~"),
        (good.replace("Text.\n", "Text.\n---\n"), "P007", Warning, "---"),
        (plan("Last words\nof it.\n---\n\n*Last updated: today*\n"), "P007", Warning, "---"),
        (plan("###Stage 02: Two\n"), "P008", Error, "###"),
        (plan("> ###### Thread 02: Quoted\n"), "P009", Warning, "###### Thread 02: Quoted"),
        (plan("- item\n\n  ###### Thread 02: Listed\n"), "P009", Warning, "###### Thread 02: Listed"),
        (good.replace("### Stage 01", "## Stage 01"), "P010", Warning, "## Stage 01: One"),
        (good.replace("##### Batch", "#### Batch"), "P010", Warning, "#### Batch 01: B"),
        (good.replace("###### Thread", "##### Thread"), "P010", Warning, "##### Thread 01: T"),
        (good.replace("## Stages", "# Stages"), "P010", Warning, "# Stages"),
        (good.replace("Stage 01: One", "Stage 01 One"), "P011", Warning, "### Stage 01 One"),
        (good.replace("Thread 01: T", "Thread 01 - T"), "P011", Warning, "###### Thread 01 - T"),
        (plan("###### Thred 02: U\n"), "P012", Note, "###### Thred 02: U"),
        (good.replace("Text.\n", "##### Bach 02: U\n"), "P012", Warning, "##### Bach 02: U"),
        (plan("#### Notes\n\nX.\n"), "P012", Warning, "#### Notes"),
        (plan("### Notes\n\nX.\n"), "P012", Warning, "### Notes"),
        (
            good.replace("#### Stage Batches", "#### Risks\n\nR.\n\n#### Stage Batches"),
            "P012",
            Note,
            "#### Risks",
        ),
        (good.replace("Batch 01", "Batch 100"), "P013", Error, "100"),
        (good.replace("Stage 01", "Stage 0"), "P013", Error, "0"),
        (
            good.replace("Thread 01", "Thread 99999999999999999999999"),
            "P013",
            Error,
            "99999999999999999999999",
        ),
        (good.replace("Thread 01:", "Thread:"), "P013", Error, "###### Thread: T"),
        (good.replace("Thread 01", "Thread 1.1.1"), "P013", Error, "1.1.1"),
        (format!("{good}\n{STAGE}##### Batch 01: B\n\n{THREAD}"), "P014", Error, "### Stage 01: One"),
        (plan(&format!("##### Batch 1: C\n\n{THREAD}")), "P014", Error, "##### Batch 1: C"),
        (plan(&THREAD.replace(": T", ": U")), "P014", Error, "###### Thread 01: U"),
        (good.replace("Stage 01", "Stage 02"), "P015", Note, "### Stage 02: One"),
        (
            format!("{}\n{}", good.replace("Thread 01", "Thread 02"), THREAD.replace(": T", ": U")),
            "P015",
            Warning,
            "###### Thread 01: U",
        ),
        (good.replace(BATCH, ""), "P016", Error, "###### Thread 01: T"),
        (good.replace(STAGE, ""), "P016", Error, "##### Batch 01: B"),
        (format!("{HEAD}{THREAD}"), "P016", Error, "###### Thread 01: T"),
        (plan("## Appendix\n\nX.\n\n### Stage 02: Two\n"), "P017", Warning, "## Appendix"),
        (good.replace("About.\n", "### Stage 01: Old\n"), "P018", Warning, "### Stage 01: Old"),
        (good.replace("About.\n", "A.\n\n## Summary\n\nB.\n"), "P019", Warning, "## Summary"),
        (
            good.replace("D.\n", "D.\n\n#### Stage Definition\n\nE.\n"),
            "P019",
            Warning,
            "#### Stage Definition",
        ),
        (good.replace("## Stages\n", "## Stages\n\nLost words.\n"), "P020", Warning, "Lost words."),
        (good.replace("Batches\n", "Batches\n\nLost words.\n"), "P020", Warning, "Lost words."),
        (format!("Lost words.\n\n{good}"), "P020", Warning, "Lost words."),
        (plan("---\n\n*Last updated: x*\n\nLost words.\n"), "P020", Warning, "Lost words."),
        (plan("**Agent:** a\nLost words.\n"), "P020", Warning, "Lost words."),
        (plan("**Tasks:**\n- [ ] a\n\nLost words.\n"), "P020", Warning, "Lost words."),
        (
            good.replace("#### Stage Batches", "#### Stage Questions\n\nLost words.\n\n#### Stage Batches"),
            "P020",
            Warning,
            "Lost words.",
        ),
        (good.replace("Batch 01: B", "Batch 01:"), "P021", Warning, "##### Batch 01:"),
        (plan("##### Batch 02: Empty\n\nX.\n"), "P022", Warning, "##### Batch 02: Empty"),
        (plan("### Stage 02: Empty\n"), "P022", Warning, "### Stage 02: Empty"),
        (thread("###### Thread 01: T\n"), "P023", Error, "###### Thread 01: T"),
        (thread("###### Thread 01: T\n\nPlain words.\n"), "P024", Warning, "Plain words."),
        (good.replace("**Summary:**", "Plain words.\n\n**Summary:**"), "P024", Warning, "Plain words."),
        (good.replace("S.\n\n", "S.\n"), "P025", Note, "**Details:**"),
        (good.replace("S.\n\n**", "S. **"), "P026", Warning, "**Details:**"),
        (plan("**Details:**\nMore.\n"), "P027", Warning, "**Details:**"),
        (plan("**Agent:** a\n**Agent:** b\n"), "P028", Warning, "**Agent:**"),
        (plan("**Agent:**\n"), "P028", Warning, "**Agent:**"),
        (plan(&THREAD.replace("Thread 01", "Thread 02")), "P029", Warning, "T"),
        (pair("**Paths:** src/a/**, b.rs", "**Paths:** `src/a/x.rs`"), "P030", Warning, "src/a/x.rs"),
        (pair("Edit `src/a.rs`.", "**Details:** see `./src/a.rs`"), "P031", Note, "`./src/a.rs`"),
        (
            good.replace(
                "#### Stage Batches",
                "#### Stage Questions\n\n- [x] A\n- [ ] B\n\n#### Stage Batches",
            ),
            "P032",
            Warning,
            "[ ]",
        ),
        (
            good.replace("#### Stage Batches", "#### Stage Questions\n\n- What now?\n\n#### Stage Batches"),
            "P033",
            Warning,
            "What now?",
        ),
        (good.replace("- D\n", "- TODO: write this\n"), "P034", Warning, "TODO: write this"),
        (good.replace("Thread 01: T", "Thread 01: TODO"), "P034", Warning, "TODO"),
        (good.replace("About.", "**Goal:** TBD"), "P034", Warning, "TBD"),
        (plan("**Depends on:** 01.02.03\n"), "P035", Error, "01.02.03"),
        (plan("**Depends on:** the first\n"), "P035", Error, "the"),
        (
            plan(&format!("**Depends on:** 1.2.1\n\n##### Batch 02: C\n\nX.\n\n{THREAD}")),
            "P036",
            Error,
            "1.2.1",
        ),
        (plan("**Depends on:** 01.01.01\n"), "P037", Error, "01.01.01"),
        (pair("**Depends on:** 01.01.02", "**Depends on:** 1.1.1"), "P037", Error, "1.1.1"),
    ]
}

fn text<'a>(source: &'a str, finding: &Diagnostic) -> &'a str {
    finding.primary.as_ref().map_or("", |label| &source[label.span.clone()])
}

#[test]
fn each_rule_reports_what_breaks_it() {
    for (source, code, severity, place) in broken() {
        let found = parse(&source).diagnostics;
        let hit = found.iter().any(|finding| {
            finding.code == code && finding.severity == severity && text(&source, finding) == place
        });
        let all: Vec<_> = found.iter().map(|f| (f.code, f.severity, text(&source, f))).collect();
        assert!(hit, "{code} {severity:?} at {place:?} is not among {all:#?} of\n{source}");
        assert!(
            found.iter().all(|finding| finding.help.is_some() || finding.severity == Note),
            "{code}: no help"
        );
    }
}

#[test]
fn a_good_plan_breaks_no_rule() {
    for source in [
        thread(THREAD),
        pair("**Paths:** src/a/**", "**Depends on:** 01.01.01\n**Paths:** src/a/x.rs"),
        pair("Edit `src/a.rs` and `x.unwrap`.", "**Details:** see `src/b.rs` and `x.unwrap`"),
        plan(
            "**Details mean:** a bold word is no label.\n\n```text\n###### Thread 02: U\n**Summary:**\nTODO: x\n```\n",
        ),
        plan("---\n\n*Last updated: 2026-01-01*\n\n### Stage 02: Two\n\n##### Batch 01: B\n\n")
            .replace("### Stage 02: Two\n\n##### Batch 01: B\n\n", ""),
    ] {
        assert_eq!(parse(&source).diagnostics, [], "{source}");
    }
}

#[test]
fn each_code_is_explained_and_broken_by_a_plan() {
    let codes: Vec<&str> = codes().collect();
    let unique: BTreeSet<&str> = codes.iter().copied().collect();
    assert_eq!(unique.len(), codes.len(), "a code is used twice");
    let broken: BTreeSet<&str> = broken().into_iter().map(|(_, code, ..)| code).collect();
    assert_eq!(unique, broken);
    for code in codes {
        assert!(explain(code).is_some_and(|text| text.len() > 80), "{code}");
    }
    assert_eq!(explain("P999"), None);
    assert_eq!(explain("p001"), explain("P001"));
}

#[test]
fn duplicates_show_both_places() {
    let source = plan(&THREAD.replace(": T", ": U"));
    let found = parse(&source).diagnostics;
    let finding = found.iter().find(|finding| finding.code == "P014").expect("a finding");
    assert_eq!(&source[finding.secondary[0].span.clone()], "###### Thread 01: T");
}

#[test]
fn findings_come_in_the_order_of_the_file() {
    let source = plan("**Agent:**\n\n## Late\n\n### Stage 02 Two\n");
    let starts: Vec<usize> =
        parse(&source).diagnostics.iter().filter_map(|f| f.primary.as_ref()).map(|l| l.span.start).collect();
    assert!(starts.is_sorted(), "{starts:?}");
}
