//! `work verify`: the commands that must pass, run by hand.

use snapbox::str;

use super::desk::Desk;

/// A plan with one thread, and what must pass for it.
fn desk(verify: &str) -> Desk {
    let plan = format!(
        "# Plan: Rename fetch\n\n## Stages\n\n### Stage 01: Only\n\n#### Stage Batches\n\n##### Batch 01: Only\n\n\
         Words.\n\n###### Thread 01: Parser\n\n**Summary:** Do it.\n\n**Details:** With care.\n\n{verify}\
         **Tasks:**\n- [ ] One\n"
    );
    let desk = Desk::with_plan(plan);
    desk.work(["approve", "plan", "--yes"]).ok();
    desk
}

/// A session of thread 1 that ended well, with what is said of its check, and its task done.
fn with_attempt(desk: &Desk, verification: &str) {
    let mut state = desk.state_json();
    let thread = &mut state["threads"][0];
    thread["tasks"][0]["status"] = "completed".into();
    thread["sessions"] = serde_json::from_str(&format!(
        "[{{\"sessionId\":\"ses_1\",\"agentName\":\"default\",\"model\":\"a/b\",\"startedAt\":\"2026-03-04T04:00:00Z\",\
         \"completedAt\":\"2026-03-04T04:10:00Z\",\"status\":\"completed\",\"exitCode\":0,\"attempt\":1,\
         \"backend\":\"opencode\",\"mode\":\"plain\",\"turns\":[1]{verification}}}]"
    ))
    .expect("JSON");
    desk.state(serde_json::to_vec(&state).expect("JSON"));
}

