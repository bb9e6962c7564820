//! A repository with an approved plan, the real opencode, and a scripted model behind it.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::env::{Output, TestEnv};
use super::opencode;
use super::scripted_model::ScriptedModel;
use super::wait::wait_for;

/// How long any one thing may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where a user of `work` sits. Dropped, it leaves no process behind.
pub(crate) struct Project {
    /// The machine.
    pub(crate) env: TestEnv,
    /// The model that all agents ask.
    pub(crate) model: ScriptedModel,
}

impl Project {
    /// A stream `001-trial` whose batch 01.01 has these threads: name and script each.
    pub(crate) fn new(threads: &[(&str, &str)]) -> Self {
        let model = ScriptedModel::start();
        let mut env = TestEnv::new();
        let kept = ["PATH", "HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"];
        // What `work` sets itself is left to it.
        let ours = ["npm_config_offline", "OPENCODE_DISABLE_AUTOUPDATE"];
        for (name, value) in opencode::environment(env.root(), &model.config()) {
            if !kept.contains(&name) && !ours.contains(&name) {
                env.set(name, value);
            }
        }
        env.set("WORK_OPENCODE", opencode::program());
        env.repo();
        let project = Self { env, model };
        project.env.write("repo/work/agents.yaml", AGENTS);
        project.env.write("plan.md", plan(threads));
        project.work(&["create", "Trial", "--from", "../plan.md"]).ok();
        project.work(&["approve", "plan", "--yes"]).ok();
        project
    }

    /// Runs `work` in the repository.
    pub(crate) fn work(&self, args: &[&str]) -> Output {
        self.env.work(args)
    }

    /// Starts `work` in the repository, without a terminal, and does not wait for it.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.env.command(env!("CARGO_BIN_EXE_work"));
        command.args(args).current_dir(self.env.repo_dir()).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started")
    }

    /// `work status --json`.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.work(&["status", "--json"]).ok().stdout).expect("one document")
    }

    /// The row of a thread in the status.
    pub(crate) fn thread(&self, id: &str) -> Value {
        let status = self.status();
        let rows = status["threads"].as_array().expect("threads");
        rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("no {id} in {status}")).clone()
    }

    /// Waits until a thread has this status, and gives its row.
    pub(crate) fn wait_for_status(&self, id: &str, status: &str) -> Value {
        wait_for(&format!("thread {id} to be {status}"), PATIENCE, || {
            Some(self.thread(id)).filter(|row| row["status"] == status)
        })
    }

    /// A file of the repository.
    pub(crate) fn file(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.env.repo_dir().join(name)).ok()
    }

    /// The process id of the supervisor; none when none runs.
    pub(crate) fn supervisor(&self) -> Option<u32> {
        let told: Value =
            serde_json::from_str(&self.work(&["supervisor", "status", "--json"]).ok().stdout).expect("JSON");
        u32::try_from(told["status"]["pid"].as_u64()?).ok()
    }

    /// The process id of the agents' server; none when none runs.
    pub(crate) fn server(&self) -> Option<u32> {
        let folder = self.env.repo_dir().join(".git/work/servers");
        let file = std::fs::read_dir(folder).ok()?.flatten().next()?;
        let record: Value = serde_json::from_slice(&std::fs::read(file.path()).ok()?).ok()?;
        // Before it has a process, its record names none.
        u32::try_from(record["server"]["identity"]["pid"].as_u64()?).ok().filter(|pid| *pid > 0)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // What is left is killed by the environment, which knows its processes.
        let _ = self.work(&["supervisor", "stop"]);
    }
}

/// The agents of every project: `default`, one with a bad model before a good one, and one that
/// never works.
const AGENTS: &str = "\
agents:
  - name: default
    best_for: everything
    models: [scripted/ok]
  - name: second-choice
    models: [scripted/nope, scripted/fail-400, scripted/ok]
  - name: hopeless
    models: [scripted/fail-401, scripted/ok]
";

fn plan(threads: &[(&str, &str)]) -> String {
    let mut plan = String::from(
        "# Plan: Trial\n\n## Summary\n\nA trial.\n\n## Stages\n\n### Stage 01: Only\n\n\
         #### Stage Definition\n\nAll is tried.\n\n#### Stage Batches\n\n##### Batch 01: Parallel\n\nSide by side.\n\n",
    );
    for (number, (name, script)) in threads.iter().enumerate() {
        plan.push_str(&format!(
            "###### Thread {:02}: {name}\n\n**Summary:** {name}.\n\n**Details:**\n\n````script\n{script}\n````\n\n",
            number + 1
        ));
    }
    plan
}
