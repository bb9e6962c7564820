//! Which stream and which thread is meant: by option, environment, the current one, the only open one.

use snapbox::str;

use super::desk::{Desk, document};

#[test]
fn without_a_stream_the_next_step_is_told() {
    let desk = Desk::ready();
    for line in ["status", "tree", "show 1", "preview", "approve plan", "multi", "use", "validate plan"] {
        desk.refuses(line, 1, &["error: there is no stream yet", "hint: `work create NAME`"]);
    }
}

#[test]
fn before_init_the_next_step_is_told() {
    let desk = Desk::bare();
    for line in ["status", "list", "create x", "agents", "validate", "update --task 1.1.1.1 --status pending"]
    {
        desk.refuses(line, 1, &["has no `work/agents.yaml`", "hint: `work init`"]);
    }
}

#[test]
fn an_unknown_stream_is_told_with_those_that_there_are() {
    let desk = Desk::planned();
    for name in ["7", "007", "rename", "001", "../001-rename-fetch", "001-rename-fetc", "''"] {
        let line = format!("--stream {name} status");
        if name == "001" {
            desk.run(&line).ok();
            continue;
        }
        desk.refuses(&line, 2, &["error: no stream `", "`001-rename-fetch`"]);
    }
    desk.shows(
        "-s rename-fetsh status",
        str![[r#"
$ work -s rename-fetsh status
--- stderr
error: no stream `rename-fetsh`
hint: did you mean `001-rename-fetch`?
hint: there are `001-rename-fetch`
--- exit 2

"#]],
    );
}

#[test]
fn of_two_open_streams_one_must_be_chosen() {
    let desk = Desk::approved();
    desk.run("create Other").ok();
    std::fs::remove_file(desk.path("repo/.git/work/current")).expect("gone");
    desk.shows(
        "status",
        str![[r#"
$ work status
--- stderr
error: several streams are open, and none is chosen
hint: name one with `--stream`: `001-rename-fetch`, `002-other`
hint: `work use STREAM` makes one the current stream
--- exit 2

"#]],
    );
    for line in ["status", "update --task 1.1.1.1 --status completed", "multi", "approve plan --yes"] {
        desk.refuses(
            line,
            2,
            &[
                "several streams are open",
                "hint: name one with `--stream`: `001-rename-fetch`, `002-other`",
                "hint: `work use STREAM`",
            ],
        );
    }
    desk.run("-s 1 status").ok();
    // The only one that is open is meant.
    let mut state = desk.state_json();
    state["stream"]["status"] = "completed".into();
    desk.state(state.to_string());
    assert!(desk.run("status").ok().stdout.starts_with("002-other"));
}

#[test]
fn a_pointer_to_a_stream_that_is_gone_or_broken_is_no_stream() {
    let desk = Desk::approved();
    desk.env.write("repo/.git/work/current", "009-gone\n");
    assert!(desk.run("status").ok().stdout.starts_with("001-rename-fetch"));
    for broken in ["", "\0\0", "../../etc\n"] {
        desk.env.write("repo/.git/work/current", broken);
        desk.refuses("status", 1, &["current` does not hold what it should", "hint: `work use STREAM`"]);
        desk.run("-s 1 status").ok();
        desk.run("list").ok();
    }
    desk.run("use 1").ok();
    desk.run("status").ok();
}

#[test]
fn a_bad_id_is_told_with_what_there_is() {
    let desk = Desk::approved();
    for id in ["0", "1.1.100", "1..1", "-", "1.1.1.1.1", "x", "01.01.01x", "999999999999999999", "١.١.١"] {
        for line in [format!("show '{id}'"), format!("execute --thread='{id}'"), format!("prompt -t '{id}'")]
        {
            desk.refuses(&line, 2, &["error: no ", "in stream `001-rename-fetch`", "hint: "]);
        }
        desk.refuses(&format!("update --task='{id}' --status completed"), 2, &["error: no ", "hint: "]);
        desk.refuses(&format!("multi --batch='{id}'"), 2, &["error: no batch `", "hint: there are 01.01"]);
    }
    desk.shows(
        "update --task 1.1.1 --status completed",
        str![[r#"
$ work update --task 1.1.1 --status completed
--- stderr
error: `01.01.01` is no task
hint: name a thread with `--thread`
--- exit 2

"#]],
    );
    desk.shows(
        "update --thread 1.1.1.1 --status completed",
        str![[r#"
$ work update --thread 1.1.1.1 --status completed
--- stderr
error: `01.01.01.01` is no thread
hint: name a task with `--task`
--- exit 2

"#]],
    );
    desk.shows(
        "update --thread 1.1 --status completed",
        str![[r#"
$ work update --thread 1.1 --status completed
--- stderr
error: `01.01` is no thread
hint: `work tree` shows the ids of tasks and threads
--- exit 2

"#]],
    );
    desk.shows(
        "execute -t 1.1.9",
        str![[r#"
$ work execute -t 1.1.9
--- stderr
error: no thread `1.1.9` in stream `001-rename-fetch`
hint: did you mean `01.01.02`?
hint: there are 01.01.01, 01.01.02, 01.02.01, 02.01.01
--- exit 2

"#]],
    );
}

#[test]
fn a_name_that_two_threads_have_is_no_name() {
    let desk = Desk::approved();
    let mut state = desk.state_json();
    state["threads"][3]["name"] = "the command".into();
    desk.state(state.to_string());
    desk.refuses(
        "show 'The command'",
        2,
        &["several threads are called `The command`", "`01.01.01`, `02.01.01`"],
    );
}

/// What an agent does: it knows nothing but its environment and where it stands.
#[test]
fn the_environment_of_a_session_names_root_stream_and_thread() {
    let mut desk = Desk::approved();
    desk.run("create Other").ok();
    let repo = desk.path("repo");
    desk.env.set("WORK_ROOT", repo);
    desk.env.set("WORK_STREAM", "001-rename-fetch");
    desk.env.set("WORK_THREAD", "01.01.01");
    let elsewhere = desk.env.home();
    let update = |args: &[&str]| desk.env.work_in(&elsewhere, ["update"].iter().chain(args)).ok().stdout;
    assert_eq!(
        update(&["--task", "2", "--status", "in_progress"]),
        "01.01.01.02 Keep an alias: pending → in_progress\n"
    );
    assert_eq!(
        update(&["--task", "01.01.02.01", "--status", "completed"]),
        "01.01.02.01 Shell completions and the man page: pending → completed\n"
    );
    assert_eq!(update(&["--report", "on the way"]), "01.01.01 The command: pending\n");
    // `--stream` and `--repo` decide over the environment.
    assert!(desk.env.work_in(&elsewhere, ["-s", "2", "status"]).ok().stdout.starts_with("002-other"));
    let other = desk.env.work_in(&elsewhere, ["--repo", ".", "status"]);
    assert_eq!(other.code, 1, "{other:#?}");
    assert!(other.stderr.contains("has no `work/agents.yaml`"));
    // A root that is gone is told, and nothing else is taken in its place.
    desk.env.set("WORK_ROOT", "/nowhere/at/all");
    desk.shows(
        "status",
        str![[r#"
$ work status
--- stderr
error: `/nowhere/at/all` is not a folder that can be entered
  because: No such file or directory (os error 2)
hint: name the repository with `--repo DIR`
--- exit 2

"#]],
    );
    let status = desk.work(["--repo", ".", "status", "--json"]).ok();
    assert_eq!(document("status", &status)["tasks"]["completed"], 1);
}
