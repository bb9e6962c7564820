//! `work complete`

use snapbox::str;

use super::desk::Desk;

#[test]
fn open_threads_stand_in_the_way_unless_forced() {
    let desk = Desk::busy();
    desk.shows(
        "complete",
        str![[r#"
$ work complete
--- stderr
error: stream `001-rename-fetch` is not done: 01.01.02 is failed, 01.02.01 is interrupted, 02.01.01 is pending
hint: `work continue` goes on with it
hint: `work complete --force` calls it completed all the same
--- exit 1

"#]],
    );
    desk.refuses("complete", 1, &["`work complete --force`"]);
    desk.shows(
        "complete --force",
        str![[r#"
$ work complete --force
001-rename-fetch is completed
--- stderr
warning: thread 01.01.02 `Shell completions and the man page` is failed
warning: thread 01.02.01 `Help texts` is interrupted
warning: thread 02.01.01 `Remove the alias` is pending
--- exit 0

"#]],
    );
    desk.shows(
        "list",
        str![[r#"
$ work list
   Stream            Name          Tasks  Threads  Plan      Changed   State
*  001-rename-fetch  Rename fetch  2/5    5        approved  just now  completed
--- exit 0

"#]],
    );
    desk.shows(
        "complete --force",
        str![[r#"
$ work complete --force
001-rename-fetch is completed already
--- stderr
warning: thread 01.01.02 `Shell completions and the man page` is failed
warning: thread 01.02.01 `Help texts` is interrupted
warning: thread 02.01.01 `Remove the alias` is pending
--- exit 0

"#]],
    );
    desk.run("unhold").ok();
    desk.shows_json(
        "standing",
        "complete --force",
        str![[r#"
$ work complete --force --json
{
  "stream": "001-rename-fetch",
  "from": "open",
  "state": "completed",
  "running": [],
  "open": [
    {
      "id": "01.01.02",
      "name": "Shell completions and the man page",
      "status": "failed"
    },
    {
      "id": "01.02.01",
      "name": "Help texts",
      "status": "interrupted"
    },
    {
      "id": "02.01.01",
      "name": "Remove the alias",
      "status": "pending"
    }
  ]
}
--- stderr
warning: thread 01.01.02 `Shell completions and the man page` is failed
warning: thread 01.02.01 `Help texts` is interrupted
warning: thread 02.01.01 `Remove the alias` is pending
--- exit 0

"#]],
    );
}

#[test]
fn a_stream_whose_threads_are_done() {
    let desk = Desk::approved();
    for thread in ["1.1.1", "1.1.2", "1.2.1", "2.1.1"] {
        desk.run(&format!("update --thread {thread} --status cancelled")).ok();
    }
    desk.shows(
        "complete",
        str![[r#"
$ work complete
001-rename-fetch is completed
--- exit 0

"#]],
    );
}

#[test]
fn nothing_was_ever_approved() {
    let desk = Desk::planned();
    desk.shows(
        "complete",
        str![[r#"
$ work complete
--- stderr
error: the plan of stream `001-rename-fetch` was never approved
hint: `work complete --force` calls it completed all the same
hint: `work delete stream` removes it
--- exit 1

"#]],
    );
    desk.run("complete --force").ok();
}
