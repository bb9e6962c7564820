//! What an agent asks while nobody may be there: allowed, denied, or waiting for `work answer`.

use serde_json::{Value, json};
use work::sys::process::Signal;

use crate::support::http::Http;
use crate::support::project::Project;
use crate::support::running::Running;
use crate::support::wait::{PATIENCE, wait_until};

/// A question with options.
const QUESTION: &str = r#"@tool question {"questions":[{"question":"Which color?","header":"Color","options":[{"label":"Red","description":"r"},{"label":"Blue","description":"b"}]}]}"#;

/// Outside of the repository, so that opencode asks whatever is configured.
const OUTSIDE: &str = r#"@tool read {"filePath":"/etc/hostname"}"#;

/// Threads whose opencode asks for every command and every change.
fn project(scripts: &[&str]) -> Project {
    let mut project = Project::new(scripts);
    project.env.set("OPENCODE_PERMISSION", r#"{"bash":"ask","edit":"ask"}"#);
    project
}

/// A thread whose agent asks, and is waited for.
#[track_caller]
fn asking(project: &Project, thread: u8, more: &[&str]) -> Running {
    let args: Vec<&str> = ["--permissions", "ask"].iter().chain(more).copied().collect();
    let running = project.start(thread, &args);
    project.wait_for_status(thread, "waiting", PATIENCE);
    running
}

fn id(thread: u8) -> String {
    format!("01.01.{thread:02}")
}

/// What `work logs` tells of a thread.
fn logs(project: &Project, thread: u8) -> String {
    let logs = project.work(["logs", &id(thread)]).ok();
    logs.stdout + &logs.stderr
}

/// What the model was told last by the agent of a thread.
fn told(project: &Project, thread: u8) -> String {
    let session = project.attempt(thread)["sessionId"].as_str().expect("a session").to_owned();
    project.model().requests_of(&session).pop().expect("a request")["messages"].to_string()
}

/// The command line decides before the agent's entry, and that before the project. What is allowed is
/// allowed once: the next thread on the same opencode is asked about again.
#[test]
fn a_policy_allows_or_denies_at_once() {
    let greedy = format!("@bash echo one > one.txt\n@write two.txt two\n{OUTSIDE}\n{QUESTION}\n@text Over.");
    let project = project(&[
        &greedy,
        "@bash echo three > three.txt\n@text I went on.",
        "@bash echo 4 > 4.txt\n@text Over.",
    ]);
    let run = project.execute(1, &["--permissions", "allow"]);
    assert_eq!(project.read("one.txt").as_deref(), Some("one\n"), "{run:#?}");
    assert_eq!(project.read("two.txt").as_deref(), Some("two\n"), "{run:#?}");
    let log = logs(&project, 1);
    assert_eq!(log.matches("allowed by policy").count(), 3, "bash, edit, external directory: {log}");
    assert!(run.stdout.contains("Over."), "a question that nobody may ask stops nothing: {run:#?}");

    let run = project.execute(2, &["--permissions", "deny"]);
    assert!(run.stdout.contains("I went on."), "{run:#?}");
    assert!(project.read("three.txt").is_none(), "what was allowed once is not allowed again");
    let log = logs(&project, 2);
    assert_eq!(log.matches("refused: nobody is there to allow it").count(), 1, "told once: {log}");
    assert!(!log.contains("! reject"), "and in our words: {log}");

    project.settings("permissions: deny\n");
    project.env.write(
        "repo/work/agents.yaml",
        "agents:\n  - name: default\n    models: [scripted/ok]\n    permissions: allow\n",
    );
    project.execute(3, &[]);
    assert_eq!(project.read("4.txt").as_deref(), Some("4\n"), "the agent's word is more than the project's");
    project.assert_records_are_whole();
}

/// A person answers from elsewhere: every kind of reply to every kind of request.
#[test]
fn a_thread_waits_until_a_person_answers() {
    let question = format!("{QUESTION}\n@text I know it now.");
    let project = project(&[
        "@bash echo yes > yes.txt\n@bash work update --task 01 --status completed\n@text Over.",
        "@write no.txt no\n@text I went on.",
        &question,
        &format!("{OUTSIDE}\n@bash echo one > a1.txt\n@bash echo two > a2.txt\n@text Over."),
    ]);
    let answer = |args: &[&str]| project.work(["answer"].iter().chain(args));

    // Everybody sees that it waits, for what, and what to type.
    let running = asking(&project, 1, &["--json"]);
    let shown = project.work(["status"]).ok().stdout;
    for words in ["1 waiting", "waiting for", "bash: echo yes > yes.txt", "`work answer 01.01.01 --allow`"] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    let why = project.work(["why", "1.1.1"]).ok();
    let why = why.stdout + &why.stderr;
    assert!(why.contains("asks a person") && why.contains("`work answer 01.01.01 --allow`"), "{why}");
    let listed = answer(&["--json"]).ok().stdout;
    let listed: Value = serde_json::from_str(&listed).expect("one document");
    let one = &listed["waiting"][0];
    assert_eq!((&one["thread"], &one["kind"]), (&"01.01.01".into(), &"permission".into()), "{listed:#}");
    assert_eq!(one["patterns"], json!(["echo yes > yes.txt"]));
    assert_eq!(project.state()["threads"][0]["sessions"][0]["asks"][0]["id"], one["id"]);
    let wrong = answer(&["1", "--text", "yes"]);
    assert_eq!(wrong.code, 2, "no such thread: {wrong:#?}");
    let wrong = answer(&["1.1.1", "--text", "yes"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("--allow"), "{wrong:#?}");
    let wrong = answer(&["1.1.2", "--allow"]);
    assert_eq!(wrong.code, 1, "that one asks nothing: {wrong:#?}");
    answer(&["1.1.1", "--allow"]).ok();
    // The next one is our own report.
    wait_until("the next request", PATIENCE, || {
        project.work(["status"]).stdout.contains("bash: work update")
    });
    let request = project.attempt(1)["asks"][0]["id"].as_str().expect("an id").to_owned();
    let done = answer(&[&request, "--allow"]).ok();
    assert!(done.stdout.contains("allowed"), "{done:#?}");
    let output = running.output();
    assert_eq!(output.code, 0, "{output:#?}");
    assert_eq!(project.read("yes.txt").as_deref(), Some("yes\n"));
    assert_eq!(output.stdout.matches(r#""turn":"waiting","thread":"01.01.01""#).count(), 2, "{output:#?}");
    assert_eq!(logs(&project, 1).matches("allowed by a person").count(), 2);
    assert!(!project.state().to_string().contains("\"asks\""), "nothing is asked any more");
    let late = answer(&["1.1.1", "--allow"]);
    assert_eq!(late.code, 1, "{late:#?}");

    // Denied with a reason, which the agent hears.
    let running = asking(&project, 2, &[]);
    answer(&["T2", "--deny", "keep your hands off"]).ok();
    assert_ne!(project.thread_status(2), "waiting", "once it is answered, nobody sees it waiting");
    let output = running.output();
    assert!(output.stdout.contains("I went on."), "{output:#?}");
    assert!(output.stderr.contains("waits 10m for a person: `work answer 01.01.02 --allow`"), "{output:#?}");
    assert!(project.read("no.txt").is_none());
    assert!(told(&project, 2).contains("keep your hands off"));
    assert_eq!(logs(&project, 2).matches("denied by a person: keep your hands off").count(), 1);

    // A question is answered with words.
    let running = asking(&project, 3, &[]);
    let shown = project.work(["status"]).ok().stdout;
    assert!(shown.contains("Which color? (Red / Blue)"), "{shown}");
    assert!(shown.contains("`work answer 01.01.03 --text TEXT`"), "{shown}");
    let wrong = answer(&["1.1.3", "--allow"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("--text"), "{wrong:#?}");
    let wrong = answer(&["1.1.3"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("say what to answer"), "{wrong:#?}");
    answer(&["1.1.3", "--text", "blue"]).ok();
    let output = running.output();
    assert!(output.stdout.contains("I know it now."), "{output:#?}");
    assert!(told(&project, 3).contains("Blue"), "the option that was meant");
    assert!(logs(&project, 3).contains("! Blue"));

    // Always: the second `echo` is not asked about.
    let running = asking(&project, 4, &[]);
    assert!(project.work(["answer"]).ok().stdout.contains("external_directory"));
    answer(&["1.1.4", "--allow"]).ok();
    wait_until("the next request", PATIENCE, || project.work(["answer"]).stdout.contains("(allows echo *)"));
    answer(&["1.1.4", "--always"]).ok();
    let output = running.output();
    assert!(output.stdout.contains("Over."), "{output:#?}");
    assert_eq!(project.read("a2.txt").as_deref(), Some("two\n"));
    assert_eq!(logs(&project, 4).matches("always allowed by a person").count(), 1);
    project.assert_records_are_whole();
}

/// Nobody comes: after `askTimeout` it is denied, and the turn goes on.
#[test]
fn what_nobody_answers_is_denied_in_time() {
    let question = format!("{QUESTION}\n@text So I decided.");
    let project = project(&["@bash echo no > no.txt\n@text I went on.", &question]);
    project.settings("permissions: ask\naskTimeout: 2s\n");
    let output = project.execute(1, &[]);
    assert!(output.stdout.contains("I went on."), "{output:#?}");
    assert!(project.read("no.txt").is_none());
    assert!(logs(&project, 1).contains("denied: nobody answered within 2s"));
    assert!(told(&project, 1).contains("Nobody answered within 2s. Find a way that needs no permission"));
    let output = project.execute(2, &[]);
    assert!(output.stdout.contains("So I decided."), "{output:#?}");
    assert!(told(&project, 2).contains("Nobody answered within 2s. Decide yourself"));
    project.assert_records_are_whole();
}

/// Several requests at once: each is answered by its own id, and a thread's id alone is not enough.
#[test]
fn several_requests_of_a_thread_are_told_apart() {
    let both = "@bash echo one > one.txt\n@also bash echo two > two.txt\n@text Over.";
    let project = project(&[both, both]);
    let running = asking(&project, 1, &[]);
    wait_until("both requests", PATIENCE, || {
        project.attempt(1)["asks"].as_array().is_some_and(|asks| asks.len() == 2)
    });
    let unclear = project.work(["answer", "1.1.1", "--allow"]);
    assert!(unclear.code == 2 && unclear.stderr.contains("`work answer per_"), "{unclear:#?}");
    let asks = project.attempt(1)["asks"].clone();
    for ask in asks.as_array().expect("two") {
        project.work(["answer", ask["id"].as_str().expect("an id"), "--allow"]).ok();
    }
    let output = running.output();
    assert!(output.stdout.contains("Over."), "{output:#?}");
    assert!(project.read("one.txt").is_some() && project.read("two.txt").is_some());

    std::fs::remove_file(project.repo().join("one.txt")).expect("it was there");
    let output = project.execute(2, &["--permissions", "deny"]);
    assert!(project.read("one.txt").is_none(), "{output:#?}");
    assert!(output.stdout.contains("Over."), "one denied is all denied, and it goes on: {output:#?}");
    assert!(project.attempt(2)["error"].is_null(), "{output:#?}");
}

/// What waits when the supervisor dies waits on at the next one: it is asked again, by that one alone, and goes on
/// with the answer; the person was told once.
#[test]
fn what_waits_outlives_its_supervisor() {
    let project = project(&["@bash echo yes > yes.txt\n@text Over."]);
    let running = asking(&project, 1, &[]);
    let (before, asked) = (project.supervisor(), project.attempt(1)["asks"][0]["id"].clone());
    work::sys::process::signal_process(before, Signal::SIGKILL);
    wait_until("the next supervisor", PATIENCE, || project.supervisor() != before);
    project.wait_for_status(1, "waiting", PATIENCE);
    assert_eq!(project.attempt(1)["asks"][0]["id"], asked, "the same request");
    assert_eq!(project.read("yes.txt"), None, "nobody has allowed it");
    project.work(["answer", "1.1.1", "--allow"]).ok();
    let output = running.output();
    assert!(output.code == 1 && output.stdout.contains("Over."), "its task is open: {output:#?}");
    assert!(project.read("yes.txt").is_some());
    let logs = logs(&project, 1);
    assert_eq!(logs.matches("? asks for").count(), 1, "{logs}");
    assert_eq!(project.attempts(1).len(), 1);
    project.assert_records_are_whole();
}

/// Whoever is dead waits for nobody, and nobody can answer them.
#[test]
fn a_supervisor_and_a_command_that_are_killed_leave_nothing_waiting() {
    let project = project(&["@bash echo no > no.txt\n@text never"]);
    let running = asking(&project, 1, &[]);
    let supervisor = project.supervisor();
    // Stopped first, or it would end the turn of a command that is gone.
    work::sys::process::signal_process(supervisor, Signal::SIGSTOP);
    running.signal(Signal::SIGKILL);
    work::sys::process::signal_process(supervisor, Signal::SIGKILL);
    project.wait_for_status(1, "interrupted", PATIENCE);
    let listed = project.work(["answer"]).ok();
    assert!(listed.stdout.contains("nothing waits"), "{listed:#?}");
    let late = project.work(["answer", "1.1.1", "--allow"]);
    assert_eq!(late.code, 1, "{late:#?}");
    // The next supervisor goes on with nothing whose command is dead, and says so at once.
    let next = project.spawn(&["supervisor", "run"]);
    wait_until("its end on record", PATIENCE, || project.attempt(1)["endedAt"].is_string());
    assert_eq!(project.attempt(1)["interruptedBy"], "the process that ran it died");
    assert!(project.read("no.txt").is_none());
    drop((running, next));
    project.assert_records_are_whole();
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let four = |three: &[u8]| {
        let number = (0..3).fold(0_usize, |sum, at| sum * 256 + usize::from(*three.get(at).unwrap_or(&0)));
        let letter = |at: usize| match at <= three.len() {
            true => char::from(LETTERS[number >> (18 - 6 * at) & 63]),
            false => '=',
        };
        (0..4).map(letter).collect::<String>()
    };
    text.as_bytes().chunks(3).map(four).collect()
}

/// The agents' server of a project, as its supervisor talks to it.
fn server(project: &Project) -> Http {
    let servers = std::fs::read_dir(project.private().join("servers")).expect("a server");
    let file = servers.flatten().next().expect("a server").path();
    let record: Value = serde_json::from_slice(&std::fs::read(file).expect("a record")).expect("JSON");
    let word = |name: &str| record["server"][name].as_str().expect("a word").to_owned();
    Http::new(&word("url"))
        .with_header("authorization", &format!("Basic {}", base64(&format!("opencode:{}", word("password")))))
        .with_header("x-opencode-directory", &project.repo().to_string_lossy())
}

/// Ctrl-C while it waits: interrupted, and opencode asks nobody any more.
#[test]
fn a_cancel_while_it_waits_leaves_no_request_behind() {
    let question = format!("{QUESTION}\n@text never");
    let project = project(&["@bash echo no > no.txt\n@text never", &question]);
    for (thread, path) in [(1, "/permission"), (2, "/question")] {
        let running = asking(&project, thread, &[]);
        let server = server(&project);
        assert_eq!(server.get(path).json.as_array().map(Vec::len), Some(1));
        running.signal(Signal::SIGINT);
        let output = running.output();
        assert_eq!(output.code, 130, "{output:#?}");
        assert_eq!(project.thread_status(thread), "interrupted");
        assert_eq!(server.get(path).json, json!([]), "{path}");
    }
    project.assert_records_are_whole();
}

/// Without a supervisor it waits as well, and says that nobody can answer.
#[test]
fn a_turn_within_its_command_is_not_answered_from_outside() {
    let project = project(&["@bash echo no > no.txt\n@text I went on."]);
    project.settings("askTimeout: 8s\n");
    let running = asking(&project, 1, &["--no-supervisor"]);
    let refused = project.work(["answer", "1.1.1", "--allow"]);
    assert!(refused.code == 7 && refused.stderr.contains("--no-supervisor"), "{refused:#?}");
    let output = running.output();
    assert!(
        output.stderr.contains("nobody can answer") && output.stdout.contains("I went on."),
        "{output:#?}"
    );
}

/// In windows a person is asked without a word about it: in opencode's own dialog, or with `work answer`.
/// The dialog shows only what is asked while the UI is open.
#[test]
fn in_windows_a_person_answers_there_or_elsewhere() {
    let project = project(&[
        "@bash echo zero > zero.txt\n@bash echo one > one.txt\n@text Over.",
        "@bash echo two > two.txt\n@text Over.",
    ]);
    let repo = project.repo();
    let line = format!("{} execute --thread 01.01.01; exec sleep 4793", env!("CARGO_BIN_EXE_work"));
    let folder = repo.to_string_lossy();
    let open = ["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "30", "-s", "s", "-c", &folder];
    project.env.tmux(open.iter().chain(&["--", "sh", "-c", &line])).ok();
    let screen = || project.env.tmux(["capture-pane", "-p", "-t", "=s:"]).stdout;
    project.wait_for_status(1, "waiting", PATIENCE);
    wait_until("opencode's own UI", PATIENCE, || screen().contains("$ echo zero"));
    project.work(["answer", "1.1.1", "--allow"]).ok();
    wait_until("opencode's own dialog", PATIENCE, || screen().contains("Allow once"));
    project.wait_for_status(1, "waiting", PATIENCE);
    project.env.tmux(["send-keys", "-t", "=s:", "Enter"]).ok();
    wait_until("the command to run", PATIENCE, || project.read("one.txt").is_some());
    project.wait_for_status(1, "incomplete", PATIENCE);
    assert!(logs(&project, 1).contains("! once"), "{}", logs(&project, 1));
    project.env.tmux(["kill-server"]).ok();

    let running = project.spawn(&["multi", "--wait", "--window", "stream"]);
    project.wait_for_status(2, "waiting", PATIENCE);
    project.work(["answer", "1.1.2", "--allow"]).ok();
    wait_until("the command to run", PATIENCE, || project.read("two.txt").is_some());
    // Thread 1 is not done either; what was allowed once is asked again.
    for words in ["bash: echo zero", "bash: echo one"] {
        wait_until("thread 1 to ask again", PATIENCE, || project.work(["answer"]).stdout.contains(words));
        project.work(["answer", "1.1.1", "--deny"]).ok();
    }
    // The windows stay until somebody presses Enter; the turns have ended.
    let output = running.output();
    assert!(output.stderr.contains("waits for a person: bash: echo two > two.txt"), "{output:#?}");
}
