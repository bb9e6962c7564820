//! A repository with an approved plan, the real opencode or a fake one, and the scripted model behind it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use work::sys::process;

use super::env::TestEnv;
use super::opencode;
use super::running::{Output, Running};
use super::scripted_model::ScriptedModel;
use super::wait::{PATIENCE, wait_for, wait_until};

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
    /// A batch `01.01` of threads `T1`, `T2`, … that do as their scripts say, run by the real opencode.
    #[track_caller]
    pub(crate) fn new(scripts: &[&str]) -> Self {
        Self::with_titles(&titled(scripts))
    }

    /// The same, with a title before each script.
    #[track_caller]
    pub(crate) fn with_titles<T: AsRef<str>>(threads: &[(T, &str)]) -> Self {
        let turn = Turn::take();
        let model = ScriptedModel::start();
        let mut env = TestEnv::new();
        for (name, value) in opencode::environment(env.root(), &model.config()) {
            // What `work` sets itself is left to it.
            if !["PATH", "npm_config_offline", "OPENCODE_DISABLE_AUTOUPDATE"].contains(&name) {
                env.set(name, value);
            }
        }
        env.set("WORK_OPENCODE", opencode::program());
        let project = Self { env, model: Some(model), _turn: Some(turn) };
        project.approve(threads);
        project
    }

    /// The same as [`new`](Self::new), with a shell script in the place of opencode.
    #[track_caller]
    pub(crate) fn with_fake(scripts: &[&str], opencode: &str) -> Self {
        let mut env = TestEnv::new();
        let program = env.script("bin/opencode", &format!("#!/bin/sh\n{opencode}\n"));
        env.set("WORK_OPENCODE", program);
        let project = Self { env, model: None, _turn: None };
        project.approve(&titled(scripts));
        project
    }

    fn approve<T: AsRef<str>>(&self, threads: &[(T, &str)]) {
        self.env.repo();
        self.env.work(["init"]).ok();
        self.env.write("PLAN.md", plan(threads));
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

    /// `work` in the background, with pipes.
    #[track_caller]
    pub(crate) fn spawn(&self, args: &[&str]) -> Running {
        Running::piped(&mut self.command(args))
    }

    /// `work execute` of a thread of the batch in the background.
    #[track_caller]
    pub(crate) fn start(&self, thread: u8, more: &[&str]) -> Running {
        let args = execute_args(thread);
        let args: Vec<_> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.spawn(&args)
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
        self.work(["status", "--json"]).ok().json()
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

    /// The attempts of a thread, as the report tells them.
    #[track_caller]
    pub(crate) fn attempts(&self, thread: u8) -> Vec<Value> {
        self.thread(thread)["sessions"].as_array().expect("sessions").clone()
    }

    /// The last of them; null when there is none.
    #[track_caller]
    pub(crate) fn attempt(&self, thread: u8) -> Value {
        self.attempts(thread).pop().unwrap_or_default()
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

    /// The socket of the tmux server that `work multi` has started; none when it has started none.
    pub(crate) fn tmux_socket(&self) -> Option<PathBuf> {
        let files = fs::read_dir(self.env.runtime_dir().join("work")).ok()?.flatten();
        files.map(|file| file.path()).find(|path| path.extension().is_some_and(|end| end == "tmux"))
    }

    /// Runs tmux on that server, once it is there.
    #[track_caller]
    pub(crate) fn tmux(&self, args: &[&str]) -> Output {
        let socket = wait_for("the tmux server's socket", PATIENCE, || self.tmux_socket());
        self.env.tmux_on(&socket, args)
    }

    /// The processes of this machine whose arguments contain `word`.
    pub(crate) fn processes_with(&self, word: &str) -> Vec<u32> {
        let mut all = self.env.processes();
        all.retain(|pid| arguments(*pid).contains(word));
        all
    }

    /// Waits until nothing of this machine runs.
    #[track_caller]
    pub(crate) fn wait_for_nothing(&self) {
        let left = || {
            let all = self.env.processes().into_iter().map(arguments);
            all.filter(|args| !args.is_empty()).collect::<Vec<_>>()
        };
        let begun = Instant::now();
        loop {
            let last = left();
            if last.is_empty() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "still running: {last:#?}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// Deletes a session at the agent, as a person may do with the agent's own command.
    #[track_caller]
    pub(crate) fn delete_session(&self, id: &str) {
        let mut command = self.env.command(opencode::program());
        command.args(["session", "delete", id]).current_dir(self.repo()).env("PWD", self.repo());
        let output = process::run(command, None, PATIENCE).expect("it ends");
        assert!(output.status.success(), "{}", output.error_text());
    }

    /// Every attempt has one record, and has ended; a session is in two only when one goes on with the other.
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
            for (session, of) in sessions.iter().filter_map(|one| Some((one["sessionId"].as_str()?, one))) {
                let resumed = |one: &&Value| one["sessionId"] == session && one["resumedFrom"].is_u64();
                let wanted = 1 + sessions.iter().filter(resumed).count();
                assert_eq!(state.matches(&format!("\"{session}\"")).count(), wanted, "{of:#}");
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

/// What a process was started with, words parted by spaces; empty when it is gone or a zombie.
fn arguments(pid: u32) -> String {
    let args = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&args).replace('\0', " ")
}

fn titled<'a>(scripts: &[&'a str]) -> Vec<(String, &'a str)> {
    scripts.iter().enumerate().map(|(index, script)| (format!("T{}", index + 1), *script)).collect()
}

/// A plan of one batch, with a thread for each title and script.
fn plan<T: AsRef<str>>(threads: &[(T, &str)]) -> String {
    let mut plan = String::from(
        "# Plan: Test\n\n## Summary\n\nA test.\n\n## Stages\n\n### Stage 01: One\n\n#### Stage Definition\n\n\
         The only stage.\n\n#### Stage Batches\n\n##### Batch 01: All\n\nAll threads.\n\n",
    );
    for (index, (title, script)) in threads.iter().enumerate() {
        let (number, title) = (index + 1, title.as_ref());
        let _ = write!(
            plan,
            "###### Thread {number:02}: {title}\n\n**Summary:** Work.\n\n**Details:**\n\n\
             ````script\n{script}\n````\n\n**Tasks:**\n- [ ] Do it\n\n"
        );
    }
    plan
}
