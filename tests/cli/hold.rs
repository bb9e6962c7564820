//! `work hold` and `work unhold`

use snapbox::str;

use super::desk::Desk;

#[test]
fn a_stream_rests_and_is_taken_up_again() {
    let desk = Desk::approved();
    desk.shows(
        "hold",
        str![[r#"
$ work hold
001-rename-fetch is on hold
--- exit 0

"#]],
    );
    desk.shows(
        "hold",
        str![[r#"
$ work hold
001-rename-fetch is on hold already
--- exit 0

"#]],
    );
    desk.shows(
        "status",
        str![[r#"
$ work status
001-rename-fetch  ·  stage 1 of 2  ·  0/5 tasks  ·  on hold

Stage  Name       Progress    Tasks
01     Rename     ░░░░░░░░░░  0/4
01.01  The name   ░░░░░░░░░░  0/3
01.02  The words  ░░░░░░░░░░  0/1
02     Remove     ░░░░░░░░░░  0/1
02.01  Removal    ░░░░░░░░░░  0/1

Thread    Name                                Status   Tasks  Sessions  Last agent  Last session  Resume
01.01.01  The command                         pending  0/2    0         default
01.01.02  Shell completions and the man page  pending  0/1    0
01.02.01  Help texts                          pending  0/1    0
02.01.01  Remove the alias                    pending  0/1    0
--- exit 0

"#]],
    );
    desk.shows(
        "list",
        str![[r#"
$ work list
   Stream            Name          Tasks  Threads  Plan      Changed   State
*  001-rename-fetch  Rename fetch  0/5    4        approved  just now  on hold
--- exit 0

"#]],
    );
    desk.refuses("execute --thread 1.1.1", 1, &["is on hold"]);
    desk.shows(
        "unhold",
        str![[r#"
$ work unhold
001-rename-fetch is open
--- exit 0

"#]],
    );
    desk.shows(
        "unhold",
        str![[r#"
$ work unhold
001-rename-fetch is open already
--- exit 0

"#]],
    );
    assert!(!desk.run("status").ok().stdout.contains("hold"));
}

#[test]
fn as_json() {
    let desk = Desk::approved();
    desk.shows_json(
        "standing",
        "hold",
        str![[r#"
$ work hold --json
{
  "stream": "001-rename-fetch",
  "from": "open",
  "state": "on_hold",
  "running": [],
  "open": []
}
--- exit 0

"#]],
    );
    desk.shows_json(
        "standing",
        "unhold",
        str![[r#"
$ work unhold --json
{
  "stream": "001-rename-fetch",
  "from": "on_hold",
  "state": "open",
  "running": [],
  "open": []
}
--- exit 0

"#]],
    );
    desk.shows_json(
        "list",
        "list",
        str![[r#"
$ work list --json
[
  {
    "id": "001-rename-fetch",
    "name": "Rename fetch",
    "current": true,
    "state": "open",
    "approved": true,
    "tasks": {
      "completed": 0,
      "total": 5,
      "blocked": 0,
      "cancelled": 0
    },
    "threads": 4,
    "updatedAt": "2026-03-04T05:06:07Z"
  }
]
--- exit 0

"#]],
    );
}

#[test]
fn what_is_completed_is_opened_first() {
    let desk = Desk::approved();
    desk.run("complete --force").ok();
    desk.shows(
        "hold",
        str![[r#"
$ work hold
--- stderr
error: stream `001-rename-fetch` is completed, and can't be put on hold
hint: `work unhold` opens it again
--- exit 1

"#]],
    );
    desk.refuses("hold", 1, &["`work unhold`"]);
    desk.run("unhold").ok();
    desk.run("hold").ok();
    desk.refuses("hold --stream nothing", 2, &["no stream"]);
}
