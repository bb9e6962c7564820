//! `work answer`

use serde_json::json;
use snapbox::str;

use super::desk::Desk;

#[test]
fn when_nothing_waits() {
    let desk = Desk::busy();
    desk.shows(
        "answer",
        str![[r#"
$ work answer
nothing waits for a person in 001-rename-fetch
--- exit 0

"#]],
    );
    desk.shows_json(
        "answer",
        "answer",
        str![[r#"
$ work answer --json
{
  "streams": [
    "001-rename-fetch"
  ],
  "waiting": []
}
--- exit 0

"#]],
    );
    desk.shows(
        "answer 1.1.2 --allow",
        str![[r#"
$ work answer 1.1.2 --allow
--- stderr
error: nothing waits for an answer in thread `01.01.02`
hint: `work answer` lists what waits
--- exit 1

"#]],
    );
    desk.shows_json(
        "error",
        "answer 1.1.2 --deny 'not here'",
        str![[r#"
$ work answer 1.1.2 --deny 'not here' --json
{
  "error": {
    "kind": "nothing-waits",
    "code": 1,
    "message": "nothing waits for an answer in thread `01.01.02`",
    "causes": [],
    "hints": [
      "`work answer` lists what waits"
    ]
  }
}
--- exit 1

"#]],
    );
    desk.shows(
        "answer 1.1.9 --allow",
        str![[r#"
$ work answer 1.1.9 --allow
--- stderr
error: no thread `1.1.9` in stream `001-rename-fetch`
hint: did you mean `01.01.02`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 01.02.02, 02.01.01
--- exit 2

"#]],
    );
}

#[test]
fn an_answer_is_one_and_to_something() {
    let desk = Desk::busy();
    desk.shows(
        "answer 1.1.2 --allow --always",
        str![[r#"
$ work answer 1.1.2 --allow --always
--- stderr
error: the argument '--allow' cannot be used with '--always'

Usage: work answer --allow <ID>

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.shows(
        "answer --allow",
        str![[r#"
$ work answer --allow
--- stderr
error: the following required arguments were not provided:
  <ID>

Usage: work answer --allow <ID>

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.shows(
        "answer 1.1.2 --text",
        str![[r#"
$ work answer 1.1.2 --text
--- stderr
error: a value is required for '--text <TEXT>' but none was supplied

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.shows(
        "answer --help",
        str![[r#"
$ work answer --help
Answer what the agent of a running thread asks, or list all that waits

Usage: work answer [OPTIONS] [ID]

Arguments:
  [ID]  The thread, by id or unique name; or the request's own id, where a thread asks several
        things (default: list what waits)

Options:
      --allow            Allow it, this once
      --always           Allow it and all of its kind, for every session in the same directory,
                         until opencode ends
      --deny [<REASON>]  Deny it; the agent is told why, and goes on
      --text <TEXT>      Answer a question, with an option or with words of your own; once for each
                         question
  -h, --help             Print help

Options everywhere:
  -s, --stream <STREAM>  The stream, by id, number or name (default: the current one, then the only
                         open one)
      --repo <DIR>       The repository (default: the one that the current folder lies in)
      --json             Print one JSON document (or NDJSON, where something streams) to standard
                         output, also for errors
      --color <WHEN>     Use colours [default: auto] [possible values: auto, always, never]
  -q, --quiet            Say only what was asked for, and errors
--- exit 0

"#]],
    );
}

/// A record whose owner is on another machine: it may be alive, and can't be answered from here.
#[test]
fn what_waits_is_shown_with_the_commands_that_answer_it() {
    let desk = Desk::busy();
    let mut state = desk.state_json();
    let thread = state["threads"]
        .as_array_mut()
        .expect("threads")
        .iter_mut()
        .find(|thread| thread["id"] == "01.02.01");
    let sessions = thread.expect("the thread")["sessions"].as_array_mut().expect("sessions");
    sessions.push(serde_json::json!({
        "sessionId": "ses_5", "agentName": "default", "model": "a/b", "attempt": 9, "status": "running",
        "startedAt": "2026-03-04T05:00:00.000Z", "mode": "headless", "backend": "opencode",
        "owner": { "pid": 4242, "startedAt": 1, "bootId": "b", "host": "elsewhere" },
        "asks": [
            { "id": "per_1", "kind": "permission", "permission": "bash", "patterns": ["rm -rf build"],
              "always": ["rm *"], "since": "2026-03-04T05:04:00Z", "until": "2026-03-04T05:14:00Z" },
            { "id": "que_1", "kind": "question", "since": "2026-03-04T05:06:00Z", "until": "2026-03-04T05:16:00Z",
              "questions": [{ "question": "Which color?", "options": ["Red", "Blue"] }] },
        ],
    }));
    desk.state(state.to_string());
    desk.shows(
        "answer",
        str![[r#"
$ work answer
01.02.01 Help texts asks for permission, and is denied in 7m
  bash: rm -rf build
  `work answer per_1 --allow`, or `--always` (allows rm *), or `--deny REASON`
01.02.01 Help texts asks, and is denied in 9m
  Which color? (Red / Blue)
  `work answer que_1 --text TEXT`, or `--deny REASON`
--- exit 0

"#]],
    );
    desk.shows_json(
        "answer",
        "answer",
        str![[r#"
$ work answer --json
{
  "streams": [
    "001-rename-fetch"
  ],
  "waiting": [
    {
      "stream": "001-rename-fetch",
      "thread": "01.02.01",
      "name": "Help texts",
      "agent": "default",
      "attempt": 9,
      "id": "per_1",
      "kind": "permission",
      "permission": "bash",
      "patterns": [
        "rm -rf build"
      ],
      "always": [
        "rm *"
      ],
      "since": "2026-03-04T05:04:00Z",
      "until": "2026-03-04T05:14:00Z"
    },
    {
      "stream": "001-rename-fetch",
      "thread": "01.02.01",
      "name": "Help texts",
      "agent": "default",
      "attempt": 9,
      "id": "que_1",
      "kind": "question",
      "questions": [
        {
          "question": "Which color?",
          "options": [
            "Red",
            "Blue"
          ]
        }
      ],
      "since": "2026-03-04T05:06:00Z",
      "until": "2026-03-04T05:16:00Z"
    }
  ]
}
--- exit 0

"#]],
    );
    desk.shows("status", str![[r#"
$ work status
001-rename-fetch  ·  stage 1 of 2  ·  2/5 tasks  ·  1 waiting, 1 failed  ·  ≥ $1.51

Stage  Name       Progress    Tasks
01     Rename     █████░░░░░  2/4
01.01  The name   ██████░░░░  2/3
01.02  The words  ░░░░░░░░░░  0/1
02     Remove     ░░░░░░░░░░  0/1
02.01  Removal    ░░░░░░░░░░  0/1

Thread    Name                                Status     Tasks  Sessions  Spent    Last agent   Last session                Resume
01.01.01  The command                         completed  2/2    2         $0.0123  default      completed 46m ago
01.01.02  Shell completions and the man page  failed     0/1    1         $1.50    docs-writer  failed 3m ago (rate-limit)  yes
01.02.01  Help texts                          waiting    0/1    2                  default      waiting for 2m
01.02.02  Blog post (no longer in the plan)   cancelled  0/0    1                  default      completed 11d ago
02.01.01  Remove the alias                    pending    0/1    0

01.02.01 Help texts asks for permission, and is denied in 7m
  bash: rm -rf build
  `work answer per_1 --allow`, or `--always` (allows rm *), or `--deny REASON`
01.02.01 Help texts asks, and is denied in 9m
  Which color? (Red / Blue)
  `work answer que_1 --text TEXT`, or `--deny REASON`
--- exit 0

"#]]);
    desk.shows(
        "answer 1.2.1 --allow",
        str![[r#"
$ work answer 1.2.1 --allow
--- stderr
error: the agent of thread `01.02.01` asks 2 things
hint: bash: rm -rf build: `work answer per_1 --allow`, or `--always` (allows rm *), or `--deny REASON`
hint: Which color? (Red / Blue): `work answer que_1 --text TEXT`, or `--deny REASON`
--- exit 2

"#]],
    );
    desk.shows(
        "answer que_1 --allow",
        str![[r#"
$ work answer que_1 --allow
--- stderr
error: that is no answer to `Which color? (Red / Blue)`
  because: a question is asked, which can't be allowed
hint: `work answer que_1 --text TEXT`, or `--deny REASON`
--- exit 2

"#]],
    );
    desk.shows(
        "answer per_1 --text yes",
        str![[r#"
$ work answer per_1 --text yes
--- stderr
error: that is no answer to `bash: rm -rf build`
  because: a permission is asked for, which words can't give
hint: `work answer per_1 --allow`, or `--always` (allows rm *), or `--deny REASON`
--- exit 2

"#]],
    );
    desk.shows(
        "answer per_1",
        str![[r#"
$ work answer per_1
--- stderr
error: say what to answer to `bash: rm -rf build`
hint: `work answer per_1 --allow`, or `--always` (allows rm *), or `--deny REASON`
--- exit 2

"#]],
    );
    desk.shows(
        "answer per_1 --allow",
        str![[r#"
$ work answer per_1 --allow
--- stderr
error: the turn of thread `01.02.01` runs within process 4242, which can't be answered from outside
hint: answer in the agent's own UI there, or wait until it is denied
hint: without `--no-supervisor` it could be answered here
--- exit 7

"#]],
    );
}

/// Whoever is asked need not know which stream asks: what waits is found in each that is open, and named with
/// it; only where two ask under one id a person has to say which is meant.
///
/// Mutant: `streams` gives the current stream alone (nothing waits).
#[test]
fn what_waits_in_any_open_stream_is_found() {
    let desk = Desk::busy();
    let mut state = desk.state_json();
    state["threads"][2]["sessions"][0] = json!({
        "sessionId": "ses_5", "agentName": "default", "model": "a/b", "attempt": 9, "status": "running",
        "startedAt": "2026-03-04T05:00:00.000Z", "mode": "headless", "backend": "opencode",
        "owner": { "pid": 4242, "startedAt": 1, "bootId": "b", "host": "elsewhere" },
        "asks": [
            { "id": "per_1", "kind": "permission", "permission": "bash", "patterns": ["rm -rf build"],
              "always": ["rm *"], "since": "2026-03-04T05:04:00Z", "until": "2026-03-04T05:14:00Z" },
        ],
    });
    desk.state(state.to_string());
    desk.run("create Other").ok();
    assert_eq!(desk.run("use").ok().stdout.trim(), "002-other", "the one that is looked at");
    desk.shows(
        "answer",
        str![[r#"
$ work answer
001-rename-fetch
01.02.01 Help texts asks for permission, and is denied in 7m
  bash: rm -rf build
  `work answer 01.02.01 --allow`, or `--always` (allows rm *), or `--deny REASON`
--- exit 0

"#]],
    );
    desk.refuses("answer 1.2.1 --allow", 7, &["runs within process 4242"]);
    desk.refuses("answer 1.2.1 --allow -s 2", 8, &["`002-other`"]);
    // The same in both.
    desk.env.write("repo/work/002-other/tasks.json", state.to_string());
    desk.refuses("answer 1.2.1 --allow", 2, &["waits in several streams", "`001-rename-fetch`, `002-other`"]);
    desk.refuses("answer 1.2.1 --allow -s 2", 7, &["runs within process 4242"]);
    // What is completed asks nobody.
    state["stream"]["status"] = "completed".into();
    desk.env.write("repo/work/002-other/tasks.json", state.to_string());
    desk.refuses("answer 1.2.1 --allow", 7, &["runs within process 4242"]);
    // One that can't be read hides no other.
    desk.env.write("repo/work/002-other/tasks.json", "{");
    let shown = desk.run("answer").ok();
    assert!(shown.stdout.contains("work answer 01.02.01 --allow"), "{shown:#?}");
    assert!(shown.stderr.contains("stream `002-other` was not looked through"), "{shown:#?}");
}

#[test]
fn a_policy_is_one_of_three_words() {
    let desk = Desk::approved();
    desk.shows(
        "execute -t 1.1.1 --permissions maybe",
        str![[r#"
$ work execute -t 1.1.1 --permissions maybe
--- stderr
error: invalid value 'maybe' for '--permissions <POLICY>': it is `allow`, `deny` or `ask`

For more information, try '--help'.
--- exit 2

"#]],
    );
}
