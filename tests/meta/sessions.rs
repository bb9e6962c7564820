//! The sessions that documents show: they run, and print what stands there.
//!
//! A block `console run` is a session: commands behind `$ `, and below each what it printed. All sessions of
//! a document run in one shell, in a repository that has the examples; where the first of them is marked
//! `console run approved`, the example plan is made and approved before.

use std::time::Duration;

use work::sys::{env, process};

use super::text::{blocks, files, read, root};
use crate::support::env::TestEnv;

/// What the README calls the folder that holds everything.
const HOME: &str = "/home/you";

/// A command of a session, with what it printed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    command: String,
    output: String,
}

/// The steps of a `console` block.
fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), output: String::new() }),
            (None, Some(step)) => step.output.push_str(&format!("{line}\n")),
            (None, None) => panic!("a session begins with `$ `, not with `{line}`"),
        }
    }
    steps
}

/// What is done before the first session of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing: the examples are there, and no `work/`.
    Nothing,
    /// The example plan is made and approved.
    Approved,
}

/// Runs commands one after another in one shell, in a checkout with the examples, and tells what each printed.
fn run(before: Before, commands: &[String]) -> Vec<Step> {
    let mut env = TestEnv::new();
    env.stop_clock("2026-11-21T12:00:00Z");
    env.set("USER", "you");
    env.set("NO_COLOR", "1");
    env.set("WORK_OPENCODE", "true");
    let repo = env.repo();
    for path in files("examples", "") {
        let below = path.strip_prefix(root()).expect("below the project");
        env.write(repo.join(below), read(&path));
    }
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_work"));
    env.set("PATH", process::path_with(program.parent().expect("a folder")));
    let quoted = |command: &String| format!("'{}'", command.replace('\'', r"'\''"));
    let setup = match before {
        Before::Nothing => "",
        Before::Approved => {
            "(work init && cp examples/hello/agents.yaml work/ && work create Hello --from examples/hello/PLAN.md \
             && work approve plan --yes) >/dev/null 2>&1 || exit 1\n"
        }
    };
    let script: String =
        commands.iter().map(|command| format!("eval {} 2>&1\nprintf '\\0'\n", quoted(command))).collect();
    let mut shell = env.command("bash");
    shell.args(["-c", &format!("{setup}{script}")]).current_dir(&repo);
    let output = process::run(shell, None, Duration::from_secs(120)).expect("the session runs");
    let root = env.root().display().to_string();
    let said =
        output.text().replace(&format!("{root}/repo"), &format!("{HOME}/project")).replace(&root, HOME);
    let outputs: Vec<&str> = said.split('\0').collect();
    assert!(outputs.len() > commands.len(), "the shell ended early: {said}\n{}", output.error_text());
    let paired = commands.iter().zip(outputs);
    paired.map(|(command, output)| Step { command: command.clone(), output: output.to_owned() }).collect()
}

/// Runs the sessions of a document, all in one shell, and compares what they print; or writes it anew.
#[track_caller]
pub(super) fn sessions_run(document: &str, least: usize) {
    let text = read(document);
    let shown: Vec<_> =
        blocks(&text).into_iter().filter(|block| block.info.starts_with("console run")).collect();
    let before = match shown.first().map(|block| block.info.as_str()) {
        Some("console run approved") => Before::Approved,
        _ => Before::Nothing,
    };
    let expected: Vec<Step> = shown.iter().flat_map(|block| steps(&block.text)).collect();
    assert!(expected.len() >= least, "{document}: the sessions were not found");
    let commands: Vec<String> = expected.iter().map(|step| step.command.clone()).collect();
    let found = run(before, &commands);
    if env::raw("SNAPSHOTS").is_some_and(|wish| wish == "overwrite") {
        let mut fresh = text;
        let mut found = found.into_iter();
        for block in shown {
            let steps = found.by_ref().take(steps(&block.text).len());
            let text: String = steps.map(|step| format!("$ {}\n{}", step.command, step.output)).collect();
            fresh = fresh.replace(&block.text, &text);
        }
        work::sys::atomic::write_atomic(&root().join(document), fresh.as_bytes()).expect("written");
        return;
    }
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(
            expected, found,
            "{document}: `SNAPSHOTS=overwrite cargo test sessions_of` writes it anew"
        );
    }
    assert_eq!(expected.len(), found.len());
}
