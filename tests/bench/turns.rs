//! Turns of the real opencode with the scripted model behind it, through `work` and without it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use work::sys::process;

use super::measure::{Runs, median};
use super::table::{Row, mib, ms};
use super::{background, processes};
use crate::support::env::TestEnv;
use crate::support::opencode;
use crate::support::scripted_model::ScriptedModel;
use crate::support::streams;

/// How many threads the batch has.
const THREADS: usize = 8;
/// How many turns are timed each way.
const TURNS: usize = 25;
/// What a thread has to do: its agent says one word.
pub(crate) const TRIVIAL: &str = "```script\n@text Done.\n```\n\n";

/// A batch from nothing, a batch with all warm, and single turns.
pub(crate) fn rows() -> Vec<Row> {
    let model = ScriptedModel::start();
    let mut env = TestEnv::new();
    for (name, value) in opencode::environment(env.root(), &model.config()) {
        if !["HOME", "PATH"].contains(&name) && !name.starts_with("XDG") {
            env.set(name, value);
        }
    }
    env.set("WORK_OPENCODE", opencode::program());
    let dir = streams::approved(&env, &streams::plan(1, 1, THREADS, 1, TRIVIAL));
    let agents =
        "agents:\n  - name: default\n    description: A\n    best_for: B\n    models: [scripted/ok]\n";
    work::sys::atomic::write_atomic(&dir.with_file_name("agents.yaml"), agents.as_bytes()).expect("written");

    let mut rows = vec![batch(&env, "batch of 8 threads, from nothing")];
    rows.push(batch(&env, "batch of 8 threads, opencode running"));
    rows.extend(single(&env));
    let supervisor = env.repo_dir().join(".git/work/supervisor.json");
    let supervisor: Value = serde_json::from_slice(&fs::read(supervisor).expect("it runs")).expect("JSON");
    if let Some(pid) = supervisor["pid"].as_u64().or(supervisor["owner"]["pid"].as_u64()) {
        rows.push(background::idle("supervisor with opencode, idle", u32::try_from(pid).expect("a pid")));
    }
    env.work(["supervisor", "stop"]).ok();
    // As people have it: with the catalogue that is built into opencode.
    env.unset("OPENCODE_MODELS_PATH");
    let mut warm = Runs::default();
    for number in 0..=TURNS / 3 {
        let (end, _) = through_work(&env, &[]);
        if number > 0 {
            warm.wall.push(end);
        }
    }
    rows.push(Row::of(
        "with opencode's own catalogue: warm turn, `work execute` to the end of the turn",
        &warm,
    ));
    rows.push(cold(&env, "with opencode's own catalogue: `opencode run`, cold", median(&warm.wall), 20));
    env.work(["supervisor", "stop"]).ok();
    rows
}

/// The program started for one prompt, beside our warm turn: it must be so many times slower.
fn cold(env: &TestEnv, what: &str, ours: Duration, wanted: u32) -> Row {
    let repo = env.repo_dir();
    let prompt = env.work(["prompt", "--thread", "01.01.01"]).ok().stdout;
    let mut cold = Runs::default();
    for _ in 0..3 {
        let mut command = env.command(opencode::program());
        command
            .args(["run", "--model", "scripted/ok", "--title", "A run", &prompt])
            .env("PWD", &repo)
            .current_dir(&repo);
        let begun = Instant::now();
        let output = process::run(command, None, Duration::from_secs(120)).expect("a run");
        cold.wall.push(begun.elapsed());
        assert!(output.status.success(), "{}", output.error_text());
    }
    let faster = median(&cold.wall).as_secs_f64() / ours.as_secs_f64();
    Row::of(what, &cold)
        .ratio(format!("{faster:.1} × our warm turn"))
        .wanted(format!("≥ {wanted} ×"), faster >= f64::from(wanted))
}

/// `work multi` to the end of its turns, and the memory of all that then is there.
fn batch(env: &TestEnv, what: &str) -> Row {
    let begun = Instant::now();
    let output = env.work(["multi", "--batch", "01.01", "--window", "stream", "--wait", "--json"]);
    let took = begun.elapsed();
    let document: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    for thread in document["threads"].as_array().expect("threads") {
        assert!(thread["outcome"].to_string().contains("completed"), "{thread}");
    }
    let found = processes::by_name(&env.processes());
    let sum = |is: &dyn Fn(&str) -> bool| {
        found.iter().filter(|(name, _)| is(name)).fold((0, 0), |a, (_, b)| (a.0 + b.0, a.1 + b.1))
    };
    let (works, ours) = sum(&|name| name.starts_with("work"));
    let (_, tmux) = sum(&|name| name.starts_with("tmux"));
    let (_, agents) = sum(&|name| !name.starts_with("work") && !name.starts_with("tmux"));
    let memory = format!("{works} × work {}, tmux {}, opencode {}", mib(ours), mib(tmux), mib(agents));
    // The windows wait for a person; the next batch opens new ones.
    let attach: Vec<&str> =
        document["attach"].as_array().expect("a command").iter().filter_map(Value::as_str).collect();
    let socket = attach.iter().position(|word| *word == "-S").map(|at| attach[at + 1]).expect("a socket");
    env.tmux_on(Path::new(socket), ["kill-server"]).ok();
    Row::new(what, ms(took)).memory(memory)
}

