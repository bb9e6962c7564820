//! The main job with the real opencode: threads run, files are written, and everything is on record.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use work::sys::process::Signal;

use crate::support::stage::{PATIENCE, Project, mode};
use crate::support::wait::wait_until;

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

/// The main job: files are written, tasks are reported from inside the session, and record, journal and
/// stream of events tell the same.
#[test]
fn a_thread_is_run_and_recorded() {
    let project = Project::new(&[
        "@reason I had better report first.\n\
         @bash work update --task 01 --status in_progress\n\
         @write hello.txt Hello\n\
         @bash work update --task 01 --status completed --report 'wrote hello.txt'\n\
         @text Done: topsecretword.\n\
         @usage input=100 output=10",
        "@text I stop here.",
    ]);
    let output = project.execute(1, &[]).ok();
    assert!(output.stdout.contains("Done: topsecretword."), "{output:#?}");
    assert_eq!(project.read("hello.txt").as_deref(), Some("Hello\n"));
    // The agent's files are the user's, with the user's umask.
    let umask = fs::metadata(project.repo().join("README.md")).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&project.repo().join("hello.txt")), umask);
    assert_eq!(project.thread_status(1), "completed");
    let attempt = project.attempt(1);
    assert_eq!((&attempt["status"], &attempt["exitCode"]), (&"completed".into(), &0.into()), "{attempt:#}");
    assert!(attempt["sessionId"].as_str().is_some_and(|id| id.starts_with("ses_")), "{attempt:#}");
    assert!(attempt["usage"]["output"].as_u64() >= Some(10), "{attempt:#}");
    let task = &project.state()["threads"][0]["tasks"][0];
    assert_eq!((&task["status"], &task["report"]), (&"completed".into(), &"wrote hello.txt".into()));
    let logs = project.work(["logs", "01.01.01"]).ok();
    for word in ["I had better report first", "hello.txt", "Done: topsecretword."] {
        assert!((logs.stdout.clone() + &logs.stderr).contains(word), "{logs:#?}");
    }

    let output = project.execute(2, &["--json"]);
    assert_eq!(output.code, 1, "its task is open: {output:#?}");
    let told = lines(&output.stdout);
    let kinds: Vec<_> = told.iter().filter_map(|line| line["turn"].as_str()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"opened"), Some(&"ended")), "{output:#?}");
    assert_eq!(kinds.iter().filter(|kind| ["opened", "ended"].contains(kind)).count(), 2);
    assert_eq!(told.last().map(|line| line["error"]["kind"].clone()), Some("incomplete".into()));
    assert!(output.stdout.contains("stop"), "{output:#?}");

    // Nothing that is nobody's business is in a log or in the stream.
    let servers: Vec<_> =
        fs::read_dir(project.private().join("servers")).expect("a server").flatten().collect();
    assert_eq!(servers.len(), 1);
    assert_eq!(mode(&servers[0].path()), 0o600);
    assert_eq!(mode(&project.private().join("servers")), 0o700);
    let record: Value =
        serde_json::from_slice(&fs::read(servers[0].path()).expect("a record")).expect("JSON");
    let password = record["server"]["password"].as_str().expect("a password");
    let log = fs::read_to_string(project.private().join("supervisor.log")).expect("a log")
        + &fs::read_to_string(project.private().join("opencode.log")).expect("a log");
    for secret in [password, "topsecretword", "I had better"] {
        assert!(!log.contains(secret) && !output.stdout.contains(password), "{secret} in {log}");
    }

    // Both turns were run by one server, and the second one is the journal's second thread.
    let again = project.execute(1, &["--message", "once more"]);
    assert_eq!(again.code, 0, "{again:#?}");
    assert_eq!(project.thread(1)["sessions"].as_array().map(Vec::len), Some(2));
    project.assert_records_are_whole();
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing_but(&[]);
}

/// Ctrl-C cancels: 130, interrupted by a person, and the tool is gone.
///
/// Mutant: `Cancel` without `session.cancel` (the tool goes on).
#[test]
fn an_interrupt_cancels_the_turn_and_its_tools() {
    let project = Project::new(&["@bash sleep 4761\n@text never"]);
    let running = project.start(1, &[]);
    wait_until("the tool", PATIENCE, || !project.processes_with("sleep 4761").is_empty());
    running.signal(Signal::SIGINT);
    let output = running.output();
    assert_eq!(output.code, 130, "{output:#?}");
    let attempt = project.attempt(1);
    assert_eq!(attempt["status"], "interrupted");
    assert_eq!(attempt["interruptedBy"], "cancelled by a person");
    assert_eq!(attempt["exitCode"], 130);
    assert!(project.processes_with("sleep 4761").is_empty());
    let logs = project.work(["logs", "01.01.01"]).ok();
    assert!((logs.stdout + &logs.stderr).contains("cancelled by a person"));
}

