//! The real opencode, pinned, in an environment of its own.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use work::sys::{env, process};

use super::http::Http;
use super::scripted_model::ScriptedModel;

/// How to get what is missing.
const INSTALL: &str = "run `npm install --no-save --prefix tests/agents` in the project's folder";

/// The pinned program.
///
/// # Panics
/// When it is not installed, or is another version than the pinned one.
#[track_caller]
pub(crate) fn program() -> PathBuf {
    let agents = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("agents");
    let modules = agents.join("node_modules");
    let pinned = json_field(&agents.join("package.json"), "/dependencies/opencode-ai");
    let installed = json_field(&modules.join("opencode-ai").join("package.json"), "/version");
    assert!(installed.is_some(), "opencode is not installed for the tests: {INSTALL}");
    assert_eq!(installed, pinned, "another opencode is installed than is pinned: {INSTALL}");
    // Where npm ran no install scripts, `.bin/opencode` is a note that says so. The program is
    // there all the same.
    let platform = format!("opencode-{}-{}", npm_os(), npm_arch());
    let places = [modules.join(".bin/opencode"), modules.join(platform).join("bin/opencode")];
    let is_program = |path: &PathBuf| fs::metadata(path).is_ok_and(|data| data.len() > 1_000_000);
    places.into_iter().find(is_program).unwrap_or_else(|| panic!("opencode is not whole: {INSTALL}"))
}

fn json_field(file: &Path, pointer: &str) -> Option<String> {
    let json: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    json.pointer(pointer)?.as_str().map(str::to_owned)
}

fn npm_os() -> &'static str {
    if cfg!(target_os = "macos") { "darwin" } else { "linux" }
}

fn npm_arch() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" }
}

/// The variables that opencode gets, and no others: its home and everything that it writes lie
/// below `root`, and it asks no network. `config` is the user's configuration file.
pub(crate) fn environment(root: &Path, config: &Path) -> Vec<(&'static str, OsString)> {
    let home = root.join("home");
    let catalogue = root.join("models.json");
    let inside = |name: &str| home.join(name).into_os_string();
    fs::create_dir_all(&home).expect("a home");
    #[expect(clippy::disallowed_methods, reason = "a new file of this test")]
    fs::write(&catalogue, "{}").expect("an empty catalogue of models");
    vec![
        ("PATH", env::raw("PATH").unwrap_or_default()),
        ("XDG_CONFIG_HOME", inside(".config")),
        ("XDG_DATA_HOME", inside(".local/share")),
        ("XDG_STATE_HOME", inside(".local/state")),
        ("XDG_CACHE_HOME", inside(".cache")),
        ("HOME", home.into_os_string()),
        ("OPENCODE_CONFIG", config.into()),
        ("OPENCODE_MODELS_PATH", catalogue.into_os_string()),
        ("OPENCODE_DISABLE_MODELS_FETCH", "1".into()),
        ("OPENCODE_DISABLE_AUTOUPDATE", "1".into()),
        ("npm_config_offline", "true".into()),
    ]
}

/// A project for opencode to work in, and its home beside it.
#[derive(Debug)]
pub(crate) struct Place {
    root: TempDir,
    config: PathBuf,
}

impl Place {
    /// An empty project, for agents that ask `model`.
    pub(crate) fn new(model: &ScriptedModel) -> Self {
        let root = TempDir::new().expect("a folder");
        fs::create_dir(root.path().join("project")).expect("a project");
        Self { root, config: model.config() }
    }

