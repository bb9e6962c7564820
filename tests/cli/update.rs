//! `work update`

use snapbox::str;

use super::desk::Desk;

#[test]
fn a_task_goes_through_its_life() {
    let desk = Desk::approved();
    desk.shows(
        "update --task 01.01.01.01 --status in_progress --breadcrumb 'src/commands'",
        str![[r#"
$ work update --task 01.01.01.01 --status in_progress --breadcrumb 'src/commands'
01.01.01.01 Rename the file and its test: pending → in_progress
--- exit 0

"#]],
    );
    desk.shows(
        "update --task 1.1.1.1 --status completed --report 'It is pull now'",
        str![[r#"
$ work update --task 1.1.1.1 --status completed --report 'It is pull now'
01.01.01.01 Rename the file and its test: in_progress → completed
--- exit 0

"#]],
    );
    desk.shows(
        "update --task 1.1.1.1 --status blocked",
        str![[r#"
$ work update --task 1.1.1.1 --status blocked
--- stderr
error: `01.01.01.01` is completed, and can't become blocked from there
hint: open it again first: `work update --task 01.01.01.01 --status in_progress`
--- exit 1

"#]],
    );
    desk.shows(
        "update --task 1.1.1.2 --report 'not yet'",
        str![[r#"
$ work update --task 1.1.1.2 --report 'not yet'
01.01.01.02 Keep an alias: pending
--- exit 0

"#]],
    );
    desk.shows(
        "show 1.1.1",
        str![[r#"
$ work show 1.1.1
01.01.01 The command  incomplete  @default
  01.01.01.01 Rename the file and its test  completed
    report: It is pull now
    left at: src/commands
  01.01.01.02 Keep an alias  pending
    report: not yet
--- exit 0

"#]],
    );
}

#[test]
fn a_thread_is_done_when_its_tasks_are() {
    let desk = Desk::approved();
    desk.shows(
        "update --thread 01.01.01 --status completed",
        str![[r#"
$ work update --thread 01.01.01 --status completed
--- stderr
error: thread `01.01.01` can't be completed while tasks are open: 01.01.01.01, 01.01.01.02
hint: complete or cancel its tasks first
--- exit 1

"#]],
    );
    desk.shows(
        "update --task 1.1.1.1 --status completed",
        str![[r#"
$ work update --task 1.1.1.1 --status completed
01.01.01.01 Rename the file and its test: pending → completed
--- exit 0

"#]],
    );
    desk.shows(
        "update --task 1.1.1.2 --status cancelled",
        str![[r#"
$ work update --task 1.1.1.2 --status cancelled
01.01.01.02 Keep an alias: pending → cancelled
--- exit 0

"#]],
    );
    desk.shows(
        "update --thread 'The command' --status completed --report done",
        str![[r#"
$ work update --thread 'The command' --status completed --report done
01.01.01 The command: pending → completed
--- exit 0

"#]],
    );
    desk.shows(
        "update --thread 1.1.2 --breadcrumb here",
        str![[r#"
$ work update --thread 1.1.2 --breadcrumb here
--- stderr
error: a breadcrumb belongs to a task, and `01.01.02` is a thread
hint: give it with `--task`
--- exit 2

"#]],
    );
}

#[test]
fn as_json() {
    let desk = Desk::approved();
    desk.shows_json(
        "update",
        "update --task 1.1.1.1 --status completed",
        str![[r#"
$ work update --task 1.1.1.1 --status completed --json
{
  "id": "01.01.01.01",
  "name": "Rename the file and its test",
  "from": "pending",
  "to": "completed"
}
--- exit 0

"#]],
    );
    desk.shows_json(
        "error",
        "update --task 1.1.1.1 --status blocked",
        str![[r#"
$ work update --task 1.1.1.1 --status blocked --json
{
  "error": {
    "kind": "refused",
    "code": 1,
    "message": "`01.01.01.01` is completed, and can't become blocked from there",
    "causes": [],
    "hints": [
      "open it again first: `work update --task 01.01.01.01 --status in_progress`"
    ]
  }
}
--- exit 1

"#]],
    );
}

#[test]
fn what_makes_no_sense() {
    let desk = Desk::approved();
    desk.shows(
        "update --task 1.1.1.1",
        str![[r#"
$ work update --task 1.1.1.1
--- stderr
error: nothing to report: give --status, --report or --breadcrumb
--- exit 2

"#]],
    );
    desk.shows(
        "update --status completed",
        str![[r#"
$ work update --status completed
--- stderr
error: name a task with --task, or a thread with --thread
hint: `WORK_THREAD` names the thread inside a session; here it is not set
--- exit 2

"#]],
    );
    desk.shows(
        "update --task 1.1 --status completed",
        str![[r#"
$ work update --task 1.1 --status completed
--- stderr
error: `01.01` is no task
hint: `work tree` shows the ids of tasks and threads
--- exit 2

"#]],
    );
    desk.shows(
        "update --task 1.1.1.7 --status completed",
        str![[r#"
$ work update --task 1.1.1.7 --status completed
--- stderr
error: no task `1.1.1.7` in stream `001-rename-fetch`
hint: did you mean `01.01.01.02`?
hint: there are 01.01.01.01, 01.01.01.02, 01.01.02.01, 01.02.01.01, 02.01.01.01
--- exit 2

"#]],
    );
    desk.shows(
        "update --task 1.1.1.1 --status finished",
        str![[r#"
$ work update --task 1.1.1.1 --status finished
--- stderr
error: invalid value 'finished' for '--status <STATUS>'
  [possible values: pending, in_progress, completed, blocked, cancelled]

For more information, try '--help'.
--- exit 2

"#]],
    );
    desk.shows(
        "update --task 1.1.1.1 --thread 1.1.1 --status completed",
        str![[r#"
$ work update --task 1.1.1.1 --thread 1.1.1 --status completed
--- stderr
error: the argument '--task <ID>' cannot be used with '--thread <ID>'

Usage: work update --task <ID> --status <STATUS>

For more information, try '--help'.
--- exit 2

"#]],
    );
}
