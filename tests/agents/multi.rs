//! `work multi`: a batch in tmux windows, with the real opencode and the real tmux, wherever it is called
//! from.

use std::ffi::OsString;
use std::process::Stdio;

use serde_json::Value;

use crate::support::project::Project;
use crate::support::running::Running;
use crate::support::wait::{PATIENCE, wait_for, wait_until};

const DONE: &str = "@bash work update --task 01 --status completed --report done\n@text done";

/// What a window of our own tmux shows.
fn screen(project: &Project, window: &str) -> String {
    project.tmux(&["capture-pane", "-p", "-t", window]).stdout
}

/// The ids of its windows.
fn windows(project: &Project) -> Vec<String> {
    let list = project.tmux(&["list-windows", "-a", "-F", "#{window_id}"]).stdout;
    list.lines().map(str::to_owned).collect()
}

#[test]
fn a_batch_runs_side_by_side_in_windows_of_the_agents_own_ui() {
    let project = Project::with_titles(&[
        ("Good", DONE),
        ("Bad", "@status 401 {\"error\":{\"message\":\"no key\"}}"),
        ("#(touch canary)", DONE),
    ]);
    let run = project.work(["multi", "--batch", "1.1", "--wait", "--json"]);
    assert_eq!(run.code, 1, "one fails: {}", run.stderr);
    let told = run.json();
    let threads = told["threads"].as_array().expect("threads");
    let statuses: Vec<&Value> = threads.iter().map(|thread| &thread["status"]).collect();
    assert_eq!(statuses, ["completed", "failed", "completed"]);
    for (number, thread) in (1..).zip(threads) {
        assert_eq!(project.thread(number)["id"], thread["thread"]);
        let attempts = project.attempts(number);
        assert_eq!(attempts.len(), 1, "one start and one end: {attempts:#?}");
        assert_eq!((&attempts[0]["sessionId"], &attempts[0]["mode"]), (&thread["session"], &"tui".into()));
    }
    assert_eq!(project.attempt(2)["error"]["kind"], "auth");
    assert!(project.read("canary").is_none(), "a title is never run");
    // The UIs stay for the person; each window shows its own thread.
    let windows = windows(&project);
    assert_eq!(windows.len(), 3, "{windows:?}");
    wait_until("the UI to show the turn", PATIENCE, || screen(&project, &windows[0]).contains("done"));
    assert!(!run.stderr.contains("OPENCODE_SERVER_PASSWORD"));
}

/// Two at the same moment start each thread once: the second finds nothing to start, and says so.
///
/// Mutant: no lock around the launch (both open windows, and one's are refused).
#[test]
fn two_at_once_start_each_thread_once() {
    let project = Project::new(&["@sleep 2s\n@bash work update --task 01 --status completed\n@text done"; 3]);
    let args = ["multi", "--batch", "1.1", "--window", "stream", "--wait", "--json"];
    let (one, two) = (project.spawn(&args), project.spawn(&args));
    let (one, two) = (one.output(), two.output());
    let mut codes = [one.code, two.code];
    codes.sort_unstable();
    assert_eq!(codes, [0, 1], "one runs the batch, the other has nothing to start: {one:#?} {two:#?}");
    let loser = if one.code == 1 { one } else { two };
    assert!(loser.stdout.contains("nothing-to-do"), "{loser:#?}");
    for thread in 1..=3 {
        assert_eq!(project.thread_status(thread), "completed");
        assert_eq!(project.attempts(thread).len(), 1, "{thread}");
    }
    project.assert_records_are_whole();
}

#[test]
fn leaving_the_ui_goes_on_as_text_and_ctrl_c_cancels() {
    let project = Project::new(&["@text I begin.\n@bash sleep 4817\n@text never"]);
    project.work(["multi", "--batch", "1.1"]).ok();
    let window = wait_for("the window", PATIENCE, || windows(&project).into_iter().next());
    let press = |keys: &str| project.tmux(&["send-keys", "-t", &window, keys]).ok();
    let shows = |words: &str| screen(&project, &window).contains(words);
    wait_until("the UI to show the tool", PATIENCE, || shows("sleep 4817"));
    press("C-c");
    wait_until("the UI to be left", PATIENCE, || shows("the turn goes on here"));
    assert_eq!(project.thread_status(1), "running");
    press("C-c");
    project.wait_for_status(1, "interrupted", PATIENCE);
    wait_until("the window to tell", PATIENCE, || shows("press Enter to close"));
    press("Enter");
    wait_until("the window to close", PATIENCE, || windows(&project).is_empty());
    assert_eq!(project.attempt(1)["interruptedBy"], "cancelled by a person");
}

/// While a thread runs, its status says in which window a person finds it: the number that tmux shows, also
/// after the window was moved. The one that rests has none, and neither has one whose turn is over.
///
/// Mutant: `place` tells every thread its window (the one that is done has one).
#[test]
fn a_running_thread_tells_its_window() {
    let project = Project::new(&["@text I begin.\n@bash sleep 4818\n@text never", DONE]);
    project.work(["multi", "--batch", "1.1", "--window", "stream"]).ok();
    project.wait_for_status(2, "completed", PATIENCE);
    let window = |thread: u8| project.thread(thread)["window"].clone();
    assert_eq!(window(2), Value::Null, "its turn is over, and its window still there");
    let told = window(1);
    assert_eq!(told["session"], "work-001-test", "{told}");
    assert_eq!(told["name"], "01.01.01 T1", "{told}");
    let number = |format: &str| project.tmux(&["list-windows", "-a", "-F", format]).stdout;
    let listed = number("#{window_index} #{window_name}");
    assert!(listed.contains(&format!("{} 01.01.01 T1", told["number"])), "{told} in {listed}");
    // A person moves it.
    let from = format!("=work-001-test:{}", told["number"]);
    project.tmux(&["move-window", "-s", &from, "-t", "=work-001-test:7"]).ok();
    assert_eq!(window(1)["number"], 7);
    let shown = project.work(["status"]).ok().stdout;
    let rows: Vec<&str> = shown.lines().filter(|line| line.contains(", window 7")).collect();
    assert!(
        matches!(rows[..], [row] if row.starts_with("01.01.01") && row.contains("running for")),
        "{shown}"
    );
    project.work(["session", "cancel", "01.01.01"]);
    project.wait_for_status(1, "interrupted", PATIENCE);
    assert_eq!(window(1), Value::Null);
}

