//! ACP agents behind a launcher: `ssh` to a real sshd on the loopback, and `env`. What runs behind it is found
//! by what it was told: it has nothing else of ours.

use serde_json::Value;

use crate::support::acp_project::{agents, child, count, project, qwen, received, script, scripted, warm};
use crate::support::project::Project;
use crate::support::sshd::Sshd;
use crate::support::wait::{PATIENCE, wait_until};

/// An entry of `agents.yaml` with a launcher.
fn behind(entry: &str, launcher: &str) -> String {
    format!("{entry}    launcher: {launcher}\n")
}

/// The failure of the last attempt.
fn error(project: &Project) -> Value {
    project.attempt(1)["error"].clone()
}

/// Every word of every process's command line.
fn command_lines() -> String {
    let entries = std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_agent_behind_ssh_works_as_one_that_is_here() {
    let folder = "it's a $HOME";
    let told =
        "@bash pwd\n@env WORK_THREAD\n@env WORK_STREAM\n@env WORK_ROOT\n@env ODD\n@text The word is heron.";
    let project = project(&[told]);
    let sshd = Sshd::start(&project.env);
    // The same repository under another path, as it may be on another machine.
    let there = project.env.root().join(folder);
    std::os::unix::fs::symlink(project.repo(), &there).expect("a link");
    let more = format!(
        "    env: {{ ODD: \"x '$HOME' \\\\ y\" }}\n    directory: \"{}\"\n    launcher: {}\n",
        there.display(),
        sshd.launcher("far")
    );
    agents(&project, &[scripted(&project, "default", &more)]);
    let first = project.execute(1, &[]);
    for words in ["01.01.01", "001-test", "x '$HOME' \\ y", "heron", &there.display().to_string()] {
        assert!(first.stdout.contains(words), "`{words}` in {first:#?}");
    }
    let again = project.execute(1, &["--resume", "--message", &script("@recall")]);
    assert!(again.stdout.contains("heron") && !again.stderr.contains("starting"), "it was warm: {again:#?}");
    assert_eq!(count(&project, "default", "session/new"), 1);
    let new = received(&project, "default").into_iter().find(|message| message["method"] == "session/new");
    assert_eq!(new.expect("a session")["params"]["cwd"], there.display().to_string());
    let [one, _] = &project.attempts(1)[..] else { panic!("two attempts") };
    assert_eq!(one["directory"], project.repo().display().to_string(), "the folder here: {one:#}");
    let all = warm(&project);
    assert!(all[0]["what"].as_str().is_some_and(|what| what.starts_with("ssh -F")), "{all:#?}");
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing();
}

#[test]
fn what_an_agent_is_told_stands_on_no_command_line() {
    let project = project(&["@text ready\n@hang"]);
    let sshd = Sshd::start(&project.env);
    let secret = format!("value-{}", std::process::id());
    let entry = scripted(&project, "default", &format!("    env: {{ TOKEN: {secret} }}\n"));
    agents(&project, &[behind(&entry, &sshd.launcher("far"))]);
    let running = project.start(1, &[]);
    wait_until("the turn to run", PATIENCE, || count(&project, "default", "session/prompt") == 1);
    let lines = command_lines();
    assert!(lines.contains("scripted-acp"), "its own are seen");
    assert!(!lines.contains(&secret), "a variable stands on a command line");
    assert!(!lines.contains("WORK_SERVER="), "the marker stands on a command line");
    drop(running);
}

/// What ssh says is what is told, and that nothing was reached is no fault of the agent.
///
/// Tried mutant: code 255 is that of the agent.
#[test]
fn why_ssh_did_not_connect_is_told_in_its_own_words() {
    let project = project(&["@text never"]);
    let sshd = Sshd::start(&project.env);
    for (host, words) in [
        ("unknown", "Host key verification failed"),
        ("refused", "Permission denied (publickey"),
        ("nowhere.invalid", "Could not resolve hostname"),
    ] {
        agents(&project, &[behind(&scripted(&project, "default", ""), &sshd.launcher(host))]);
        let failed = project.execute(1, &[]);
        assert_eq!(failed.code, 6, "{failed:#?}");
        assert!(failed.stderr.contains(words), "{failed:#?}");
        let error = error(&project);
        assert_eq!(error["kind"], "server-unreachable", "{error:#}");
    }
    let missing =
        "  - name: default\n    backend: acp\n    command: [no-such-agent, --acp]\n    models: [a/b]\n";
    agents(&project, &[behind(missing, &sshd.launcher("far"))]);
    let failed = project.execute(1, &[]);
    assert!(failed.stderr.contains("no-such-agent: not found"), "{failed:#?}");
    assert_eq!(error(&project)["kind"], "agent-missing", "{:#}", error(&project));
    // The folder is not there either.
    let entry = scripted(&project, "default", "    directory: /no/such/folder\n");
    agents(&project, &[behind(&entry, &sshd.launcher("far"))]);
    let failed = project.execute(1, &[]);
    assert!(failed.stderr.contains("/no/such/folder"), "{failed:#?}");
    // The launcher itself is missing: nothing begins.
    agents(&project, &[behind(&scripted(&project, "default", ""), "[no-such-launcher, x]")]);
    let failed = project.execute(1, &[]);
    assert!(failed.code == 6 && failed.stderr.contains("`no-such-launcher"), "{failed:#?}");
}

/// Tried mutant: code 255 is that of the agent (`agent-crashed`).
#[test]
fn a_lost_connection_ends_the_turn_and_the_session_goes_on() {
    let project = project(&["@text The word is heron.\n@hang"]);
    let sshd = Sshd::start(&project.env);
    agents(&project, &[behind(&scripted(&project, "default", ""), &sshd.launcher("far"))]);
    let running = project.start(1, &[]);
    wait_until("the turn to run", PATIENCE, || count(&project, "default", "session/prompt") == 1);
    child(&project, "01.01.01");
    sshd.cut();
    let lost = running.output();
    assert_eq!(lost.code, 6, "{lost:#?}");
    assert_eq!(error(&project)["kind"], "server-unreachable", "{lost:#?}");
    wait_until("the agent over there to be gone", PATIENCE, || {
        project.processes_with("scripted-acp").is_empty()
    });
    let again = project.execute(1, &["--resume", "--message", &script("@recall")]);
    assert!(again.stdout.contains("heron"), "{again:#?}");
    let [one, two] = &project.attempts(1)[..] else { panic!("two attempts") };
    assert_eq!((&two["sessionId"], &two["resumedFrom"]), (&one["sessionId"], &1.into()));
    project.assert_records_are_whole();
}

/// A launcher that is no ssh gets its words one by one.
#[test]
fn any_program_can_be_a_launcher() {
    let project = project(&["@env FROM\n@env WORK_THREAD\n@text said"]);
    agents(&project, &[behind(&scripted(&project, "default", ""), "[env, FROM=launcher]")]);
    let done = project.execute(1, &[]);
    assert!(done.stdout.contains("launcher") && done.stdout.contains("01.01.01"), "{done:#?}");
}

/// The real qwen: its tools run over there, in the folder, and report from there.
#[test]
fn the_real_qwen_works_behind_ssh() {
    let work = env!("CARGO_BIN_EXE_work");
    let tool = |command: &str| {
        format!("@tool run_shell_command {{\"command\":\"{command}\",\"is_background\":false}}")
    };
    let report = tool(&format!("{work} update --task 01 --status completed --report done"));
    let told = format!("{}\n{report}\n@text all is done", tool("echo $WORK_THREAD > made.txt"));
    let project = Project::new(&[&told]);
    let sshd = Sshd::start(&project.env);
    let path = work::sys::env::raw("PATH").expect("a PATH").into_string().expect("text");
    // What a login over there finds is decided over there; here it has to find node.
    let entry = format!("{}      PATH: '{path}'\n", qwen(&project));
    agents(&project, &[behind(&entry, &sshd.launcher("far"))]);
    let done = project.execute(1, &["--agent", "qwen", "--permissions", "allow"]);
    assert!(done.stdout.contains("all is done"), "{done:#?}");
    assert_eq!(project.read("made.txt").as_deref(), Some("01.01.01\n"), "{done:#?}");
    assert_eq!(project.thread_status(1), "completed", "{done:#?}");
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing();
}