    /// The project's folder.
    pub(crate) fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    /// A file of the project; none when it is not there.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.project().join(name)).ok()
    }

    /// Writes a file beside the project, and says where.
    pub(crate) fn write_beside(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.path().join(name);
        #[expect(clippy::disallowed_methods, reason = "a new file of this test")]
        fs::write(&path, text).expect("a file");
        path
    }

    /// An opencode command, in the project.
    #[track_caller]
    pub(crate) fn command(&self) -> Command {
        let mut command = process::command(program());
        self.furnish(&mut command);
        command
    }

    fn furnish(&self, command: &mut Command) {
        command.env_clear().envs(environment(self.root.path(), &self.config));
        // `opencode run` goes where `PWD` says.
        command.current_dir(self.project()).env("PWD", self.project());
    }

    /// Starts `opencode serve`, and waits until it is ready.
    #[track_caller]
    pub(crate) fn serve(&self, more: &[(&str, &str)]) -> Server {
        let mut command = process::command("sh");
        self.furnish(&mut command);
        command.envs(more.iter().copied());
        command.args(["-c", WATCHED, "sh"]).arg(program()).args(["serve", "--port", "0"]);
        let log = self.root.path().join("serve.log");
        let errors = fs::File::create(&log).expect("a log");
        let mut watch =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).spawn().expect("sh starts");
        let held = watch.stdin.take();
        let mut lines = BufReader::new(watch.stdout.take().expect("its standard output")).lines();
        let pid = after(&mut lines, "pid ").parse().expect("a process id");
        let url = after(&mut lines, "opencode server listening on ");
        let project = self.project();
        let http = Http::new(&url).with_header("x-opencode-directory", &project.to_string_lossy());
        Server { http, pid, watch, held, log }
    }
}

/// Runs a program until our end of its input closes, which also happens when we are killed.
const WATCHED: &str = r#""$@" < /dev/null & echo "pid $!"; cat > /dev/null; kill "$!"; wait "$!""#;

/// The rest of the first line that begins with `prefix`.
#[track_caller]
fn after(lines: &mut Lines<BufReader<ChildStdout>>, prefix: &str) -> String {
    lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix(prefix).map(str::to_owned))
        .unwrap_or_else(|| panic!("no line began with `{prefix}`"))
}

/// A running `opencode serve`. It ends when this is dropped, and when the test's process ends in
/// any way.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its routes; every request names the project's folder.
    pub(crate) http: Http,
    /// Its process.
    pub(crate) pid: u32,
    watch: Child,
    held: Option<ChildStdin>,
    log: PathBuf,
}

impl Server {
    /// Creates a session, and returns its id. `fields` are added to the request.
    #[track_caller]
    pub(crate) fn session(&self, fields: &Value) -> String {
        let mut body = json!({ "title": "A test" });
        if let (Some(body), Some(fields)) = (body.as_object_mut(), fields.as_object()) {
            body.extend(fields.clone());
        }
        let answer = self.http.post("/session", &body);
        answer.json["id"].as_str().unwrap_or_else(|| panic!("no session, but {answer:?}")).to_owned()
    }

    /// Prompts a session and waits for the end of the turn: the last message, with its parts.
    #[track_caller]
    pub(crate) fn turn(&self, session: &str, model: &str, script: &str) -> Value {
        let answer = self.http.post(&format!("/session/{session}/message"), &prompt(model, script));
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json
    }

    /// Prompts a session and does not wait.
    #[track_caller]
    pub(crate) fn start_turn(&self, session: &str, model: &str, script: &str) {
        let answer = self.http.post(&format!("/session/{session}/prompt_async"), &prompt(model, script));
        assert_eq!(answer.status, 204, "{}", answer.json);
    }

    /// All parts of the session's messages from the model, in order.
    #[track_caller]
    pub(crate) fn parts(&self, session: &str) -> Vec<Value> {
        let messages = self.http.get(&format!("/session/{session}/message")).json;
        let messages = messages.as_array().cloned().unwrap_or_default();
        let said = messages.into_iter().filter(|message| message["info"]["role"] == "assistant");
        said.flat_map(|message| message["parts"].as_array().cloned().unwrap_or_default()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ends running turns and their tools, which a signal would leave behind. A server that
        // the test killed does not answer, and needs not.
        let http = self.http.clone().with_limit(Duration::from_secs(10));
        let _ = http.send(reqwest::Method::POST, "/global/dispose", None);
        drop(self.held.take());
        let _ = self.watch.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let _ = writeln!(io::stderr(), "opencode's standard error:\n{log}");
        }
    }
}

/// The text of a prompt that carries a script, as a thread's details would.
pub(crate) fn scripted(script: &str) -> String {
    format!("Please do the work.\n\n```script\n{script}\n```\n\nThank you.\n")
}

fn prompt(model: &str, script: &str) -> Value {
    json!({
        "model": { "providerID": "scripted", "modelID": model },
        "parts": [{ "type": "text", "text": scripted(script) }],
    })
}
