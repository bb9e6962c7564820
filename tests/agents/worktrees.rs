//! Threads in worktrees of their own, with the real opencode: kept, forecast, applied, refused, brought together.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use work::sys::process::Signal;

use crate::support::project::Project;
use crate::support::wait::{PATIENCE, wait_until};

/// A script that changes a file and reports its task.
fn script(edit: &str) -> String {
    format!("@bash {edit}\n@bash work update --task 01 --status completed --report done\n@text Done.")
}

fn changes(project: &Project) -> Vec<Value> {
    let listed = project.work(["changes", "--json"]).ok().stdout;
    serde_json::from_str::<Value>(&listed).expect("JSON").as_array().expect("a list").clone()
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).unwrap_or_else(|error| format!("<{error}>"))
}

/// The story of issue 5: two of three threads touch one line. Mutants tried: not keeping what the turn
/// left; not bringing the two sides together before the resume.
#[test]
fn three_threads_change_two_apply_and_the_third_is_resolved() {
    let first = script("sed -i 1s/.*/ONE/ shared.txt; cat .env >seen; pwd >where");
    let second = script("echo two >two.txt; rm -f seen");
    let third = script("sed -i 1s/.*/uno/ shared.txt");
    let project = Project::new(&[&first, &second, &third]);
    let repo = project.repo();
    project.settings("isolation: worktree\nworktree:\n  copy: [.env]\n  setup: ['test -f .env']\n");
    project.env.write("repo/.gitignore", ".env\nseen\nwhere\n");
    project.env.write("repo/.env", "SECRET=1\n");
    project.env.write("repo/shared.txt", "one\ntwo\nthree\n");
    project.env.git(&repo, &["add", ".gitignore", "shared.txt"]);
    project.env.git(&repo, &["commit", "--quiet", "--message=Shared"]);
    // The user's own, uncommitted, in files that are there and in one that is not.
    project.env.write("repo/README.md", "# mine\n");
    project.env.write("repo/notes", "mine\n");
    let own = || [".env", "README.md", "notes"].map(|name| read(repo.join(name)));
    let before = own();
    for thread in 1..=3 {
        let executed = project.execute(thread, &[]);
        assert_eq!(executed.code, 0, "{executed:#?}");
        assert_eq!(project.thread_status(thread), "completed");
    }
    assert_eq!(read(repo.join("shared.txt")), "one\ntwo\nthree\n", "nobody was in the main checkout");
    let directory = project.attempt(1)["directory"].as_str().expect("a folder").to_owned();
    assert_eq!(read(format!("{directory}/seen")), "SECRET=1\n");
    assert_eq!(read(format!("{directory}/where")).trim(), directory);
    assert_eq!(
        (read(format!("{directory}/notes")), read(format!("{directory}/README.md"))),
        ("mine\n".into(), "# mine\n".into())
    );
    let request = project.model().wait_for_request("You work in a git worktree of your own").to_string();
    assert!(request.contains("worktrees/repo-"), "{request}");
    // Every turn is kept with its marks, and the forecast names the line that two have changed.
    let kept = project.env.git(
        &repo,
        &[
            "log",
            "-1",
            "--format=%an %(trailers:key=Work-Status,valueonly)",
            "refs/work/001-test/01.01.01/turns/1",
        ],
    );
    assert_eq!(kept.trim(), "default completed");
    let rows = changes(&project);
    assert_eq!(rows.len(), 3, "{rows:#?}");
    assert_eq!(rows[2]["clashes"][0]["with"]["thread"], "01.01.01", "{rows:#?}");
    assert_eq!(rows[1]["clashes"], Value::Array(Vec::new()));
    let status = project.work(["status"]).ok();
    assert!(
        status.stderr.contains("what 01.01.01, 01.01.02, 01.01.03 changed is not applied"),
        "{status:#?}"
    );
    project.work(["changes", "apply", "1.1.1", "1.1.2"]).ok();
    assert_eq!(
        (read(repo.join("shared.txt")), read(repo.join("two.txt"))),
        ("ONE\ntwo\nthree\n".into(), "two\n".into())
    );
    let refused = project.work(["changes", "apply", "1.1.3"]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(refused.stderr.contains("shared.txt") && refused.stderr.contains("--resume"), "{refused:#?}");
    assert_eq!(read(repo.join("shared.txt")), "ONE\ntwo\nthree\n");
    // Its agent brings the two together.
    let resolve = "```script\n@bash grep -c '<<<<<<<' shared.txt >where; printf 'ONE uno\\ntwo\\nthree\\n' >shared.txt\n@text Resolved.\n```";
    let fixed = project.work(["execute", "--thread", "1.1.3", "--resume", "--message", resolve]);
    assert_eq!(fixed.code, 0, "{fixed:#?}");
    let request =
        project.model().wait_for_request("conflicts with what the main checkout has now").to_string();
    assert!(request.contains("shared.txt"), "{request}");
    let directory = project.attempt(3)["directory"].as_str().expect("a folder").to_owned();
    assert_eq!(read(format!("{directory}/where")).trim(), "1", "it saw the marks");
    project.work(["changes", "apply", "--all"]).ok();
    assert_eq!(read(repo.join("shared.txt")), "ONE uno\ntwo\nthree\n");
    assert_eq!(own(), before, "the user's own work is as it was");
    project.work(["changes", "undo"]).ok();
    assert_eq!(read(repo.join("shared.txt")), "ONE\ntwo\nthree\n");
    // What was touched is told, applied or not, and the two turns of the third thread are added up.
    let report: Value = serde_json::from_str(&project.work(["report", "--json"]).ok().stdout).expect("JSON");
    let files = |thread: usize| &report["stages"][0]["batches"][0]["threads"][thread]["files"];
    assert_eq!(*files(1), json!([{ "path": "two.txt", "added": 1, "removed": 0 }]));
    assert_eq!(files(2)[0]["path"], "shared.txt");
    project.assert_records_are_whole();
}

/// A turn that fails leaves what it did; a setup that fails stops the thread with its reason; an agent that
/// leaves its worktree is told of.
#[test]
fn what_goes_wrong_is_kept_and_told() {
    let fails = "@bash echo half >half.txt\n@status 400 {\"error\":{\"message\":\"broken\"}}";
    let strays = "@bash echo out >\"$WORK_ROOT/stray.txt\"\n@text Done.";
    let project = Project::new(&[fails, strays]);
    let failed = project.execute(1, &["--worktree"]);
    assert_eq!(failed.code, 1, "{failed:#?}");
    let rows = changes(&project);
    assert_eq!((rows.len(), &rows[0]["turns"][0]["status"]), (1, &Value::from("failed")), "{rows:#?}");
    assert_eq!(rows[0]["files"][0]["path"], "half.txt");
    let strayed = project.execute(2, &["--worktree"]);
    assert!(
        strayed.stderr.contains("main checkout changed") && strayed.stderr.contains("stray.txt"),
        "{strayed:#?}"
    );
    assert!(strayed.stderr.contains("changed nothing"), "{strayed:#?}");
    project.settings("worktree:\n  setup: ['echo no such tool; exit 3']\n");
    project.work(["changes", "drop", "1.1.1"]).ok();
    let stopped = project.execute(1, &["--worktree"]);
    assert_eq!(stopped.code, 1, "{stopped:#?}");
    assert!(stopped.stderr.contains("no such tool"), "{stopped:#?}");
    let logs = project.work(["logs", "1.1.1"]).ok().stdout;
    assert!(logs.contains("  no such tool\n") && logs.contains("ended with exit code 3"), "{logs}");
    project.assert_records_are_whole();
}

/// A conversation belongs to its folder: a worktree that was removed is made anew there from its last snapshot, and
/// the same conversation goes on. Mutant tried: refusing when the folder is gone.
#[test]
fn a_removed_worktree_is_made_anew_for_its_conversation() {
    let project = Project::new(&["@bash echo mine >mine.txt\n@text the word is aubergine"]);
    assert_eq!(project.execute(1, &["--worktree"]).code, 1, "its task is open");
    let before = project.attempt(1);
    let directory = before["directory"].as_str().expect("a folder").to_owned();
    project.work(["worktree", "remove", "1.1.1"]).ok();
    assert!(!Path::new(&directory).exists());
    assert_eq!(project.thread(1)["resumable"], true);
    let goes_on = script("cat mine.txt >seen.txt");
    let message = format!("```script\n{goes_on}\n```");
    let fixed = project.work(["execute", "--thread", "1.1.1", "--resume", "--message", &message]);
    assert_eq!(fixed.code, 0, "{fixed:#?}");
    let request = project.model().wait_for_request("made anew from its last snapshot").to_string();
    assert!(request.contains("aubergine"), "the model is told what was said before: {request}");
    let after = project.attempt(1);
    assert_eq!((&after["sessionId"], &after["directory"]), (&before["sessionId"], &before["directory"]));
    assert_eq!(read(format!("{directory}/seen.txt")), "mine\n");
    project.assert_records_are_whole();
}

/// What prepares a worktree is seen as it happens, and stands in the journal of the turn. Mutant tried: not
/// writing what was told before the journal was there.
#[test]
fn what_prepares_a_worktree_is_in_the_journal() {
    let project = Project::new(&[&script("true")]);
    project.settings("worktree:\n  setup: ['echo out; echo err >&2', 'pwd']\n");
    let executed = project.execute(1, &["--worktree"]);
    assert_eq!(executed.code, 0, "{executed:#?}");
    let wanted = "→ worktree.setup: echo out; echo err >&2\n  out\n  err\n✓ worktree.setup\n→ worktree.setup: pwd\n  /";
    assert!(executed.stdout.contains(wanted), "{executed:#?}");
    let logs = project.work(["logs", "1.1.1"]).ok().stdout;
    assert!(logs.contains(wanted) && logs.contains("the agent ended its turn"), "{logs}");
    let again = project.work(["worktree", "open", "1.1.1"]).ok();
    assert!(again.stderr.is_empty(), "it is ready: {again:#?}");
}

/// Ctrl-C ends what prepares a worktree, with all it started, and the worktree is made anew. Mutant tried: not
/// stopping the command.
#[test]
fn a_cancel_ends_what_prepares_a_worktree() {
    for more in [&[][..], &["--no-supervisor"]] {
        let project = Project::with_fake(&["none"], "exit 1");
        project.settings("worktree:\n  setup: ['sleep 4711 & sleep 4711']\n");
        let args = [&["--worktree"], more].concat();
        let running = project.start(1, &args);
        wait_until("the preparation", PATIENCE, || project.processes_with("sleep 4711").len() >= 2);
        running.signal(Signal::SIGINT);
        let ended = running.output();
        assert_eq!(ended.code, 130, "{more:?}: {ended:#?}");
        assert!(project.processes_with("sleep 4711").is_empty(), "{more:?}");
        assert_eq!(project.thread_status(1), "pending", "nothing had begun");
        project.settings("worktree:\n  setup: ['echo made >made']\n");
        let path = project.work(["worktree", "open", "1.1.1"]).ok().stdout;
        assert_eq!(read(Path::new(path.trim()).join("made")), "made\n");
    }
}

/// A batch in windows, applied when all its threads are done; a conflict never passes as done.
#[test]
fn a_batch_is_applied_when_it_is_done() {
    let project = Project::new(&[&script("echo 1 >one.txt"), &script("echo 2 >two.txt")]);
    let flags = ["multi", "--worktree", "--wait", "--apply", "--window", "stream"];
    let ran = project.work(flags);
    assert_eq!(ran.code, 0, "{ran:#?}");
    let repo = project.repo();
    assert_eq!(
        (read(repo.join("one.txt")), read(repo.join("two.txt"))),
        ("1\n".into(), "2\n".into()),
        "{ran:#?}"
    );
    assert!(changes(&project).is_empty());
    project.assert_records_are_whole();
}

/// A project whose second thread is a batch of its own, after the first.
fn two_batches(first: &str, second: &str) -> Project {
    let project = Project::new(&[first, second]);
    let plan = project.read("work/001-test/PLAN.md").expect("the plan");
    let plan =
        plan.replace("###### Thread 02: T2", "##### Batch 02: Later\n\nLater.\n\n###### Thread 01: T2");
    project.env.write("repo/work/001-test/PLAN.md", plan);
    project.work(["approve", "plan", "--yes"]).ok();
    project
}

/// The next batch begins with what was applied, in windows and as jobs. Mutant tried: not applying what jobs left.
#[test]
fn batch_after_batch_is_applied() {
    for how in [["--window", "stream"].as_slice(), &["--headless"]] {
        let project = two_batches(&script("echo 1 >one.txt"), &script("cat one.txt one.txt >two.txt"));
        let flags = ["continue", "--until", "end", "--worktree", "--wait", "--apply"];
        let ran = project.work(flags.iter().chain(how));
        assert_eq!(ran.code, 0, "{how:?}: {ran:#?}");
        let repo = project.repo();
        assert_eq!(
            (read(repo.join("one.txt")), read(repo.join("two.txt"))),
            ("1\n".into(), "1\n1\n".into()),
            "{how:?}: {ran:#?}"
        );
        assert!(
            ran.stderr.contains("applied 01.01.01: 1 file") && changes(&project).is_empty(),
            "{how:?}: {ran:#?}"
        );
        project.assert_records_are_whole();
    }
}

/// A conflict ends it, whatever is to be skipped: nothing that was not applied passes as done. Mutant tried: going on
/// with `--skip-failed`.
#[test]
fn a_conflict_never_passes_as_done() {
    let first = script("echo agent >shared.txt; echo user >\"$WORK_ROOT/shared.txt\"");
    for how in [["--window", "stream"].as_slice(), &["--headless"]] {
        let project = two_batches(&first, &script("true"));
        let flags = ["continue", "--until", "end", "--skip-failed", "--worktree", "--wait", "--apply"];
        let ran = project.work(flags.iter().chain(how));
        assert_eq!(ran.code, 1, "{how:?}: {ran:#?}");
        for words in [
            "nothing was applied",
            "shared.txt",
            "work fix --thread 01.01.01 --resume",
            "the next one does not begin",
        ] {
            assert!(ran.stderr.contains(words), "{how:?} {words}: {ran:#?}");
        }
        assert_eq!(read(project.repo().join("shared.txt")), "user\n", "{how:?}");
        let state = project.state().to_string();
        assert!(!state.contains("\"attempt\":2") && changes(&project).len() == 1, "{how:?}: {state}");
        assert_eq!(
            project.status()["threads"]
                .as_array()
                .expect("threads")
                .iter()
                .filter(|one| one["status"] == "pending")
                .count(),
            1
        );
        project.assert_records_are_whole();
    }
}