/// Each kind of failure has its record, its exit code and its word; the next model is tried where that
/// can help, as an attempt of its own.
#[test]
fn failures_are_told_as_what_they_are() {
    let project = Project::new(&["@text hello", "@hang", "@bash sleep 4771\n@text x"]);
    project.settings("stallTimeout: 2s\n");
    let kinds = |thread: u8| -> Vec<String> {
        let sessions = project.thread(thread)["sessions"].clone();
        let kind = |one: &Value| one["error"]["kind"].as_str().unwrap_or("none").to_owned();
        sessions.as_array().expect("sessions").iter().map(kind).collect()
    };
    let mut seen = 0;
    for (models, code, expected) in [
        ("scripted/fail-401", 1, vec!["auth"]),
        ("scripted/fail-400", 1, vec!["provider"]),
        ("scripted/okk", 1, vec!["model-unknown"]),
        ("scripted/okk, scripted/nope, scripted/ok", 1, vec!["model-unknown", "model-unknown", "none"]),
        ("scripted/fail-401, scripted/ok", 1, vec!["auth"]),
    ] {
        project.agents(models);
        let output = project.execute(1, &[]);
        assert_eq!(output.code, code, "{models}: {output:#?}");
        let all = kinds(1);
        assert_eq!(all[seen..], expected, "{models}: {output:#?}");
        seen = all.len();
        if expected == ["model-unknown"] {
            assert!(output.stderr.contains("scripted/ok"), "did you mean: {output:#?}");
        }
        if expected.last() == Some(&"none") {
            assert!(output.stderr.contains("trying the next model"), "{output:#?}");
        }
    }
    project.agents("scripted/ok");
    let output = project.execute(2, &[]);
    assert_eq!((output.code, kinds(2)), (1, vec!["stalled".to_owned()]), "{output:#?}");
    // A limit on the turn holds while a tool runs. Settings are read when the supervisor starts.
    project.settings("turnTimeout: 3s\n");
    project.work(["supervisor", "stop"]).ok();
    let output = project.execute(3, &[]);
    assert_eq!((output.code, kinds(3)), (1, vec!["timed-out".to_owned()]), "{output:#?}");
    assert!(project.processes_with("sleep 4771").is_empty());
    project.assert_records_are_whole();
}

/// A provider that is too busy for longer than opencode tries: the next model, in an attempt of its own.
#[test]
fn a_rate_limit_leads_to_the_next_model() {
    let project = Project::new(&["@text hello"]);
    project.agents("scripted/limited, scripted/ok");
    // Retried by opencode for as long as the server says; an hour is more than anybody waits.
    let config = fs::read_to_string(project.model().config()).expect("a configuration");
    let mut config: Value = serde_json::from_str(&config).expect("JSON");
    let models = &mut config["provider"]["scripted"]["models"];
    models["limited"] = models["ok"].clone();
    models["limited"]["name"] = "limited".into();
    #[expect(clippy::disallowed_methods, reason = "nobody reads it yet")]
    fs::write(project.model().config(), config.to_string()).expect("written");
    let plan = project.read("work/001-test/PLAN.md").expect("a plan");
    project.env.write(
        "repo/work/001-test/PLAN.md",
        plan.replace("@text hello", "@status 429 retry-after=3600 times=1\n@text hello"),
    );
    project.work(["approve", "plan", "--yes"]).ok();
    let output = project.execute(1, &[]);
    let sessions = project.thread(1)["sessions"].clone();
    assert_eq!(sessions[0]["error"]["kind"], "rate-limit", "{output:#?} {sessions:#}");
    assert_eq!(sessions.as_array().map(Vec::len), Some(2), "{output:#?} {sessions:#}");
    assert!(output.stderr.contains("trying the next model"), "{output:#?}");
    project.assert_records_are_whole();
}

