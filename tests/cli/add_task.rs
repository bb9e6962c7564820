//! `work add-task`

use snapbox::str;

use super::desk::{Desk, PLAN, STREAM};

fn plan(desk: &Desk) -> String {
    String::from_utf8(desk.bytes(format!("{STREAM}/PLAN.md"))).expect("text")
}

#[test]
fn an_approved_thread_stays_approved_and_gets_the_task() {
    let desk = Desk::approved();
    desk.shows(
        "add-task --thread 1.1.1 'Tell the users' --dry-run",
        str![[r#"
$ work add-task --thread 1.1.1 'Tell the users' --dry-run
would add task 01.01.01.03 Tell the users

- [ ] Tell the users
--- exit 0

"#]],
    );
    desk.shows(
        "add-task --thread 1.1.1 'Tell the users'",
        str![[r#"
$ work add-task --thread 1.1.1 'Tell the users'
added task 01.01.01.03 Tell the users
--- exit 0

"#]],
    );
    assert_eq!(
        plan(&desk),
        PLAN.replace("- [ ] Keep an alias\n", "- [ ] Keep an alias\n- [ ] Tell the users\n")
    );
    let task = &desk.state_json()["threads"][0]["tasks"][2];
    assert_eq!((&task["id"], &task["status"]), (&"01.01.01.03".into(), &"pending".into()));
    assert_eq!(desk.run("status").ok().stderr, "", "no drift");
    desk.shows(
        "review",
        str![[r#"
$ work review
approved just now by tester
nothing changed since then
--- exit 0

"#]],
    );
    desk.shows_json(
        "add",
        "add-task --thread 'Help texts' 'Also the errors'",
        str![[r#"
$ work add-task --thread 'Help texts' 'Also the errors' --json
{
  "added": [
    {
      "id": "01.02.01.01",
      "name": "Also the errors"
    }
  ],
  "moved": [],
  "state": "taken-over",
  "text": "**Tasks:**/n- [ ] Also the errors"
}
--- exit 0

"#]],
    );
    assert_eq!(desk.run("status").ok().stderr, "", "no drift");
    desk.shows(
        "approve plan --dry-run",
        str![[r#"
$ work approve plan --dry-run
would approve 4 threads, 6 tasks
--- exit 0

"#]],
    );
}

/// What else changed in the thread would be approved along.
#[test]
fn a_thread_that_drifted_before_is_not_approved_by_it() {
    let desk = Desk::approved();
    desk.plan(PLAN.replace("Start in", "Begin in"));
    desk.shows(
        "add-task --thread 1.1.1 'Tell the users'",
        str![[r#"
$ work add-task --thread 1.1.1 'Tell the users'
added task 01.01.01.03 Tell the users
--- stderr
hint: `work approve plan` takes it over; until then it does not run
--- exit 0

"#]],
    );
    assert_eq!(desk.state_json()["threads"][0]["tasks"].as_array().map(Vec::len), Some(2));
    desk.shows(
        "status",
        str![[r#"
$ work status
001-rename-fetch  ·  stage 1 of 2  ·  0/5 tasks

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
--- stderr
warning: thread 01.01.01 `The command` was changed after it was approved
hint: `work approve plan` approves the plan as it is now
--- exit 0

"#]],
    );
    // Another thread's drift is no reason.
    desk.run("add-task --thread 1.2.1 'Also the errors'").ok();
    assert_eq!(desk.run("status").ok().stderr.matches("warning").count(), 1);
    desk.shows(
        "review",
        str![[r#"
$ work review
approved just now by tester

01.01.01 The command  changed
  details
    - - Start in `src/commands/fetch.rs`
    + - Begin in `src/commands/fetch.rs`
  tasks
    + Tell the users
--- stderr
hint: `work approve plan` approves the plan as it is now
--- exit 0

"#]],
    );
}

#[test]
fn before_any_approval_only_the_plan_changes() {
    let desk = Desk::planned();
    let before = desk.state_bytes();
    desk.shows(
        "add-task -t 2.1.1 'Say so in the changelog'",
        str![[r#"
$ work add-task -t 2.1.1 'Say so in the changelog'
added task 02.01.01.01 Say so in the changelog
--- stderr
hint: `work approve plan` approves the plan when it is ready
--- exit 0

"#]],
    );
    assert_eq!(plan(&desk), format!("{}\n\n**Tasks:**\n- [ ] Say so in the changelog\n", PLAN.trim_end()));
    assert_eq!(desk.state_bytes(), before);
}

#[test]
fn what_makes_no_sense() {
    let desk = Desk::approved();
    desk.shows(
        "add-task -t 1.1.9 x",
        str![[r#"
$ work add-task -t 1.1.9 x
--- stderr
error: no thread `1.1.9` in stream `001-rename-fetch`
hint: did you mean `01.01.02`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 02.01.01
--- exit 2

"#]],
    );
    desk.refuses("add-task -t 1.1.1 ''", 2, &["no name"]);
    desk.refuses("add-task -t 1.1 x", 2, &["no thread `1.1`"]);
}

/// Agents may report beside one another.
#[test]
fn many_at_once_lose_nothing() {
    let desk = Desk::approved();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let desk = &desk;
            scope.spawn(move || desk.run(&format!("add-task -t 1.1.1 'Task number {number}'")).ok());
        }
    });
    let text = plan(&desk);
    assert!((0..6).all(|number| text.contains(&format!("- [ ] Task number {number}\n"))), "{text}");
    assert_eq!(desk.state_json()["threads"][0]["tasks"].as_array().map(Vec::len), Some(8));
    assert_eq!(desk.run("status").ok().stderr, "", "no drift");
}

/// A thread without tasks has one of its own; what was done under it is not the new one's.
#[test]
fn the_own_task_of_a_thread_does_not_become_the_new_one() {
    let desk = Desk::approved();
    desk.run("update --task 1.2.1.1 --status completed --report done").ok();
    desk.run("add-task -t 1.2.1 'Also the errors'").ok();
    desk.shows(
        "show 1.2.1",
        str![[r#"
$ work show 1.2.1
01.02.01 Help texts  incomplete
  01.02.01.01 Also the errors  pending
  01.02.01.02 Help texts  completed
    report: done
--- exit 0

"#]],
    );
    desk.run("delete task 1.2.1.1 --yes").ok();
    desk.shows(
        "show 1.2.1",
        str![[r#"
$ work show 1.2.1
01.02.01 Help texts  completed
  01.02.01.01 Help texts  completed
    report: done
--- exit 0

"#]],
    );
}

/// An agent must not approve by a detour.
#[test]
fn what_an_agent_adds_is_not_approved() {
    let mut desk = Desk::approved();
    desk.env.set("WORK_THREAD", "01.01.01");
    desk.shows(
        "add-task -t 1.1.1 'Tell the users'",
        str![[r#"
$ work add-task -t 1.1.1 'Tell the users'
added task 01.01.01.03 Tell the users
--- stderr
hint: `work approve plan` takes it over; until then it does not run
--- exit 0

"#]],
    );
    assert_eq!(desk.state_json()["threads"][0]["tasks"].as_array().map(Vec::len), Some(2));
    desk.refuses("delete thread 1.1.2 --yes", 8, &["a person's word"]);
    for line in ["hold", "unhold", "complete --force"] {
        desk.refuses(line, 8, &["a person's word"]);
    }
}