/// Inside of tmux it uses that server, and takes the person to the windows, but not while it waits; where
/// `$TMUX` is dead, as outside, it uses a server of its own, whatever the user's configuration says.
#[test]
fn it_finds_the_right_tmux() {
    let mut project = Project::new(&[DONE]);
    let reopen = |project: &Project| {
        project.work(["update", "--task", "01.01.01.01", "--status", "in_progress"]).ok();
    };
    let waiting = ["multi", "--window", "stream", "--wait", "--json"];
    project.env.write(
        "home/.tmux.conf",
        "set -g destroy-unattached on\nset -g base-index 7\nset -g default-shell /bin/false\n\
         set -g allow-rename on\nset -g default-command 'exit 1'\n",
    );

    // A person types it.
    let folder = project.repo().to_string_lossy().into_owned();
    let shell = ["-f", "/dev/null", "new-session", "-d", "-s", "mine", "-x", "100", "-y", "30", "-c"];
    project.env.tmux(shell.iter().chain(&[folder.as_str(), "--", "sh"])).ok();
    let mut look = project.env.command("tmux");
    look.arg("-S").arg(project.env.tmux_socket()).args(["-C", "attach-session", "-t", "=mine:"]);
    let _person = Running::of(look.stdin(Stdio::piped()).stdout(Stdio::null()));
    let looks_at = |project: &Project, session: &str| {
        let clients = project.env.tmux(["list-clients", "-F", "#{client_session}"]).ok().stdout;
        clients.trim() == session
    };
    wait_until("the person to look", PATIENCE, || looks_at(&project, "mine"));
    let line = format!("{} multi --batch 1.1 --window stream; echo code=$?", env!("CARGO_BIN_EXE_work"));
    project.env.tmux(["send-keys", "-t", "=mine:", &line, "Enter"]).ok();
    wait_until("the person at the windows", PATIENCE, || looks_at(&project, "work-001-test"));
    project.wait_for_status(1, "completed", PATIENCE);
    let shown = || project.env.tmux(["capture-pane", "-p", "-t", "=mine:"]).ok().stdout;
    wait_until("multi to end well", PATIENCE, || shown().contains("code=0"));
    assert_eq!(project.tmux_socket(), None, "it has used the one that it was in");

    // A script calls it there.
    let print =
        |format: &str| project.env.tmux(["display-message", "-p", "-t", "=mine:", format]).ok().stdout;
    let (inside, pane) = (print("#{socket_path},#{pid},0"), print("#{pane_id}"));
    project.env.set("TMUX", OsString::from(inside.trim()));
    project.env.set("TMUX_PANE", OsString::from(pane.trim()));
    project.env.tmux(["switch-client", "-t", "=mine:"]).ok();
    reopen(&project);
    let output = project.work(waiting);
    assert_eq!(output.code, 0, "{output:#?}");
    assert!(looks_at(&project, "mine"), "whoever waits stays where they are");
    let sessions = project.env.tmux(["list-windows", "-a", "-F", "#{session_name}"]).ok().stdout;
    assert!(sessions.contains("work-001-test"), "{sessions}");
    assert_eq!(project.tmux_socket(), None, "it has used the one that it was in");

    // Now `$TMUX` names nobody.
    project.env.tmux(["kill-server"]).ok();
    project.env.set("TMUX", project.env.root().join("dead,1,0"));
    project.work(["execute", "--thread", "01.01.01", "--message", "again", "--dry-run"]).ok();
    reopen(&project);
    let output = project.work(waiting);
    assert_eq!(output.code, 0, "{output:#?}");
    assert!(project.tmux_socket().is_some(), "{output:#?}");
    assert_eq!(project.attempts(1).len(), 3);
}

#[test]
fn a_missing_program_is_told_before_anything_opens() {
    let mut project = Project::with_fake(&["@text hello"], "exit 3");
    let there = project.env.root().join("bin/opencode");
    let nowhere = project.env.root().join("nowhere/program");
    for (variable, words) in
        [("WORK_TMUX", "install the package `tmux`"), ("WORK_OPENCODE", "npm install -g opencode-ai")]
    {
        project.env.set(variable, &nowhere);
        for args in [&["multi", "--batch", "1.1"][..], &["multi", "--window", "stream", "--wait"]] {
            let run = project.work(args);
            assert_eq!(run.code, 6, "{variable}: {run:#?}");
            assert!(run.stderr.contains(words), "{words} in {run:#?}");
        }
        project.env.unset(variable);
        project.env.set("WORK_OPENCODE", &there);
    }
    assert_eq!(project.attempts(1).len(), 0, "it started nothing");
    assert_eq!(project.tmux_socket(), None, "it opened nothing");
}
