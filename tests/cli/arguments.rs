//! Command lines that make no sense, as text and as JSON.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use snapbox::str;

use super::desk::{Desk, document};

#[test]
fn a_usage_error_is_told_as_text_and_as_json() {
    let desk = Desk::ready();
    desk.shows(
        "stauts",
        str![[r#"
$ work stauts
--- stderr
error: unrecognized subcommand 'stauts'

  tip: a similar subcommand exists: 'status'

Usage: work [OPTIONS] <COMMAND>

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.shows_json(
        "error",
        "stauts",
        str![[r#"
$ work stauts --json
{
  "error": {
    "kind": "usage",
    "code": 2,
    "message": "unrecognized subcommand 'stauts'",
    "causes": [],
    "hints": [
      "a similar subcommand exists: 'status'",
      "Usage: work [OPTIONS] <COMMAND>",
      "For more information, try '--help'."
    ]
  }
}
--- exit 2

"#]],
    );
    desk.shows_json("error", "update --status done --task 1", str![[r#"
$ work update --status done --task 1 --json
{
  "error": {
    "kind": "usage",
    "code": 2,
    "message": "invalid value 'done' for '--status <STATUS>' [possible values: pending, in_progress, completed, blocked, cancelled]",
    "causes": [],
    "hints": [
      "For more information, try '--help'."
    ]
  }
}
--- exit 2

"#]]);
    desk.shows_json(
        "error",
        "show",
        str![[r#"
$ work show --json
{
  "error": {
    "kind": "usage",
    "code": 2,
    "message": "the following required arguments were not provided: <ID>",
    "causes": [],
    "hints": [
      "Usage: work show --json <ID>",
      "For more information, try '--help'."
    ]
  }
}
--- exit 2

"#]],
    );
    desk.shows_json(
        "error",
        "create x --stages 99",
        str![[r#"
$ work create x --stages 99 --json
{
  "error": {
    "kind": "usage",
    "code": 2,
    "message": "invalid value '99' for '--stages <N>': 99 is not in 1..=20",
    "causes": [],
    "hints": [
      "For more information, try '--help'."
    ]
  }
}
--- exit 2

"#]],
    );
    desk.shows_json("error", "approve", str![[r#"
$ work approve --json
{
  "error": {
    "kind": "usage",
    "code": 2,
    "message": "'work approve' requires a subcommand but one was not provided [subcommands: plan, stage, help]",
    "causes": [],
    "hints": [
      "Usage: work approve [OPTIONS] <COMMAND>",
      "For more information, try '--help'."
    ]
  }
}
--- exit 2

"#]]);
    desk.shows_json(
        "error",
        "status --sesions",
        str![[r#"
$ work status --sesions --json
{
  "error": {
    "kind": "usage",
    "code": 2,
    "message": "unexpected argument '--sesions' found",
    "causes": [],
    "hints": [
      "a similar argument exists: '--sessions'",
      "Usage: work status --sessions",
      "For more information, try '--help'."
    ]
  }
}
--- exit 2

"#]],
    );
    desk.shows(
        "--color sometimes status",
        str![[r#"
$ work --color sometimes status
--- stderr
error: invalid value 'sometimes' for '--color <WHEN>'
  [possible values: auto, always, never]

For more information, try '--help'.
--- exit 2

"#]],
    );
}

#[test]
fn arguments_that_are_no_text_are_told() {
    let desk = Desk::approved();
    let odd = OsStr::from_bytes(b"\xff\xfe");
    let [status, show, stream, json] = ["status", "show", "--stream", "--json"].map(OsStr::new);
    for args in [&[show, odd][..], &[stream, odd, status], &[odd]] {
        let output = desk.work(args);
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{output:#?}");
        assert!(output.stderr.starts_with("error: "), "{output:#?}");
        let output = desk.work(args.iter().copied().chain([json]));
        assert_eq!(output.code, 2);
        assert_eq!(document("error", &output)["error"]["kind"], "usage");
    }
}

#[test]
fn a_clock_that_is_no_time_is_told() {
    let mut desk = Desk::ready();
    desk.env.set("WORK_CLOCK", "noon");
    desk.shows(
        "status",
        str![[r#"
$ work status
--- stderr
error: `WORK_CLOCK` is `noon`, which is no RFC 3339 time: input contains invalid characters
--- exit 2

"#]],
    );
    desk.shows_json(
        "error",
        "status",
        str![[r#"
$ work status --json
{
  "error": {
    "kind": "environment",
    "code": 2,
    "message": "`WORK_CLOCK` is `noon`, which is no RFC 3339 time: input contains invalid characters",
    "causes": [],
    "hints": []
  }
}
--- exit 2

"#]],
    );
}

#[test]
fn help_and_version_are_data() {
    let desk = Desk::bare();
    for line in ["--help", "--version", "help status", "status --help", "approve plan -h"] {
        let output = desk.run(line).ok();
        assert_eq!(output.stderr, "", "{line}");
        assert!(!output.stdout.is_empty(), "{line}");
    }
    let alone = desk.work([""; 0]);
    assert_eq!(alone.code, 2);
    assert!(alone.stderr.contains("Usage: work"), "{alone:#?}");
}