/// A warm turn in a new session, each way in turns; and `opencode run`.
fn single(env: &TestEnv) -> Vec<Row> {
    let repo = env.repo_dir();
    let prompt = env.work(["prompt", "--thread", "01.01.01"]).ok().stdout;
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let raw = Raw::new(&repo);
    let (mut ended, mut gone, mut raws) = (Runs::default(), Runs::default(), Runs::default());
    for number in 0..TURNS {
        let (end, exit) = through_work(env, &[]);
        let direct = tokio.block_on(raw.turn(&prompt));
        // The first of each warms up what is not warm yet.
        if number > 0 {
            ended.wall.push(end);
            gone.wall.push(exit);
            raws.wall.push(direct);
        }
    }
    let (ours, exit, raw) = (median(&ended.wall), median(&gone.wall), median(&raws.wall));
    let times = |time: Duration| time.as_secs_f64() / raw.as_secs_f64();
    vec![
        Row::of("warm turn, `work execute` to the end of the turn", &ended)
            .ratio(format!("{:.2} × (+ {})", times(ours), ms(ours.saturating_sub(raw))))
            .wanted("≤ 1.05 ×", times(ours) <= 1.05),
        Row::of("warm turn, `work execute` to its exit", &gone).ratio(format!(
            "{:.2} × (+ {})",
            times(exit),
            ms(exit.saturating_sub(raw))
        )),
        Row::of("warm turn, raw HTTP calls", &raws),
        cold(env, "`opencode run`, cold", ours, 10),
    ]
}

/// A turn by `work execute`: the time to the message that it has ended, and to the exit.
pub(crate) fn through_work(env: &TestEnv, more: &[&str]) -> (Duration, Duration) {
    let mut command = env.command(env!("CARGO_BIN_EXE_work"));
    command.args(["execute", "--thread", "01.01.01", "--mode", "plain", "--json"]).args(more);
    command.current_dir(env.repo_dir()).stdout(Stdio::piped()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut ended = None;
    let mut said = Vec::new();
    for line in lines.map_while(Result::ok) {
        if line.contains(r#""turn":"ended""#) {
            assert!(line.contains("completed"), "{line}");
            ended.get_or_insert(begun.elapsed());
        }
        said.push(line);
    }
    child.wait().expect("its end");
    (ended.unwrap_or_else(|| panic!("no end of the turn in {said:#?}")), begun.elapsed())
}

/// The same server without `work`: its address and password are in the supervisor's own record.
struct Raw {
    client: reqwest::Client,
    url: String,
    password: String,
    directory: String,
}

impl Raw {
    fn new(repo: &Path) -> Self {
        let servers = fs::read_dir(repo.join(".git/work/servers")).expect("a server").flatten();
        let record = servers.map(|entry| fs::read(entry.path()).expect("a record")).next().expect("a record");
        let record: Value = serde_json::from_slice(&record).expect("JSON");
        let text = |name: &str| record["server"][name].as_str().expect("text").to_owned();
        // Who installed one before has the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (url, password) = (text("url"), text("password"));
        Self { client, url, password, directory: repo.to_string_lossy().into_owned() }
    }

    fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.with(self.client.post(format!("{}{path}", self.url)))
    }

    fn with(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request.basic_auth("opencode", Some(&self.password)).header("x-opencode-directory", &self.directory)
    }

    /// Makes a session, opens the stream of events, prompts, and waits until the session rests.
    async fn turn(&self, prompt: &str) -> Duration {
        let begun = Instant::now();
        let made = self.request("/session").json(&json!({ "title": "Raw" })).send().await.expect("an answer");
        let made: Value = serde_json::from_slice(&made.bytes().await.expect("a body")).expect("JSON");
        let session = made["id"].as_str().expect("an id");
        let events = self.with(self.client.get(format!("{}/event", self.url))).send().await.expect("events");
        let mut events = events.bytes_stream();
        let body = json!({
            "model": { "providerID": "scripted", "modelID": "ok" },
            "parts": [{ "type": "text", "text": prompt }],
        });
        let path = format!("/session/{session}/prompt_async");
        let taken = self.request(&path).json(&body).send().await.expect("an answer");
        assert!(taken.status().is_success(), "{}", taken.status());
        let mut seen = String::new();
        while let Some(Ok(bytes)) = events.next().await {
            seen.push_str(&String::from_utf8_lossy(&bytes));
            let idle = |line: &str| line.contains("\"session.idle\"") && line.contains(session);
            if seen.lines().any(idle) {
                return begun.elapsed();
            }
        }
        panic!("the stream of events ended: {seen}");
    }
}