/// Programs that call themselves opencode and are not what they should be: exit code 6 or 1, on record.
#[test]
fn a_broken_opencode_is_told_and_recorded() {
    let listening = "echo 'opencode server listening on http://127.0.0.1:1'\nexec sleep 4781";
    for (body, code, kind) in
        [("echo 'no such command' >&2; exit 3", 6, "agent-missing"), (listening, 6, "server-unreachable")]
    {
        let project = Project::with_fake(&["@text hello"], body);
        let output = project.execute(1, &[]);
        let attempt = project.attempt(1);
        assert_eq!(attempt["error"]["kind"], kind, "{output:#?} {attempt:#}");
        assert!([code, 1].contains(&output.code), "{output:#?}");
        assert_eq!(attempt["exitCode"], output.code);
        assert!(project.processes_with("sleep 4781").is_empty());
        project.work(["supervisor", "stop"]).ok();
        project.wait_for_nothing_but(&[]);
        project.assert_records_are_whole();
    }
}

/// A permission is refused with a reason when nobody is there, and the turn goes on.
#[test]
fn a_permission_is_refused_and_the_turn_goes_on() {
    let project = Project::new(&["@write ../outside.txt no\n@text I went on."]);
    let output = project.execute(1, &[]);
    assert!(output.stdout.contains("I went on."), "{output:#?}");
    assert!(!project.env.root().join("outside.txt").exists());
    let logs = project.work(["logs", "01.01.01"]).ok();
    assert!((logs.stdout + &logs.stderr).contains("nobody is there to allow it"));
    assert_eq!(project.attempt(1)["status"], "completed");
}

/// A client that is stopped while its agent speaks: the turn goes on, and the client hears its end.
#[test]
fn a_stopped_client_stops_nothing() {
    let project = Project::new(&[
        "@chunk-delay 5ms\n@text one two three four five six seven eight\n@bash work update --task 01 --status completed\n@text done",
    ]);
    let running = project.start(1, &[]);
    project.wait_for_status(1, "running", PATIENCE);
    running.signal(Signal::SIGSTOP);
    project.wait_for_status(1, "completed", PATIENCE);
    running.signal(Signal::SIGCONT);
    let output = running.output();
    assert_eq!(output.code, 0, "{output:#?}");
    assert!(output.stdout.contains("done"));
}

/// In a terminal: the agent's own UI opens on the session; closed, the same turn goes on as text, where
/// Ctrl-C cancels it; a UI that is open when the turn ends stays for the person.
#[test]
fn the_agents_own_ui_comes_and_goes() {
    let project = Project::new(&[
        "@text Thinking aloud.\n@hang",
        "@text All is said.\n@bash work update --task 01 --status completed\n@text Over.",
    ]);
    let repo = project.repo();
    let open = |thread: u8| {
        let line = format!(
            "trap : INT; {} execute --thread 01.01.{thread:02} --mode tui; echo exit=$? > code{thread}; exec sleep 4791",
            env!("CARGO_BIN_EXE_work")
        );
        let folder = repo.to_string_lossy();
        let args = ["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "30", "-s"];
        let name = format!("s{thread}");
        let rest = [name.as_str(), "-c", &folder, "--", "sh", "-c", &line];
        project.env.tmux(args.iter().chain(&rest)).ok();
    };
    let shows = |thread: u8, word: &str| {
        project.env.tmux(["capture-pane", "-p", "-t", &format!("=s{thread}:")]).stdout.contains(word)
    };
    let press = |thread: u8, key: &str| {
        drop(project.env.tmux(["send-keys", "-t", &format!("=s{thread}:"), key]).ok());
    };

    open(1);
    wait_until("the UI", PATIENCE, || shows(1, "ctrl+p commands"));
    assert_eq!(project.processes_with(" attach ").len(), 1);
    press(1, "C-c");
    wait_until("the plain stream", PATIENCE, || shows(1, "the turn goes on here"));
    assert_eq!(project.thread_status(1), "running", "leaving the UI ends nothing");
    press(1, "C-c");
    wait_until("its end", PATIENCE, || project.read("code1").is_some());
    assert_eq!(project.read("code1").as_deref(), Some("exit=130\n"));
    assert_eq!(project.attempt(1)["interruptedBy"], "cancelled by a person");

    open(2);
    project.wait_for_status(2, "completed", PATIENCE);
    wait_until("the UI", PATIENCE, || shows(2, "ctrl+p commands"));
    assert!(project.read("code2").is_none(), "it stays for the person");
    press(2, "C-c");
    wait_until("its end", PATIENCE, || project.read("code2").is_some());
    assert_eq!(project.read("code2").as_deref(), Some("exit=0\n"));
    project.env.tmux(["kill-server"]).ok();
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing_but(&[]);
}
