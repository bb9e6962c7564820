//! A project whose agents speak ACP: scripted ones, and the pinned qwen.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use work::sys::process;

use super::project::Project;
use super::wait::{PATIENCE, wait_for};

/// The words of an entry of `agents.yaml` for the scripted agent. Its children share a folder, in which they
/// write down what they were sent.
pub(crate) fn scripted(project: &Project, name: &str, more: &str) -> String {
    let tests = std::env::current_exe().expect("the path of this test");
    let target = tests.parent().and_then(Path::parent).expect("the folder of the build");
    let program = target.join("examples/scripted-acp");
    assert!(program.exists(), "`{}` is missing: run `cargo build --examples`", program.display());
    let folder = project.env.root().join("agents").join(name);
    fs::create_dir_all(&folder).expect("a folder");
    format!(
        "  - name: {name}\n    backend: acp\n    command: ['{}', --folder, '{}']\n    models: [a/b]\n{more}",
        program.display(),
        folder.display()
    )
}

/// The words of an entry for the real qwen, which asks the scripted model.
pub(crate) fn qwen(project: &Project) -> String {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agents/node_modules/.bin/qwen");
    assert!(program.exists(), "qwen is not installed: run `npm install --no-save --prefix tests/agents`");
    let home = project.env.root().join("qwen-home");
    fs::create_dir_all(&home).expect("a home");
    format!(
        "  - name: qwen\n    backend: acp\n    command: ['{}', --acp]\n    models: [openai/ok]\n    env:\n      \
         HOME: '{}'\n      OPENAI_API_KEY: scripted\n      OPENAI_BASE_URL: '{}/v1'\n      OPENAI_MODEL: ok\n",
        program.display(),
        home.display(),
        project.model().url()
    )
}

/// Writes `agents.yaml`.
pub(crate) fn agents(project: &Project, entries: &[String]) {
    let text = entries.iter().fold("agents:\n".to_owned(), |mut text, entry| {
        let _ = write!(text, "{entry}");
        text
    });
    project.env.write("repo/work/agents.yaml", text);
}

/// A project whose default agent is the scripted one; opencode is not there at all.
#[track_caller]
pub(crate) fn project(scripts: &[&str]) -> Project {
    let project = Project::with_fake(scripts, "exit 70");
    agents(&project, &[scripted(&project, "default", "")]);
    project
}

/// Everything that the children of the scripted agent `name` were sent.
pub(crate) fn received(project: &Project, name: &str) -> Vec<Value> {
    let file = project.env.root().join("agents").join(name).join("received");
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// How often they were sent this method.
pub(crate) fn count(project: &Project, name: &str, method: &str) -> usize {
    received(project, name).iter().filter(|message| message["method"] == method).count()
}

/// The processes of agents, as `work supervisor status` tells them.
#[track_caller]
pub(crate) fn warm(project: &Project) -> Vec<Value> {
    let status = project.work(["supervisor", "status", "--json"]).ok().json();
    status["status"]["agents"].as_array().cloned().unwrap_or_default()
}

/// The one process of an agent of this thread, once it is there.
#[track_caller]
pub(crate) fn child(project: &Project, thread: &str) -> u32 {
    wait_for("the agent's process", PATIENCE, || {
        let all = warm(project);
        let one = all.iter().find(|one| one["keptFor"]["thread"] == thread)?;
        one["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())
    })
}

/// Ends a process by force.
pub(crate) fn kill(pid: u32) {
    process::signal_process(pid, process::Signal::SIGKILL);
}

/// A message that carries a script, for a turn that goes on.
pub(crate) fn script(lines: &str) -> String {
    format!("```script\n{lines}\n```")
}
