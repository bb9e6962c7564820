//! A repository with an approved plan, the real opencode or a fake one, and the scripted model behind it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use work::sys::process::{self, Signal};

use super::env::{Output, TestEnv};
use super::opencode;
use super::scripted_model::ScriptedModel;
use super::wait::{wait_for, wait_until};

/// How long any one thing may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How many opencode servers of projects run at once: each takes 400 MB.
static FREE: (Mutex<usize>, Condvar) = (Mutex::new(2), Condvar::new());

/// A permit to run an opencode server.
struct Turn;

impl Turn {
    fn take() -> Self {
        let mut free = FREE.0.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = FREE.1.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *FREE.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        FREE.1.notify_one();
    }
}

/// A repository whose plan is approved. Dropped, it leaves no process behind.
pub(crate) struct Project {
    /// Its machine; dropped first, with all its processes.
    pub(crate) env: TestEnv,
    model: Option<ScriptedModel>,
    _turn: Option<Turn>,
}

impl Project {
    /// A batch `01.01` of threads that do as their scripts say, run by the real opencode.
    #[track_caller]
    pub(crate) fn new(scripts: &[&str]) -> Self {
        let turn = Turn::take();
        let model = ScriptedModel::start();
        let mut env = TestEnv::new();
        for (name, value) in opencode::environment(env.root(), &model.config()) {
            if name != "PATH" {
                env.set(name, value);
            }
        }
        env.set("WORK_OPENCODE", opencode::program());
        let project = Self { env, model: Some(model), _turn: Some(turn) };
        project.approve(scripts);
        project
    }

    /// The same, with a shell script in the place of opencode.
    #[track_caller]
    pub(crate) fn with_fake(scripts: &[&str], opencode: &str) -> Self {
        let mut env = TestEnv::new();
        let program = env.script("bin/opencode", &format!("#!/bin/sh\n{opencode}\n"));
        env.set("WORK_OPENCODE", program);
        let project = Self { env, model: None, _turn: None };
        project.approve(scripts);
        project
    }

    fn approve(&self, scripts: &[&str]) {
        self.env.repo();
        self.env.work(["init"]).ok();
        self.env.write("PLAN.md", plan(scripts));
        self.env.work(["create", "Test", "--from", "../PLAN.md"]).ok();
        self.agents("scripted/ok");
        self.env.work(["approve", "plan", "--yes"]).ok();
    }

    /// Gives the default agent these models.
    pub(crate) fn agents(&self, models: &str) {
        self.env
            .write("repo/work/agents.yaml", format!("agents:\n  - name: default\n    models: [{models}]\n"));
    }

    /// Writes `config.yaml`.
    pub(crate) fn settings(&self, text: &str) {
        self.env.write("repo/work/config.yaml", text);
    }

    pub(crate) fn model(&self) -> &ScriptedModel {
        self.model.as_ref().expect("this one has the real opencode")
    }

    /// The repository.
    pub(crate) fn repo(&self) -> PathBuf {
        self.env.repo_dir()
    }

    /// The private folder.
    pub(crate) fn private(&self) -> PathBuf {
        self.repo().join(".git/work")
    }

