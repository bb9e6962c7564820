//! Plans that are no plans, and names that want to be commands.

use snapbox::str;

use super::desk::{Desk, PLAN, STREAM, document};

/// Commands that read PLAN.md before they do anything.
const READERS: &[&str] = &[
    "preview",
    "approve plan --yes",
    "approve plan --dry-run",
    "prompt -t 1.1.1",
    "execute -t 1.1.1",
    "multi",
];

#[test]
fn a_plan_that_is_missing_is_told_with_its_place() {
    let desk = Desk::approved();
    std::fs::remove_file(desk.path(format!("{STREAM}/PLAN.md"))).expect("gone");
    for line in READERS {
        desk.refuses(line, 1, &["PLAN.md`", "because: No such file", "hint: a plan is a file"]);
    }
    desk.shows(
        "validate",
        str![[r#"
$ work validate
error[P000]: the plan can't be read: No such file or directory (os error 2)
--> [REPO]/work/001-rename-fetch/PLAN.md
 = help: every stream has a PLAN.md in its folder; it must be UTF-8 text

agents.yaml, PLAN.md, tasks.json: 1 error
--- exit 3

"#]],
    );
    desk.shows(
        "approve plan --yes",
        str![[r#"
$ work approve plan --yes
--- stderr
error: cannot read `[REPO]/work/001-rename-fetch/PLAN.md`
  because: No such file or directory (os error 2)
hint: a plan is a file of UTF-8 text; bring it back with git, or write a new one
--- exit 1

"#]],
    );
    // What needs no plan goes on.
    for line in ["status", "tree", "show 1.1", "list", "update --task 1.1.1.1 --status in_progress"] {
        desk.run(line).ok();
    }
}

#[test]
fn a_plan_that_is_no_text_is_told_with_its_line() {
    let desk = Desk::approved();
    for bytes in [&b"# Plan: x\n\n\xff\xfe binary"[..], b"\x7fELF\x02\x01\x01\0\0\0\x80\xff", b"\xff"] {
        desk.plan(bytes);
        for line in READERS {
            desk.refuses(line, 1, &["PLAN.md`", "is not UTF-8 text (byte "]);
        }
        assert_eq!(desk.run("validate plan").code, 3);
    }
    desk.plan(b"# Plan: x\n\n\xff\xfe binary");
    desk.shows(
        "validate plan",
        str![[r#"
$ work validate plan
error[P000]: the plan can't be read: line 3 is not UTF-8 text (byte 11)
--> [REPO]/work/001-rename-fetch/PLAN.md
 = help: every stream has a PLAN.md in its folder; it must be UTF-8 text

PLAN.md: 1 error
--- exit 3

"#]],
    );
    desk.shows(
        "preview",
        str![[r#"
$ work preview
--- stderr
error: cannot read `[REPO]/work/001-rename-fetch/PLAN.md`
  because: line 3 is not UTF-8 text (byte 11)
hint: a plan is a file of UTF-8 text; bring it back with git, or write a new one
--- exit 1

"#]],
    );
}

#[test]
fn a_folder_in_place_of_the_plan_is_told() {
    let desk = Desk::planned();
    std::fs::remove_file(desk.path(format!("{STREAM}/PLAN.md"))).expect("gone");
    std::fs::create_dir(desk.path(format!("{STREAM}/PLAN.md"))).expect("a folder");
    desk.refuses("preview", 1, &["PLAN.md`", "because: "]);
    desk.refuses("approve plan --yes", 1, &["PLAN.md`", "because: "]);
}

#[test]
fn an_empty_plan_and_one_with_nul_bytes_are_found_wanting() {
    let desk = Desk::planned();
    for plan in ["", "\n", "   \n\n", "just words\n", "\0\0\0"] {
        desk.plan(plan);
        assert_eq!(desk.run("validate plan").code, 3, "{plan:?}");
        assert_eq!(desk.run("preview").code, 0, "{plan:?}");
        desk.refuses("approve plan --yes", 3, &["error: the plan has "]);
    }
    desk.plan("");
    desk.shows(
        "validate plan",
        str![[r#"
$ work validate plan
error[P004]: there is no `## Stages` heading
--> [REPO]/work/001-rename-fetch/PLAN.md
 = help: add the line `## Stages` above the first stage

error[P005]: the plan has no threads
--> [REPO]/work/001-rename-fetch/PLAN.md
 = help: add `### Stage 01: …`, `##### Batch 01: …` and `###### Thread 01: …`

warning[P003]: the plan has no title
--> [REPO]/work/001-rename-fetch/PLAN.md
 = help: start the file with a line such as `# Plan: Session tracking`

PLAN.md: 2 errors, 1 warning
--- exit 3

"#]],
    );
    desk.shows(
        "preview",
        str![[r#"
$ work preview
Plan:
--- stderr
warning: the plan has 2 errors, 1 warning; `work validate plan` shows them
--- exit 0

"#]],
    );
}

#[test]
fn a_byte_order_mark_and_other_line_ends_change_nothing() {
    let desk = Desk::approved();
    let hash = |desk: &Desk| desk.state_json()["stream"]["approvals"]["plan"]["hash"].clone();
    let before = hash(&desk);
    desk.plan(format!("\u{feff}{}", PLAN.replace('\n', "\r\n")));
    desk.shows(
        "validate plan",
        str![[r#"
$ work validate plan
warning[P001]: the file starts with a byte-order mark
 --> [REPO]/work/001-rename-fetch/PLAN.md:1:1
  |
1 | ﻿# Plan: Rename the `fetch` command 
  | ^ three invisible bytes
  |
  = help: save the file as UTF-8 without a byte-order mark

PLAN.md: 1 warning
--- exit 0

"#]],
    );
    desk.run("approve plan --yes").ok();
    assert_eq!(hash(&desk), before);
    let status = desk.run("status");
    assert_eq!(status.stderr, "");
}

#[test]
fn a_plan_of_five_megabytes_takes_a_moment() {
    let details = "Words that go on, and on.\n".repeat(200_000);
    let desk = Desk::with_plan(PLAN.replace("Keep them short.\n", &details));
    let begin = std::time::Instant::now();
    desk.run("validate plan").ok();
    desk.run("approve plan --yes").ok();
    desk.run("status").ok();
    assert!(desk.run("prompt -t 1.2.1").ok().stdout.len() > 5_000_000);
    assert!(begin.elapsed().as_secs() < 30, "{:?}", begin.elapsed());
    // One line of that length is not drawn whole.
    desk.plan(PLAN.replace("Keep them short.", &format!("TODO: {}", "x".repeat(5_000_000))));
    let output = desk.run("validate plan");
    assert!(output.stdout.len() < 20_000, "{}", output.stdout.len());
}

/// Each is a title of a thread; none may be run, cut a line in two, or drive the terminal.
fn titles() -> Vec<String> {
    let mut titles: Vec<String> = [
        "#(touch x)",
        "$(touch x) ${HOME}",
        "`touch x`",
        "\"double\" and 'single'",
        "; touch x;",
        "ends with ;",
        "a | touch x && b",
        "--help",
        "-t 01.01.01",
        "%s %n #{pane_id} #[fg=red]",
        "🦀 漢字 e\u{301} \u{200d}",
        "{{template}} \\n \\x1b",
        "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}",
        "right \u{202e}tfel",
        "tab\tbetween",
    ]
    .map(str::to_owned)
    .to_vec();
    titles.push("long ".repeat(60).trim_end().to_owned());
    titles
}

#[test]
fn hostile_titles_are_only_text() {
    let titles = titles();
    let mut plan = PLAN[..PLAN.find("###### Thread 01: The command").expect("it is there")].to_owned();
    for (index, title) in titles.iter().enumerate() {
        plan.push_str(&format!(
            "###### Thread {:02}: {title}\n\n**Summary:**\nSay {title}.\n\n**Details:**\nNothing.\n\n\
             **Tasks:**\n- [ ] Task: {title}\n\n",
            index + 1
        ));
    }
    let desk = Desk::with_plan(&plan);
    desk.run("approve plan --yes").ok();
    let threads = desk.state_json()["threads"].as_array().expect("threads").clone();
    assert_eq!(threads.len(), titles.len());
    for line in ["status", "status --sessions", "tree", "preview", "show 01", "multi --dry-run"] {
        let output = desk.run(line).ok();
        let said = format!("{}{}", output.stdout, output.stderr);
        let drives = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!said.contains(drives), "{line}: {said:?}");
        if line == "status" {
            let rows = output.stdout.lines().filter(|line| line.starts_with("01.01.")).count();
            assert_eq!(rows, titles.len(), "one line each: {}", output.stdout);
        }
    }
    for (index, title) in titles.iter().enumerate() {
        let id = format!("01.01.{:02}", index + 1);
        let shown = document("show", &desk.work(["show", &id, "--json"]).ok());
        assert_eq!(shown["threads"][0]["name"], threads[index]["name"]);
        let prompt = document("prompt", &desk.work(["prompt", "-t", &id, "--json"]).ok());
        let prompt = prompt["prompt"].as_str().expect("text").to_owned();
        assert!(prompt.contains(&format!("Say {title}.")), "{title}: {prompt}");
        // By its name, too: nothing of it is taken for an option when it is given as a value.
        let name = threads[index]["name"].as_str().expect("a name");
        let by_name = desk.work(["execute", "--dry-run", &format!("--thread={name}")]).ok();
        assert!(by_name.stdout.contains(&id), "{by_name:#?}");
    }
    assert!(!desk.path("repo/x").exists() && !desk.path("x").exists(), "a title was run");
}

#[test]
fn names_with_line_breaks_in_the_state_stay_on_one_line() {
    let desk = Desk::approved();
    let mut state = desk.state_json();
    state["threads"][0]["name"] = "one\ntwo\r\n\u{1b}[2Jthree".into();
    state["threads"][0]["tasks"][0]["name"] = "task\nof two".into();
    state["threads"][0]["tasks"][0]["report"] = "said\n\u{1b}[31m\nin red".into();
    state["stream"]["name"] = "a\nb".into();
    desk.state(state.to_string());
    let status = desk.run("status").ok().stdout;
    assert!(status.contains("01.01.01  one two [2Jthree  "), "{status}");
    let list = desk.run("list").ok().stdout;
    assert!(list.contains("  a b  "), "{list}");
    desk.shows(
        "show 1.1.1",
        str![[r#"
$ work show 1.1.1
01.01.01 one two [2Jthree  pending  @default
  01.01.01.01 task of two  pending
    report: said
      [31m
      in red
  01.01.01.02 Keep an alias  pending
--- exit 0

"#]],
    );
    desk.shows(
        "update --task 1.1.1.1 --status completed",
        str![[r#"
$ work update --task 1.1.1.1 --status completed
01.01.01.01 task of two: pending → completed
--- exit 0

"#]],
    );
    assert_eq!(desk.state_json()["threads"][0]["name"], "one\ntwo\r\n\u{1b}[2Jthree");
}

#[test]
fn a_stream_has_a_name_that_can_be_a_title() {
    let desk = Desk::ready();
    for (name, id) in [
        ("$(touch x) `y`", "001-touch-x-y"),
        ("two\nlines # and ## Stages", "002-two-lines-and-stages"),
        (&"long ".repeat(60), "003-long-long-long-long-long-long-long-long-long-long-long-long"),
        ("🦀 crab", "004-crab"),
    ] {
        let created = desk.work(["create", name]).ok();
        assert_eq!(created.stdout, format!("created {id}\n"));
        let plan = String::from_utf8(desk.bytes(format!("repo/work/{id}/PLAN.md"))).expect("text");
        let title = plan.lines().next().expect("a line");
        assert_eq!(title, format!("# Plan: {}", name.split_whitespace().collect::<Vec<_>>().join(" ")));
        assert!(plan.lines().filter(|line| line.starts_with("## Stages")).count() == 1);
        let preview = document("preview", &desk.work(["preview", "--json"]).ok());
        assert_eq!(preview["errors"], 0, "{name:?}");
    }
    for name in ["", " ", "…", "🦀", "\n", "\u{1b}[31mred", "a\u{7}"] {
        let refused = desk.work(["create", name]);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{name:?}");
    }
    assert!(!desk.path("repo/x").exists());
}
