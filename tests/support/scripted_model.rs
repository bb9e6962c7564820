//! The scripted model server as a process that ends with the test.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use work::sys::process;

use super::http::Http;
use super::wait::{wait_for, wait_until};

/// A running server. It ends when this is dropped, and when the test's process ends in any way.
#[derive(Debug)]
pub(crate) struct ScriptedModel {
    http: Http,
    child: Child,
    held: Option<ChildStdin>,
    folder: TempDir,
}

impl ScriptedModel {
    /// Starts a server on a free port, and waits until it is ready.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut command = process::command(program());
        command.arg("--until-stdin-closes").arg("--config-out").arg(folder.path().join("opencode.json"));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("scripted-model starts");
        let held = child.stdin.take();
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its standard output");
        BufReader::new(stdout).read_line(&mut line).expect("the ready line");
        let url = line.split_whitespace().last().filter(|word| word.starts_with("http://"));
        let http = Http::new(url.unwrap_or_else(|| panic!("no ready line, but `{line}`")));
        Self { http, child, held, folder }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        self.http.base()
    }

    /// An `opencode.json` with the provider `scripted`.
    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("opencode.json")
    }

    /// All requests so far, in the order of arrival.
    #[track_caller]
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.listed("")
    }

    /// The requests of one opencode session.
    #[track_caller]
    pub(crate) fn requests_of(&self, session: &str) -> Vec<Value> {
        self.listed(&format!("?session={session}"))
    }

    /// The first request whose messages contain `text`, once there is one.
    #[track_caller]
    pub(crate) fn wait_for_request(&self, text: &str) -> Value {
        let query = format!("?contains={}", escaped(text));
        let what = format!("a request with `{text}`");
        wait_for(&what, Duration::from_secs(30), || self.listed(&query).into_iter().next())
    }

    /// Waits until the last request of a session has come to `state`: `open`, `complete`, `cut`,
    /// `client-gone`, `refused 401`.
    #[track_caller]
    pub(crate) fn wait_for_state(&self, session: &str, state: &str) {
        wait_until(&format!("the state `{state}`"), Duration::from_secs(30), || {
            self.requests_of(session).last().is_some_and(|request| request["state"] == state)
        });
    }

    /// Forgets all requests.
    #[track_caller]
    pub(crate) fn forget(&self) {
        self.http.send(Method::DELETE, "/_requests", None).expect("an answer to DELETE");
    }

    /// Its routes, for a test that asks the model itself.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Says on standard error what was asked, when a test has failed.
    fn tell(&self) {
        let asked = self.http.send(Method::GET, "/_requests", None).map(|answer| answer.json);
        for request in asked.iter().flat_map(|list| list.as_array().into_iter().flatten()) {
            let field = |name: &str| request[name].as_str().unwrap_or("-").to_owned();
            let (session, model) = (field("session"), field("model"));
            let _ =
                writeln!(io::stderr(), "asked by {session}, {model}: {}, {}", field("reply"), field("state"));
        }
    }

    #[track_caller]
    fn listed(&self, query: &str) -> Vec<Value> {
        match self.http.get(&format!("/_requests{query}")).json {
            Value::Array(requests) => requests,
            other => panic!("no list of requests, but {other}"),
        }
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell();
        }
        drop(self.held.take());
        // The end of its input is the end of the server; a wait that fails has nobody to wait for.
        let _ = self.child.wait();
    }
}

/// The program, which `cargo test` builds as an example beside the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("the path of this test");
    let target = tests.parent().and_then(Path::parent).expect("the folder of the build");
    let program = target.join("examples").join("scripted-model");
    assert!(
        program.exists(),
        "`{}` is missing: run `cargo build --example scripted-model`",
        program.display()
    );
    program
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
