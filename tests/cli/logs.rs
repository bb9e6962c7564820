//! `work logs THREAD`

use snapbox::str;

use super::desk::Desk;

#[test]
fn without_a_turn() {
    let desk = Desk::busy();
    desk.shows(
        "logs 1.1.1",
        str![[r#"
$ work logs 1.1.1
--- stderr
error: the journals of thread `01.01.01` are not on this machine
hint: `work session list --thread 01.01.01` shows what is on record
--- exit 1

"#]],
    );
    desk.shows(
        "logs 1.1.9",
        str![[r#"
$ work logs 1.1.9
--- stderr
error: no thread `1.1.9` in stream `001-rename-fetch`
hint: did you mean `01.01.02`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 01.02.02, 02.01.01
--- exit 2

"#]],
    );
    desk.shows(
        "logs",
        str![[r#"
$ work logs
--- stderr
error: the following required arguments were not provided:
  <THREAD>

Usage: work logs <THREAD>

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.shows_json(
        "error",
        "logs 2.1.1",
        str![[r#"
$ work logs 2.1.1 --json
{
  "error": {
    "kind": "no-turn",
    "code": 1,
    "message": "thread `02.01.01` has had no turn yet",
    "causes": [],
    "hints": [
      "`work execute --thread 02.01.01` runs it"
    ]
  }
}
--- exit 1

"#]],
    );
}
