//! `work validate --restore`: the copies, and the way back to one of them.

use snapbox::str;

use super::desk::{Desk, STREAM, document};

/// A repository with some history: approved, then two reports.
fn desk() -> (Desk, Vec<Vec<u8>>) {
    let desk = Desk::approved();
    let mut states = vec![desk.state_bytes()];
    for line in
        ["update --task 1.1.1.1 --status completed --report Done", "update --task 1.1.1.2 --status completed"]
    {
        desk.run(line).ok();
        states.push(desk.state_bytes());
    }
    (desk, states)
}

#[test]
fn where_nothing_is_broken_the_copies_are_listed() {
    let (desk, states) = desk();
    desk.shows(
        "validate --restore",
        str![[r#"
$ work validate --restore
Copy  Name               Written   Threads  Tasks  Reports  Sessions  Against tasks.json
1     tasks-000003.json  just now  4        2/5    1        0         the same
2     tasks-000002.json  just now  4        1/5    1        0         -1 completed
3     tasks-000001.json  just now  4        0/5    0        0         -2 completed, -1 report
--- stderr
tasks.json can be read; nothing was restored
hint: `work validate --restore COPY` brings one of these back, and keeps the file that is there
--- exit 0

"#]],
    );
    let told = document("validate-copies", &desk.run("validate --restore --json").ok());
    assert_eq!(told["copies"][0]["same"], true);
    assert_eq!(told["copies"][1]["differs"]["completed"], -1);
    assert_eq!(&desk.state_bytes(), states.last().expect("a state"), "listing changes nothing");
}

#[test]
fn a_copy_is_brought_back_and_what_was_there_is_kept() {
    let (desk, states) = desk();
    desk.shows("validate tasks --restore 2", str![[r#"
$ work validate tasks --restore 2
tasks.json: fine
--- stderr
restored the copy of 2026-03-04 05:06:07 UTC (5 tasks, 0 session records); the file that was there is kept as `[REPO]/work/001-rename-fetch/tasks.replaced-20260304T050607Z.json`
--- exit 0

"#]]);
    assert_eq!(desk.state_bytes(), states[1]);
    let aside = desk.bytes(format!("{STREAM}/tasks.replaced-20260304T050607Z.json"));
    assert_eq!(aside, states[2], "byte for byte");
    // What was brought back is the newest copy now, so damage leads back to it.
    desk.state("{ broken");
    desk.run("validate --restore").ok();
    assert_eq!(desk.state_bytes(), states[1]);
    // By name, and over a broken file.
    let told = document("validate-copies", &desk.run("validate --restore --json").ok());
    let same = |copy: &&serde_json::Value| copy["differs"]["completed"] == 1;
    let newer =
        told["copies"].as_array().expect("copies").iter().find(same).expect("the last state")["name"].clone();
    desk.state("{ broken");
    desk.run(&format!("validate --restore {}", newer.as_str().expect("a name"))).ok();
    assert_eq!(desk.state_bytes(), states[2]);
}

#[test]
fn what_can_not_be_brought_back() {
    let (desk, _) = desk();
    desk.refuses(
        "validate --restore 9",
        2,
        &["no good copy `9`", "hint: `work validate --restore` lists them"],
    );
    desk.refuses("validate --restore tasks", 2, &["no good copy `tasks`"]);
    let mut state = desk.state_json();
    let work::sys::identity::Identity { pid, started_at, boot_id, host } =
        work::sys::identity::Identity::current();
    state["threads"][0]["sessions"] = serde_json::json!([{
        "sessionId": "ses_1", "agentName": "default", "model": "a/b", "attempt": 1, "status": "running",
        "startedAt": "2026-03-04T04:00:00.000Z",
        "owner": { "pid": pid, "startedAt": started_at, "bootId": boot_id, "host": host },
    }]);
    desk.state(state.to_string());
    desk.refuses("validate --restore 1", 1, &["01.01.01 is running", "hint: wait until they are done"]);
}
