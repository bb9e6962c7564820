//! `--mode primary`: a thread's prompt goes into the conversation that a person has open.

use std::process::Stdio;

use serde_json::Value;

use crate::support::opencode;
use crate::support::project::Project;
use crate::support::running::Output;
use crate::support::terminal::Terminal;
use crate::support::wait::{PATIENCE, wait_until};

const THREAD: &str =
    "@bash work update --task 01 --status completed --report done\n@text Said for the thread.";

/// A conversation of the person's own, which `work` knows nothing of; its id.
fn own_session(project: &Project) -> String {
    let mut command = project.env.command(opencode::program());
    command.args(["run", "--format", "json", "--model", "scripted/ok", "--title", "My own"]);
    command.arg("My own words.\n```script\n@text Hello, person.\n```");
    let output = command.current_dir(project.repo()).env("PWD", project.repo()).stdin(Stdio::null()).output();
    let output = output.expect("opencode runs");
    assert!(output.status.success(), "{output:?}");
    let first: Value =
        serde_json::from_slice(output.stdout.split(|&byte| byte == b'\n').next().expect("a line"))
            .expect("JSON");
    first["sessionID"].as_str().expect("an id").to_owned()
}

fn primary(project: &Project, thread: u8, more: &[&str]) -> Output {
    let id = format!("01.01.{thread:02}");
    let args = ["execute", "--thread", &id, "--mode", "primary"];
    project.work(args.iter().chain(more))
}

/// What the person sees in opencode's own UI, live, is the turn of the thread; the model is told what was
/// said before; the record is of that session; and nothing goes in there beside a turn that runs.
///
/// Tried mutant: a session in which a turn runs is not found busy.
#[test]
fn the_prompt_goes_into_the_conversation_that_is_open() {
    let project = Project::new(&[THREAD, "@text Begun.\n@hang", "@text Never said."]);
    let nothing = primary(&project, 1, &[]);
    assert_eq!(nothing.code, 1, "{nothing:#?}");
    assert!(nothing.stderr.contains("no session is connected"), "{nothing:#?}");
    // The server is up before opencode is run beside it: an end of opencode that comes soon after its start
    // leaves a lock, for which the next one that starts waits for a minute.
    assert_eq!(project.work(["session", "connect", "--list"]).ok().stdout.trim(), "");
    let own = own_session(&project);
    let listed = project.work(["session", "connect", "--list"]).ok().stdout;
    assert!(listed.contains(&own) && listed.contains("My own"), "{listed}");
    let unknown = project.work(["session", "connect", "ses_nowhere"]);
    assert_eq!(unknown.code, 2, "{unknown:#?}");
    assert_eq!(project.work(["session", "connect"]).code, 2, "nobody can be asked");

    let chosen = Terminal::open(&project.env, &project.repo(), (120, 30), "work session connect");
    chosen.shows("which session");
    chosen.press(&["Enter"]);
    assert!(chosen.ends_with(0).contains(&format!("connected {own}")));
    let person = Terminal::open(&project.env, &project.repo(), (120, 40), "work session attach");
    person.shows("Hello, person.");
    let run = primary(&project, 1, &[]);
    assert_eq!(run.code, 0, "{run:#?}");
    person.shows("Said for the thread.");
    let attempt = project.attempt(1);
    assert_eq!((&attempt["sessionId"], &attempt["mode"]), (&own.as_str().into(), &"primary".into()));
    assert!(attempt["resumedFrom"].is_null(), "{attempt:#}");
    let request = project.model().requests_of(&own).pop().expect("a request");
    assert!(request["messages"].to_string().contains("My own words."), "{request:#}");

    let hanging = project.spawn(&["execute", "--thread", "1.1.2", "--mode", "primary"]);
    project.wait_for_status(2, "running", PATIENCE);
    wait_until("its words", PATIENCE, || project.work(["logs", "1.1.2"]).stdout.contains("Begun."));
    let refused = primary(&project, 3, &[]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert_eq!(project.attempt(3)["error"]["kind"], "session-busy");
    project.work(["session", "cancel", "1.1.2"]).ok();
    assert_eq!(hanging.output().code, 130);
    let both = primary(&project, 3, &["--resume"]);
    assert_eq!(both.code, 2, "{both:#?}");

    project.work(["session", "connect", "--none"]).ok();
    assert_eq!(primary(&project, 3, &[]).code, 1);
    assert!(
        project.model().requests_of(&own).iter().all(|request| !request.to_string().contains("Never said."))
    );
    let found = project.work(["validate", "sessions"]);
    assert_eq!(found.code, 0, "one conversation may serve several threads: {found:#?}");
}
