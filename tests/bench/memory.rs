//! What threads cost in memory: background jobs of `work`, beside one raw `opencode serve` with as many
//! sessions. Both are looked at while all their turns run.

use std::time::Duration;

use serde_json::json;

use super::processes;
use super::table::{Row, mib};
use crate::support::env::TestEnv;
use crate::support::opencode::{self, Place};
use crate::support::scripted_model::ScriptedModel;
use crate::support::streams;
use crate::support::wait::wait_until;

/// How many turns run at once.
const THREADS: usize = 8;
/// The model says a word, and then nothing more.
const SCRIPT: &str = "@text Begun.\n@hang";
/// How long all of them may take to begin.
const PATIENCE: Duration = Duration::from_secs(120);

/// Eight threads each way.
pub(crate) fn rows() -> Vec<Row> {
    let raw = raw();
    let ours = through_work();
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let times = ours as f64 / raw as f64;
    vec![
        Row::new("8 background threads by `work`, while they run", "")
            .memory(format!("{} now", mib(ours)))
            .ratio(format!("{times:.2} ×"))
            .wanted("≤ 1.2 ×", times <= 1.2),
        Row::new("raw `opencode serve` with 8 sessions, while they run", "")
            .memory(format!("{} now", mib(raw))),
    ]
}

/// Waits until the model has begun to answer this many prompts.
fn wait_for_all(model: &ScriptedModel) {
    let hangs = |request: &&serde_json::Value| {
        request["state"] == "open" && request["messages"].to_string().contains("@hang")
    };
    wait_until("all turns to run", PATIENCE, || model.requests().iter().filter(hangs).count() >= THREADS);
}

/// The memory of these processes, in KiB, what they share counted once.
fn memory(pids: &[u32]) -> u64 {
    processes::by_name(pids).values().map(|(_, kib)| kib).sum()
}

fn raw() -> u64 {
    let model = ScriptedModel::start();
    let place = Place::new(&model);
    let server = place.serve(&[]);
    let sessions: Vec<String> = (0..THREADS).map(|_| server.session(&json!({}))).collect();
    sessions.iter().for_each(|session| server.start_turn(session, "ok", SCRIPT));
    wait_for_all(&model);
    memory(&[server.pid])
}

fn through_work() -> u64 {
    let model = ScriptedModel::start();
    let mut env = TestEnv::new();
    for (name, value) in opencode::environment(env.root(), &model.config()) {
        if !["HOME", "PATH"].contains(&name) && !name.starts_with("XDG") {
            env.set(name, value);
        }
    }
    env.set("WORK_OPENCODE", opencode::program());
    let details = format!("```script\n{SCRIPT}\n```\n\n");
    let dir = streams::approved(&env, &streams::plan(1, 1, THREADS, 1, &details));
    let write = |name: &str, text: &str| {
        work::sys::atomic::write_atomic(&dir.with_file_name(name), text.as_bytes()).expect("written");
    };
    write("agents.yaml", "agents:\n  - name: default\n    models: [scripted/ok]\n");
    write("config.yaml", "jobs: { maxParallel: 8 }\n");
    env.work(["multi", "--batch", "01.01", "--headless"]).ok();
    wait_for_all(&model);
    let memory = memory(&env.processes());
    env.work(["supervisor", "stop"]).ok();
    memory
}
