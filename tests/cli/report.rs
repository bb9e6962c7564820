//! `work report`

use snapbox::str;

use super::desk::{Desk, STREAM, document};

/// Tried mutant: whatever is there is taken for a report.
#[test]
fn beside_the_plan() {
    let desk = Desk::busy();
    desk.shows(
        "report",
        str![[r#"
$ work report
wrote [REPO]/work/001-rename-fetch/REPORT.md
2 of 5 tasks  ·  5 threads: 1 completed, 1 failed, 1 interrupted, 1 pending, 1 cancelled
5 sessions  ·  2h 3m  ·  ≥ $1.51
--- exit 0

"#]],
    );
    let report = desk.bytes(format!("{STREAM}/REPORT.md"));
    let printed = desk.run("report --stdout").ok();
    assert_eq!(String::from_utf8(report).expect("UTF-8"), printed.stdout);
    // An earlier report is replaced, and so is an empty file.
    desk.write_file(&format!("{STREAM}/REPORT.md"), "");
    desk.run("report").ok();
    desk.run("report").ok();
    desk.write_file(&format!("{STREAM}/REPORT.md"), "# Notes of a person\n");
    desk.shows(
        "report",
        str![[r#"
$ work report
--- stderr
error: `[REPO]/work/001-rename-fetch/REPORT.md` is there, and `work report` did not write it
hint: `work report --force` replaces it; or move it away
hint: `work report --stdout` prints the report instead
--- exit 1

"#]],
    );
    assert_eq!(desk.bytes(format!("{STREAM}/REPORT.md")), b"# Notes of a person\n");
    desk.run("report --force").ok();
    assert!(desk.bytes(format!("{STREAM}/REPORT.md")).starts_with(b"<!-- Written by `work report`"));
}

#[test]
fn as_markdown() {
    let desk = Desk::busy();
    desk.is(&desk.run("report --stdout").ok().stdout, Desk::golden("report.md"));
}

#[test]
fn as_json() {
    let desk = Desk::busy();
    let document = document("report", &desk.run("report --json").ok());
    desk.is(&serde_json::to_string_pretty(&document).expect("JSON"), Desk::golden("report.json"));
    assert!(!desk.path(format!("{STREAM}/REPORT.md")).exists(), "`--json` writes no REPORT.md");
}

#[test]
fn as_html() {
    let desk = Desk::busy();
    let printed = desk.run("report --html -").ok().stdout;
    desk.is(&printed, Desk::golden("report.html"));
    desk.shows(
        "report --html out.html",
        str![[r#"
$ work report --html out.html
wrote out.html
2 of 5 tasks  ·  5 threads: 1 completed, 1 failed, 1 interrupted, 1 pending, 1 cancelled
5 sessions  ·  2h 3m  ·  ≥ $1.51
--- exit 0

"#]],
    );
    assert_eq!(String::from_utf8(desk.bytes("repo/out.html")).expect("UTF-8"), printed);
    assert!(!desk.path(format!("{STREAM}/REPORT.md")).exists(), "`--html` writes no REPORT.md");
    desk.run("report --html out.html").ok();
    desk.write_file("repo/mine.html", "<!DOCTYPE html>\n<p>Mine");
    desk.refuses("report --html mine.html", 1, &["`mine.html` is there"]);
    assert_eq!(desk.bytes("repo/mine.html"), b"<!DOCTYPE html>\n<p>Mine");
    desk.run("report --html mine.html --force").ok();
    desk.refuses("report --html no/such/folder.html", 1, &["no/such"]);
    let printed = document("report", &desk.run("report --html out.html --json").ok());
    assert_eq!(printed["stream"], "001-rename-fetch");
}

#[test]
fn what_does_not_go_together() {
    let desk = Desk::busy();
    desk.refuses("report --stdout --html x.html", 2, &["--html"]);
    desk.refuses("report --stdout --force", 2, &["--force"]);
    assert_eq!(desk.run("report --json --html -").code, 2);
    assert_eq!(desk.run("report --json --stdout").code, 2);
}

#[test]
fn of_a_stream_that_has_not_begun() {
    let desk = Desk::planned();
    desk.shows(
        "report --stdout",
        str![[r#"
$ work report --stdout
<!-- Written by `work report`, which replaces it: keep words of your own elsewhere. -->

# Report: Rename fetch

- **Stream:** 001-rename-fetch
- **Created:** 2026-03-04 05:06 UTC
- **Report made:** 2026-03-04 05:06 UTC
- **Plan:** not approved
- **Progress:** 0 of 0 tasks
- **Sessions:** 0
- **Cost:** nothing: no agent has worked

## What is left

Nothing: every thread is done.

What to do next:

1. `work validate plan`, then `work approve plan`

There are no threads yet: a plan that is approved gives them.
--- exit 0

"#]],
    );
    let html = desk.run("report --html -").ok().stdout;
    assert!(html.contains("No agent has worked on this stream yet"), "{html}");
    let desk = Desk::approved();
    desk.shows(
        "report",
        str![[r#"
$ work report
wrote [REPO]/work/001-rename-fetch/REPORT.md
0 of 5 tasks  ·  4 threads: 4 pending
no agent has worked yet
--- exit 0

"#]],
    );
}

/// What the plan would have added is missing; the rest is told.
#[test]
fn of_a_plan_that_can_not_be_read() {
    let desk = Desk::busy();
    desk.plan([0xff, 0xfe]);
    let output = desk.run("report --stdout").ok();
    assert!(output.stdout.contains("PLAN.md can't be read"), "{}", output.stdout);
    assert!(output.stderr.contains("cannot read"), "{}", output.stderr);
}
