//! Agents on an opencode server that somebody else keeps: another real opencode, in another folder, with a
//! password. It is spoken to, and otherwise left alone.

use std::fs;
use std::path::Path;

use serde_json::Value;
use work::sys::process::Signal;

use crate::support::acp_project;
use crate::support::http::Http;
use crate::support::opencode::{Place, Server};
use crate::support::project::Project;
use crate::support::scripted_model::ScriptedModel;
use crate::support::terminal::Terminal;
use crate::support::tls::{self, Tls};
use crate::support::wait::{PATIENCE, wait_for, wait_until};

const SECRET: &str = "pear-tree-4711";

/// `opencode:pear-tree-4711` in base 64, as HTTP wants it.
const AUTHORIZATION: &str = "Basic b3BlbmNvZGU6cGVhci10cmVlLTQ3MTE=";

/// The other machine.
struct Far {
    server: Server,
    http: Http,
    place: Place,
    model: ScriptedModel,
}

impl Far {
    fn start() -> Self {
        let model = ScriptedModel::start();
        let place = Place::new(&model);
        let mut server = place.serve(&[("OPENCODE_SERVER_PASSWORD", SECRET)]);
        server.http = server.http.clone().with_header("authorization", AUTHORIZATION);
        let http = server.http.clone();
        Self { server, http, place, model }
    }

    fn is_well(&self) -> bool {
        self.http.send(reqwest::Method::GET, "/global/health", None).is_ok_and(|answer| answer.status == 200)
    }

    /// `agents.yaml` with an agent on it.
    fn agents(&self, project: &Project, more: &str) {
        self.agents_at(self.http.base(), project, more);
    }

    /// The same, for an address that leads to it.
    fn agents_at(&self, url: &str, project: &Project, more: &str) {
        let text = format!(
            "agents:\n  - name: default\n    models: [scripted/ok]\n    server: {url}\n    directory: '{}'\n{more}",
            self.place.project().display()
        );
        project.env.write("repo/work/agents.yaml", text);
    }
}

const PASSWORD: &str = "    server_password_env: FAR_PASSWORD\n";

fn project(scripts: &[&str]) -> Project {
    let mut project = Project::new(scripts);
    project.env.set("FAR_PASSWORD", SECRET);
    project
}

/// The files below a folder that hold the secret.
fn holding(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if fs::read(&path).is_ok_and(|bytes| {
                bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes())
                    || bytes.windows(20).any(|part| part == &AUTHORIZATION.as_bytes()[6..26])
            }) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

/// The secret on the command lines of all processes; in environments it has to be.
fn on_command_lines() -> bool {
    let entries = fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.into_iter().any(|line| String::from_utf8_lossy(&line).contains(SECRET))
}

/// Tried mutant: the folder here goes over there.
#[test]
fn a_thread_runs_on_a_server_that_is_not_ours_and_leaves_it_alone() {
    let project = project(&["@bash pwd > where.txt\n@text The word is heron."]);
    let far = Far::start();
    far.agents(&project, PASSWORD);
    let done = project.execute(1, &[]);
    assert!(done.stdout.contains("The word is heron."), "{done:#?}");
    let wrote = fs::read_to_string(far.place.project().join("where.txt")).expect("over there");
    assert_eq!(wrote.trim(), far.place.project().display().to_string());
    let attempt = project.attempt(1);
    let session = attempt["sessionId"].as_str().expect("an id").to_owned();
    assert_eq!(far.http.get(&format!("/session/{session}")).json["id"], session.as_str());
    assert_eq!((&attempt["backend"], &attempt["status"]), (&"opencode".into(), &"completed".into()));
    assert!(attempt["usage"]["input"].as_u64().is_some_and(|tokens| tokens > 0), "{attempt:#}");
    assert!(project.model().requests().is_empty(), "nothing was asked here");
    assert!(project.processes_with("serve").is_empty(), "no server was started here");

    let again = project.execute(1, &["--resume", "--message", "```script\n@text Again.\n```"]);
    assert!(again.stdout.contains("Again."), "{again:#?}");
    let request = far.model.requests_of(&session).pop().expect("a request");
    assert!(request["messages"].to_string().contains("heron"), "{request:#}");

    let status = project.work(["supervisor", "status", "--json"]).ok().json();
    let listed = &status["status"]["agents"][0];
    assert_eq!((&listed["url"], &listed["pid"]), (&far.http.base().into(), &Value::Null), "{status:#}");
    let person = Terminal::open(&project.env, &project.repo(), (120, 40), "work session attach 1.1.1");
    let shown = person.shows("Again.");
    assert!(shown.contains(&far.place.project().display().to_string()), "{shown}");
    assert!(!on_command_lines());
    drop(person);
    project.work(["supervisor", "stop"]).ok();
    project.wait_for_nothing();
    assert!(far.is_well(), "it still runs");
    assert_eq!(holding(project.env.root()), [] as [String; 0], "the secret is in a file");
    project.assert_records_are_whole();
}