#[test]
fn the_commands_are_run_up_to_the_first_that_fails() {
    let desk = desk("**Verify:**\n- `echo one; echo two >&2`\n- `echo three; exit 5`\n- `echo never`\n\n");
    desk.shows(
        "verify 1.1.1",
        str![[r#"
$ work verify 1.1.1
→ check: echo one; echo two >&2
one
two
✓ check: echo one; echo two >&2 passed
→ check: echo three; exit 5
three
✗ check: echo three; exit 5 failed with exit code 5
--- stderr
checking thread 01.01.01 in [REPO]
thread 01.01.01 has had no turn, so nothing was recorded
error: the check failed: `echo three; exit 5` failed with exit code 5
--- exit 1

"#]],
    );
    with_attempt(&desk, "");
    desk.shows(
        "verify Parser",
        str![[r#"
$ work verify Parser
→ check: echo one; echo two >&2
one
two
✓ check: echo one; echo two >&2 passed
→ check: echo three; exit 5
three
✗ check: echo three; exit 5 failed with exit code 5
--- stderr
checking thread 01.01.01 in [REPO]
error: the check failed: `echo three; exit 5` failed with exit code 5
hint: `work fix --thread 01.01.01 --resume` tells the agent what failed
--- exit 1

"#]],
    );
    desk.shows(
        "status",
        str![[r#"
$ work status
001-rename-fetch  ·  its stage is done  ·  1/1 tasks  ·  1 incomplete

Stage  Name  Progress    Tasks
01     Only  ██████████  1/1
01.01  Only  ██████████  1/1

Thread    Name    Status      Tasks  Sessions  Last agent  Last session       Resume
01.01.01  Parser  incomplete  1/1    1         default     completed 56m ago  yes

01.01.01 is not done: `echo three; exit 5` failed with exit code 5
--- exit 0

"#]],
    );
    desk.shows(
        "why 1.1.1",
        str![[r#"
$ work why 1.1.1
01.01.01 Parser is incomplete: its last attempt ended well, and `echo three; exit 5` failed with exit code 5

Looked at   When      It says
tasks       just now  1 of 1 are done
attempt 1   56m ago   default with a/b: completed, exit code 0
check of 1  just now  `echo three; exit 5` failed with exit code 5, in tree [..]; its last words: three
session               ses_1 of attempt 1 (default) can go on, if the agent still has it
--- stderr
hint: resume it: the agent is told what failed; `work fix --thread 01.01.01 --resume`
--- exit 0

"#]],
    );
    desk.shows(
        "fix",
        str![[r#"
$ work fix
Thread    Name    Status      Sessions  Last agent  Last session       Resume
01.01.01  Parser  incomplete  1         default     completed 56m ago  yes
          the agent ended its turn, and `echo three; exit 5` failed with exit code 5
          → resume it: the agent is told what failed
--- stderr
error: what to do with them is a person's choice
hint: `work fix --all --resume`, or `--thread ID` with `--resume`, `--retry` or `--agent NAME`
--- exit 8

"#]],
    );
    let json = desk.run("verify 1.1.1 --json");
    assert_eq!(json.code, 1, "{json:#?}");
    let checked = super::desk::document("verify", &json);
    assert_eq!((&checked["verdict"], &checked["commands"][1]["code"]), (&"failed".into(), &5.into()));
    assert!(!json.stderr.contains("three"), "{json:#?}");
}

/// Records of versions that checked nothing are as they were, and a check by hand adds to them.
#[test]
fn what_passes_is_recorded_and_nothing_is_asked_of_what_came_before() {
    let mut desk = desk("**Verify:**\n- `git rev-parse --is-inside-work-tree`\n\n");
    with_attempt(&desk, "");
    assert!(desk.run("status").ok().stdout.contains("completed"));
    desk.shows(
        "verify 1.1.1",
        str![[r#"
$ work verify 1.1.1
→ check: git rev-parse --is-inside-work-tree
true
✓ check: git rev-parse --is-inside-work-tree passed
--- stderr
checking thread 01.01.01 in [REPO]
the check passed; thread 01.01.01 is completed
--- exit 0

"#]],
    );
    desk.shows(
        "why 1.1.1",
        str![[r#"
$ work why 1.1.1
01.01.01 Parser is completed: all its tasks are done; `git rev-parse --is-inside-work-tree` passed

Looked at   When      It says
tasks       just now  1 of 1 are done
attempt 1   56m ago   default with a/b: completed, exit code 0
check of 1  just now  `git rev-parse --is-inside-work-tree` passed, in tree [..]
session               ses_1 of attempt 1 (default) can go on, if the agent still has it
--- exit 0

"#]],
    );
    with_attempt(&desk, ",\"verification\":{\"status\":\"due\"}");
    assert!(desk.run("status").ok().stdout.contains("incomplete"));
    // What only a newer version knows has not passed, and is kept.
    with_attempt(&desk, ",\"verification\":{\"status\":\"half\",\"x\":1}");
    assert!(desk.run("status").ok().stdout.contains("incomplete"));
    desk.run("update --task 1.1.1.1 --status completed --report again").ok();
    assert_eq!(desk.state_json()["threads"][0]["sessions"][0]["verification"]["x"], 1);
    // An agent's word does not stand for the check; a person has the last word.
    desk.env.set("WORK_THREAD", "01.01.02");
    desk.run("update --thread 1.1.1 --status completed").ok();
    assert!(desk.run("status").ok().stdout.contains("incomplete"));
    desk.env.unset("WORK_THREAD");
    desk.run("update --thread 1.1.1 --status completed").ok();
    assert_eq!(desk.state_json()["threads"][0]["sessions"][0]["verification"]["status"], "waived");
    assert!(desk.run("status").ok().stdout.contains("completed"));
}

#[test]
fn nothing_is_run_that_is_not_there_or_not_approved() {
    let none = desk("");
    none.shows(
        "verify 1.1.1",
        str![[r#"
$ work verify 1.1.1
--- stderr
error: the plan names no commands that must pass for thread `01.01.01`
hint: write them behind `**Verify:**` of thread 01.01.01 in PLAN.md, then `work approve plan`
hint: `work update --thread 01.01.01 --status completed` calls it completed by your word
--- exit 1

"#]],
    );
    none.refuses("verify 9.9.9", 2, &["9.9.9"]);
    let changed = desk("**Verify:**\n- `touch old`\n\n");
    let plan = String::from_utf8(changed.bytes(format!("{}/PLAN.md", super::desk::STREAM))).expect("UTF-8");
    changed.plan(plan.replace("touch old", "touch new"));
    changed.run("verify 1.1.1").ok();
    assert!(changed.path("repo/old").exists() && !changed.path("repo/new").exists());
    std::fs::remove_dir_all(changed.path("repo/.git/work/approved")).expect("the copy");
    changed.refuses("verify 1.1.1", 8, &["was changed after it was approved", "work approve plan"]);
    changed.run("approve plan --revoke").ok();
    changed.refuses("verify 1.1.1", 8, &["is not approved"]);
    assert!(!changed.path("repo/new").exists());
}
