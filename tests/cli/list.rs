//! `work list`

use snapbox::str;

use super::desk::Desk;

#[test]
fn streams_with_their_progress() {
    let desk = Desk::busy();
    desk.work(["create", "Other"]).ok();
    desk.shows(
        "list",
        str![[r#"
$ work list
   Stream            Name          Tasks  Threads  Plan          Changed
   001-rename-fetch  Rename fetch  2/5    5        approved      just now
*  002-other         Other         0/0    0        not approved  just now
--- exit 0

"#]],
    );
}

#[test]
fn as_json() {
    let desk = Desk::busy();
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
      "completed": 2,
      "total": 5,
      "blocked": 0,
      "cancelled": 0
    },
    "threads": 5,
    "updatedAt": "2026-03-04T05:06:07Z"
  }
]
--- exit 0

"#]],
    );
}

#[test]
fn without_any_the_next_step() {
    let desk = Desk::ready();
    desk.shows(
        "list",
        str![[r#"
$ work list
--- stderr
there is no stream yet
hint: `work create NAME` makes one
--- exit 0

"#]],
    );
    desk.shows_json(
        "list",
        "list",
        str![[r#"
$ work list --json
[]
--- exit 0

"#]],
    );
}
