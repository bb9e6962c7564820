//! `work multi`: a batch in tmux windows, with the real opencode and the real tmux.

use serde_json::Value;

use crate::support::project::{PATIENCE, Project};
use crate::support::wait::{wait_for, wait_until};

const DONE: &str = "@bash work update --task 01 --status completed --report done\n@text done";

/// The socket of the private tmux server.
fn socket(project: &Project) -> std::path::PathBuf {
    let folder = project.env.runtime_dir().join("work");
    let sockets = std::fs::read_dir(folder).expect("the folder of sockets").flatten();
    let tmux = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "tmux");
    sockets.map(|entry| entry.path()).find(tmux).expect("a tmux server")
}

/// What a window shows.
fn screen(project: &Project, window: &str) -> String {
    project.env.tmux_on(&socket(project), ["capture-pane", "-p", "-t", window]).stdout
}

fn windows(project: &Project) -> Vec<String> {
    let list = ["list-windows", "-a", "-F", "#{window_id} #{@work_thread} #{window_name}"];
    project.env.tmux_on(&socket(project), list).stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_batch_runs_side_by_side_in_windows_of_the_agents_own_ui() {
    let project = Project::new(&[
        ("Good", DONE),
        ("Bad", "@status 401 {\"error\":{\"message\":\"no key\"}}"),
        ("#(touch canary)", DONE),
    ]);
    let run = project.work(&["multi", "--batch", "1.1", "--wait", "--json"]);
    assert_eq!(run.code, 1, "one fails: {}", run.stderr);
    let told: Value = serde_json::from_str(&run.stdout).expect("one document");
    let statuses: Vec<&Value> =
        told["threads"].as_array().expect("threads").iter().map(|t| &t["status"]).collect();
    assert_eq!(statuses, ["completed", "failed", "completed"]);
    for thread in told["threads"].as_array().expect("threads") {
        let row = project.thread(thread["thread"].as_str().expect("an id"));
        let records = row["sessions"].as_array().expect("records");
        assert_eq!(records.len(), 1, "one start and one end: {records:?}");
        assert_eq!((&records[0]["sessionId"], &records[0]["mode"]), (&thread["session"], &"tui".into()));
    }
    assert_eq!(project.thread("01.01.02")["sessions"][0]["error"]["kind"], "auth");
    assert!(project.file("canary").is_none(), "a title is never run");
    // The UIs stay for the person; each window shows its own thread.
    let windows = windows(&project);
    assert_eq!(windows.len(), 3, "{windows:?}");
    let first = windows[0].split(' ').next().expect("an id").to_owned();
    wait_until("the UI to show the turn", PATIENCE, || screen(&project, &first).contains("done"));
    assert!(!run.stderr.contains("OPENCODE_SERVER_PASSWORD"));
}

/// Mutant: the launch lock left out of `multi`.
#[test]
fn two_at_once_start_each_thread_once() {
    let project = Project::new(&[("One", DONE), ("Two", DONE)]);
    let args = ["multi", "--batch", "1.1", "--wait", "--window", "stream"];
    let mut children = [project.start(&args), project.start(&args)];
    let mut codes: Vec<Option<i32>> =
        children.iter_mut().map(|child| child.wait().expect("ended").code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(1)], "one runs the batch, the other has nothing to start");
    for id in ["01.01.01", "01.01.02"] {
        assert_eq!(project.thread(id)["sessions"].as_array().map(Vec::len), Some(1), "{id}");
    }
}

#[test]
fn leaving_the_ui_goes_on_as_text_and_ctrl_c_cancels() {
    let project = Project::new(&[("Slow", "@text I begin.\n@bash sleep 4817.25\n@text never")]);
    project.work(&["multi", "--batch", "1.1"]).ok();
    let window = wait_for("the window", PATIENCE, || windows(&project).into_iter().next());
    let window = window.split(' ').next().expect("an id").to_owned();
    let press = |keys: &str| project.env.tmux_on(&socket(&project), ["send-keys", "-t", &window, keys]).ok();
    wait_until("the UI to show the tool", PATIENCE, || screen(&project, &window).contains("sleep 4817.25"));
    press("C-c");
    wait_until("the UI to be left", PATIENCE, || screen(&project, &window).contains("the turn goes on here"));
    assert_eq!(project.thread("01.01.01")["status"], "running");
    press("C-c");
    project.wait_for_status("01.01.01", "interrupted");
    wait_until("the window to tell", PATIENCE, || screen(&project, &window).contains("press Enter to close"));
    press("Enter");
    wait_until("the window to close", PATIENCE, || windows(&project).is_empty());
    assert_eq!(project.thread("01.01.01")["sessions"][0]["interruptedBy"], "cancelled by a person");
}

/// Inside tmux its server is used, and the client is taken to the windows.
#[test]
fn inside_tmux_that_server_is_used() {
    let project = Project::new(&[("One", DONE)]);
    let work = env!("CARGO_BIN_EXE_work");
    let shell = ["new-session", "-d", "-s", "home", "-x", "100", "-y", "30", "sh"];
    project.env.tmux(shell).ok();
    let command = format!(
        "cd {}; {work} multi --batch 1.1 --window stream; echo code=$?",
        project.env.repo_dir().display()
    );
    project.env.tmux(["send-keys", "-t", "home", &command, "Enter"]).ok();
    wait_until("the window in that server", PATIENCE, || {
        project.env.tmux(["list-windows", "-a", "-F", "#{session_name}"]).stdout.contains("work-001-trial")
    });
    project.wait_for_status("01.01.01", "completed");
    let shown = || project.env.tmux(["capture-pane", "-p", "-t", "home"]).stdout;
    wait_until("multi to end well", PATIENCE, || shown().contains("code=0"));
}

#[test]
fn a_missing_program_is_told_before_anything_opens() {
    let mut project = Project::new(&[("One", DONE)]);
    let opencode = project.env.root().join("nowhere/opencode");
    for (variable, words) in
        [("WORK_TMUX", "install the package `tmux`"), ("WORK_OPENCODE", "npm install -g opencode-ai")]
    {
        project.env.set(variable, &opencode);
        let run = project.work(&["multi", "--batch", "1.1"]);
        assert_eq!(run.code, 6, "{variable}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{words} in {}", run.stderr);
        project.env.unset(variable);
    }
    assert_eq!(project.thread("01.01.01")["sessions"].as_array().map(Vec::len), Some(0));
}
