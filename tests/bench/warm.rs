//! ACP agents that stay warm: the second turn of a thread through `work`, beside a cold start of the same agent.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use work::sys::process;

use super::measure::{Runs, median};
use super::table::Row;
use super::turns::{TRIVIAL, through_work};
use crate::support::env::TestEnv;
use crate::support::scripted_model::ScriptedModel;
use crate::support::streams;

/// How many warm turns are timed.
const TURNS: usize = 15;

/// Warm turns of qwen, and the program started for one prompt.
pub(crate) fn rows() -> Vec<Row> {
    let model = ScriptedModel::start();
    let mut env = TestEnv::new();
    let variables = [
        ("OPENAI_API_KEY", "scripted".to_owned()),
        ("OPENAI_BASE_URL", format!("{}/v1", model.url())),
        ("OPENAI_MODEL", "ok".to_owned()),
        ("QWEN_CODE_NO_RELAUNCH", "true".to_owned()),
    ];
    for (name, value) in &variables {
        env.set(*name, value);
    }
    let dir = streams::approved(&env, &streams::plan(1, 1, 1, 1, TRIVIAL));
    let agents = format!(
        "agents:\n  - name: default\n    backend: acp\n    command: ['{}', --acp]\n    models: [openai/ok]\n",
        program().display()
    );
    work::sys::atomic::write_atomic(&dir.with_file_name("agents.yaml"), agents.as_bytes()).expect("written");

    let (mut ended, mut first) = (Runs::default(), Runs::default());
    for number in 0..=TURNS {
        let (end, _) = through_work(&env, if number == 0 { &[] } else { &["--resume"] });
        // The first one starts it.
        if number == 0 { first.wall.push(end) } else { ended.wall.push(end) }
    }
    let mut cold = Runs::default();
    for _ in 0..3 {
        let mut command = env.command(program());
        // It would take the `@` of a script for a file. Without one the model answers as shortly.
        command.args(["--yolo", "-p", "Say a word."]).current_dir(env.repo_dir()).env("PWD", env.repo_dir());
        let begun = std::time::Instant::now();
        let output = process::run(command, None, Duration::from_secs(120)).expect("a run");
        cold.wall.push(begun.elapsed());
        assert!(output.status.success() && output.text().contains("scripted"), "{output:?}");
    }
    env.work(["supervisor", "stop"]).ok();
    let faster = median(&cold.wall).as_secs_f64() / median(&ended.wall).as_secs_f64();
    vec![
        Row::of("qwen, second and later turns of a thread by `work execute`", &ended),
        Row::of("qwen, first turn of a thread by `work execute`", &first),
        Row::of("`qwen -p`, cold", &cold)
            .ratio(format!("{faster:.1} × our warm turn"))
            .wanted("≥ 20 ×", faster >= 20.0),
    ]
}

fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agents/node_modules/.bin/qwen");
    assert!(fs::exists(&program).is_ok_and(|there| there), "qwen is not installed: see tests/agents");
    program
}