#[test]
fn what_is_wrong_with_the_server_is_told_with_its_address() {
    let mut project = project(&["@text never"]);
    let far = Far::start();
    let url = far.http.base().to_owned();
    let fails = |project: &Project, words: &[&str]| {
        let failed = project.execute(1, &[]);
        assert_eq!(failed.code, 6, "{failed:#?}");
        let error = project.attempt(1)["error"].clone();
        assert_eq!(error["kind"], "server-unreachable", "{error:#}");
        for word in words.iter().chain([&url.as_str()]) {
            assert!(
                error["message"].as_str().is_some_and(|text| text.contains(word)),
                "`{word}` in {error:#}"
            );
        }
    };
    far.agents(&project, "");
    fails(&project, &["refuses our password"]);
    far.agents(&project, "    server_password_env: NOT_SET\n");
    fails(&project, &["`NOT_SET`", "work supervisor stop"]);
    project.work(["supervisor", "stop"]).ok();
    project.env.set("FAR_PASSWORD", "another");
    far.agents(&project, PASSWORD);
    fails(&project, &["refuses our password"]);
    project.work(["supervisor", "stop"]).ok();
    project.env.set("FAR_PASSWORD", SECRET);
    far.agents(&project, PASSWORD);
    assert!(project.execute(1, &[]).stdout.contains("never"), "the very same project works");
    let Far { server, place: _place, model: _model, .. } = far;
    drop(server);
    fails(&project, &[]);
    assert!(project.processes_with("serve").is_empty(), "no server was started here");
}

/// A thread whose turn runs over there is cancelled over there.
#[test]
fn a_turn_over_there_can_be_cancelled() {
    let project = project(&["@text Begun.\n@hang"]);
    let far = Far::start();
    far.agents(&project, PASSWORD);
    let running = project.start(1, &[]);
    wait_until("its words", PATIENCE, || project.work(["logs", "1.1.1"]).stdout.contains("Begun."));
    let session = project.attempt(1)["sessionId"].as_str().expect("an id").to_owned();
    project.work(["session", "cancel", "1.1.1"]).ok();
    assert_eq!(running.output().code, 130);
    assert_eq!(project.attempt(1)["status"], "interrupted");
    let busy = far.http.get("/session/status").json;
    assert!(busy.get(&session).is_none_or(|status| status["type"] == "idle"), "{busy:#}");
    assert!(far.is_well());
}

/// A turn over there whose command and supervisor were killed is written off, and the next supervisor stops it there.
#[test]
fn a_turn_over_there_that_nobody_follows_is_stopped() {
    let project = project(&["@text Begun.\n@hang"]);
    let far = Far::start();
    far.agents(&project, PASSWORD);
    let running = project.start(1, &[]);
    let session = wait_for("its session over there to be busy", PATIENCE, || {
        let busy = far.http.get("/session/status").json;
        busy.as_object()?.iter().find(|(_, status)| status["type"] != "idle").map(|(id, _)| id.clone())
    });
    let supervisor = project.supervisor();
    running.signal(Signal::SIGKILL);
    acp_project::kill(supervisor);
    project.wait_for_status(1, "interrupted", PATIENCE);
    let busy = || far.http.get("/session/status").json.get(&session).is_some_and(|now| now["type"] != "idle");
    assert!(busy(), "it goes on");
    let mut next = project.spawn(&["supervisor", "run"]);
    wait_until("it to be stopped over there", PATIENCE, || !busy());
    project.work(["supervisor", "stop"]).ok();
    next.end();
    assert_eq!(project.attempt(1)["status"], "interrupted");
    assert!(far.is_well());
}

/// A server whose certificate nobody vouches for is not spoken to, and is not told the password.
///
/// Tried mutant: any certificate is taken.
#[test]
fn a_server_is_reached_by_https_when_its_certificate_is_good() {
    let mut project = project(&["@text The word is heron."]);
    let far = Far::start();
    let tls = Tls::before(far.http.base());
    far.agents_at(&tls.url(), &project, PASSWORD);
    let failed = project.execute(1, &[]);
    assert_eq!(failed.code, 6, "{failed:#?}");
    let message = project.attempt(1)["error"]["message"].as_str().expect("words").to_owned();
    assert!(message.contains(&tls.url()) && message.contains("certificate"), "{message}");
    project.work(["supervisor", "stop"]).ok();
    project.env.set("SSL_CERT_FILE", tls::authority());
    let done = project.execute(1, &[]);
    assert!(done.stdout.contains("The word is heron."), "{done:#?}");
}