    /// A file of the repository; none when it is not there.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.repo().join(name)).ok()
    }

    /// Runs `work` in the repository.
    pub(crate) fn work<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        self.env.work(args)
    }

    /// `work execute` of a thread of the batch, plainly.
    pub(crate) fn execute(&self, thread: u8, more: &[&str]) -> Output {
        self.work(execute_args(thread).iter().map(String::as_str).chain(more.iter().copied()))
    }

    /// A command in the repository, not started yet.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.env.command(env!("CARGO_BIN_EXE_work"));
        command.args(args).current_dir(self.repo());
        command
    }

    /// `work execute` in the background, with pipes.
    #[track_caller]
    pub(crate) fn start(&self, thread: u8, more: &[&str]) -> Running {
        let args = execute_args(thread);
        let args: Vec<_> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let mut command = self.command(&args);
        Running::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// `tasks.json`.
    #[track_caller]
    pub(crate) fn state(&self) -> Value {
        let text = self.read("work/001-test/tasks.json").expect("the state");
        serde_json::from_str(&text).expect("valid JSON")
    }

    /// `work status --json`.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.work(["status", "--json"]).ok().stdout).expect("a report")
    }

    /// A thread of the report.
    #[track_caller]
    pub(crate) fn thread(&self, thread: u8) -> Value {
        self.status()["threads"][usize::from(thread) - 1].clone()
    }

    /// The status of a thread.
    #[track_caller]
    pub(crate) fn thread_status(&self, thread: u8) -> String {
        self.thread(thread)["status"].as_str().expect("a status").to_owned()
    }

    /// The last attempt of a thread, as the report tells it.
    #[track_caller]
    pub(crate) fn attempt(&self, thread: u8) -> Value {
        let sessions = self.thread(thread)["sessions"].clone();
        sessions.as_array().and_then(|all| all.last().cloned()).unwrap_or_default()
    }

    /// Waits until a thread has the status.
    #[track_caller]
    pub(crate) fn wait_for_status(&self, thread: u8, status: &str, limit: Duration) {
        wait_until(&format!("thread {thread} to be {status}"), limit, || {
            self.thread_status(thread) == status
        });
    }

    /// Waits until the record of the running supervisor is there, and gives its process id.
    #[track_caller]
    pub(crate) fn supervisor(&self) -> u32 {
        wait_for("a supervisor", PATIENCE, || pid_in(&self.private().join("supervisor.json"), "/owner/pid"))
    }

    /// The process id of the opencode server that a runtime has written down.
    #[track_caller]
    pub(crate) fn server(&self) -> u32 {
        wait_for("a server", PATIENCE, || {
            let files = fs::read_dir(self.private().join("servers")).ok()?;
            files
                .flatten()
                .find_map(|file| pid_in(&file.path(), "/server/identity/pid").filter(|pid| *pid > 0))
        })
    }

    /// The processes of this machine whose arguments contain `word`.
    pub(crate) fn processes_with(&self, word: &str) -> Vec<u32> {
        let has = |pid: &u32| {
            let args = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&args).replace('\0', " ").contains(word)
        };
        self.env.processes().into_iter().filter(has).collect()
    }

    /// Waits until nothing of this machine runs but what contains one of the words.
    #[track_caller]
    pub(crate) fn wait_for_nothing_but(&self, words: &[&str]) {
        let name = |pid: &u32| {
            let args = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&args).replace('\0', " ")
        };
        let left = || {
            let all = self.env.processes();
            let all = all.iter().map(name).filter(|args| !args.is_empty());
            all.filter(|args| !words.iter().any(|word| args.contains(word))).collect::<Vec<_>>()
        };
        let mut last = Vec::new();
        for _ in 0..600 {
            last = left();
            if last.is_empty() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        panic!("still running: {last:#?}");
    }

    /// Every attempt has exactly one beginning and one end, in the state and in its journal; and all ended.
    #[track_caller]
    pub(crate) fn assert_records_are_whole(&self) {
        for thread in self.status()["threads"].as_array().expect("threads") {
            let sessions = thread["sessions"].as_array().expect("sessions");
            let mut attempts: Vec<_> = sessions.iter().map(|one| one["attempt"].as_u64()).collect();
            attempts.dedup();
            assert_eq!(attempts.len(), sessions.len(), "{thread:#}");
            for session in sessions {
                assert_ne!(session["status"], "running", "{thread:#}");
            }
            let state = self.state().to_string();
            for session in sessions.iter().filter_map(|one| one["sessionId"].as_str()) {
                assert_eq!(state.matches(&format!("\"{session}\"")).count(), 1, "{session}");
            }
        }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // The tools of opencode don't hear of its end by a signal. TestEnv ends what is left by force.
        let _ = process::run(self.command(&["supervisor", "stop"]), None, Duration::from_secs(20));
    }
}

fn pid_in(file: &Path, pointer: &str) -> Option<u32> {
    let json: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    json.pointer(pointer)?.as_u64().and_then(|pid| pid.try_into().ok())
}

fn execute_args(thread: u8) -> Vec<String> {
    ["execute", "--thread", &format!("01.01.{thread:02}"), "--mode", "plain"].map(str::to_owned).to_vec()
}

/// A plan of one batch, with a thread for each script.
fn plan(scripts: &[&str]) -> String {
    let mut plan = String::from(
        "# Plan: Test\n\n## Summary\n\nA test.\n\n## Stages\n\n### Stage 01: One\n\n#### Stage Definition\n\n\
         The only stage.\n\n#### Stage Batches\n\n##### Batch 01: All\n\nAll threads.\n\n",
    );
    for (index, script) in scripts.iter().enumerate() {
        let number = index + 1;
        let _ = write!(
            plan,
            "###### Thread {number:02}: T{number}\n\n**Summary:** Work.\n\n**Details:**\n\n\
             ```script\n{script}\n```\n\n**Tasks:**\n- [ ] Do it\n\n"
        );
    }
    plan
}

/// A command that runs in the background. Dropped, it is killed.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        Self { child: command.spawn().expect("it starts") }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        process::signal_process(self.pid(), signal);
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        wait_for("a command's end", PATIENCE, || self.child.try_wait().expect("it can be waited for"))
    }

    /// Waits for its end, and gives the code and what it wrote.
    #[track_caller]
    pub(crate) fn output(mut self) -> Output {
        let status = self.end();
        let mut output = Output { stdout: String::new(), stderr: String::new(), code: -1 };
        if let Some(mut pipe) = self.child.stdout.take() {
            let _ = pipe.read_to_string(&mut output.stdout);
        }
        if let Some(mut pipe) = self.child.stderr.take() {
            let _ = pipe.read_to_string(&mut output.stderr);
        }
        let signal = || 128 + std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0);
        output.code = status.code().unwrap_or_else(signal);
        output
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The permission bits of a file.
#[track_caller]
pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
        & 0o777
}
