//! `TestEnv`: a machine of its own for one test.
//!
//! A temporary folder holds HOME, all XDG folders and the sockets; programs are started with these
//! and nothing else of our environment but `PATH`. At the end everything that still runs with it is
//! ended: such a process has the folder's path in its environment, and nobody else has.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use work::sys::process;

use super::running::Output;
use super::wait::PATIENCE;

/// A machine of its own.
pub(crate) struct TestEnv {
    folder: tempfile::TempDir,
    root: PathBuf,
    vars: Vec<(OsString, OsString)>,
}

impl TestEnv {
    /// A fresh one. The folder is in `/tmp`, since the paths of sockets must be short.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("w").tempdir_in("/tmp").expect("a folder in /tmp");
        let root = folder.path().canonicalize().expect("the folder is there");
        let mut env = Self { folder, root, vars: Vec::new() };
        for (name, below) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "home/.config"),
            ("XDG_DATA_HOME", "home/.local/share"),
            ("XDG_STATE_HOME", "home/.local/state"),
            ("XDG_CACHE_HOME", "home/.cache"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
        ] {
            let path = env.root.join(below);
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).expect("a folder");
            env.set(name, path);
        }
        for (name, value) in [
            ("LANG", "C.UTF-8"),
            ("TERM", "xterm-256color"),
            ("USER", "tester"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "Tester"),
            ("GIT_AUTHOR_EMAIL", "tester@example.org"),
            ("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z"),
            ("GIT_COMMITTER_NAME", "Tester"),
            ("GIT_COMMITTER_EMAIL", "tester@example.org"),
            ("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z"),
            ("GIT_TERMINAL_PROMPT", "0"),
        ] {
            env.set(name, value);
        }
        env.set("GIT_CEILING_DIRECTORIES", env.root.clone());
        env.set("PATH", work::sys::env::raw("PATH").expect("a PATH"));
        env
    }

    /// The folder that holds everything.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// HOME.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// Where sockets go.
    pub(crate) fn runtime_dir(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Sets a variable for all programs started from now on.
    pub(crate) fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let name = name.into();
        self.unset(&name);
        self.vars.push((name, value.into()));
    }

    /// Takes a variable away.
    pub(crate) fn unset(&mut self, name: impl AsRef<OsStr>) {
        self.vars.retain(|(known, _)| known != name.as_ref());
    }

    /// Stops the clock of `work` at a time (RFC 3339).
    pub(crate) fn stop_clock(&mut self, at: &str) {
        self.set("WORK_CLOCK", at);
    }

    /// Writes a file below the root, and its folders.
    pub(crate) fn write(&self, below: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root.join(below);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("its folder");
        #[expect(clippy::disallowed_methods, reason = "no reader is near")]
        fs::write(&path, text).expect("a file");
        path
    }

    /// Writes a program below the root. `cp` makes the file: had we ever opened it for writing, a
    /// child that another thread is just starting could hold it open, and it could not be run.
    pub(crate) fn script(&self, below: impl AsRef<Path>, text: &str) -> PathBuf {
        let path = self.root.join(below);
        let text = self.write(path.with_extension("text"), text);
        fs::set_permissions(&text, fs::Permissions::from_mode(0o755)).expect("its mode");
        self.run("cp", &self.root, [text.as_os_str(), path.as_os_str()]).ok();
        path
    }

    /// A command in this environment, in a process group of its own.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = process::command(program);
        command.env_clear().envs(self.vars.iter().map(|(name, value)| (name, value))).current_dir(&self.root);
        command
    }

    /// Runs a program in a folder to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        folder: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Output {
        let mut command = self.command(program);
        command.args(args).current_dir(folder);
        let output = process::run(command, None, PATIENCE).expect("it runs to its end");
        Output::of(output.status, &output.stdout, &output.stderr)
    }

    /// Runs git in a folder and gives its standard output, without the newline at the end.
    #[track_caller]
    pub(crate) fn git(&self, folder: &Path, args: &[&str]) -> String {
        self.run("git", folder, args).ok().stdout.trim_end_matches('\n').to_owned()
    }

    /// Where [`repo`](Self::repo) is.
    pub(crate) fn repo_dir(&self) -> PathBuf {
        self.root.join("repo")
    }

    /// A fresh repository with one commit on `main`, in `repo` below the root.
    pub(crate) fn repo(&self) -> PathBuf {
        let repo = self.repo_dir();
        fs::create_dir(&repo).expect("the folder is new");
        self.git(&repo, &["init", "--quiet", "--initial-branch=main"]);
        self.write("repo/README.md", "# A repository\n");
        self.git(&repo, &["add", "README.md"]);
        self.git(&repo, &["commit", "--quiet", "--message=First"]);
        repo
    }

    /// Runs `work` in [`repo`](Self::repo), or in the root when there is none.
    pub(crate) fn work<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        let repo = self.repo_dir();
        self.work_in(if repo.exists() { &repo } else { &self.root }, args)
    }

    /// Runs `work` in a folder.
    pub(crate) fn work_in<A: AsRef<OsStr>>(
        &self,
        folder: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Output {
        self.run(env!("CARGO_BIN_EXE_work"), folder, args)
    }

    /// The socket of a tmux server for this test alone, in the place of the user's.
    pub(crate) fn tmux_socket(&self) -> PathBuf {
        self.runtime_dir().join("tmux.user")
    }

    /// Runs tmux on [`tmux_socket`](Self::tmux_socket), with HOME's configuration.
    pub(crate) fn tmux<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        self.tmux_on(&self.tmux_socket(), args)
    }

    /// Runs tmux on a socket.
    pub(crate) fn tmux_on<A: AsRef<OsStr>>(
        &self,
        socket: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Output {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        let first = ["-u".into(), "-S".into(), socket.as_os_str().to_owned()];
        self.run("tmux", &self.root, first.into_iter().chain(args))
    }

    /// A tmux program that runs the real one in this environment, for code under test that runs in
    /// our own process. Only what is decided by the caller is passed on.
    pub(crate) fn tmux_program(&self) -> PathBuf {
        let quoted = |text: &OsStr| format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"));
        let path = |name: &str| quoted(process::find(name).expect("a program").as_os_str());
        let vars = self.vars.iter().filter(|(name, _)| name != "PATH");
        let vars: Vec<_> = vars
            .map(|(name, value)| quoted(&[name, value].map(OsString::as_os_str).join(OsStr::new("="))))
            .collect();
        let text = format!(
            "#!/bin/sh\nexec {env} -i {vars} PATH=\"$PATH\" PWD=\"$PWD\" \
             ${{TMUX:+TMUX=\"$TMUX\"}} ${{TMUX_PANE:+TMUX_PANE=\"$TMUX_PANE\"}} {tmux} \"$@\"\n",
            env = path("env"),
            vars = vars.join(" "),
            tmux = path("tmux"),
        );
        self.script("bin/tmux", &text)
    }

    /// Ids of all processes that have our folder's path in their environment.
    #[cfg(target_os = "linux")]
    pub(crate) fn processes(&self) -> Vec<u32> {
        let root = self.root.as_os_str().as_bytes();
        let ours = |pid: &u32| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.windows(root.len()).any(|part| part == root)
        };
        let entries = fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(ours).collect()
    }

    /// Not told on this system; tmux servers are ended by their sockets.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn processes(&self) -> Vec<u32> {
        Vec::new()
    }

    /// All files below the root, not through symlinks and not in git's folders.
    fn files(&self) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.root.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && entry.file_name() != "objects" => folders.push(entry.path()),
                    _ => found.push(entry.path()),
                }
            }
        }
        found
    }

    fn tmux_sockets(&self) -> Vec<PathBuf> {
        let is_socket =
            |path: &PathBuf| path.symlink_metadata().is_ok_and(|kind| kind.file_type().is_socket());
        let named =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains("tmux"));
        self.files().into_iter().filter(|path| named(path) && is_socket(path)).collect()
    }

    /// What tmux prints, if anything: a panic while we panic would take all tests along.
    fn quiet_tmux(&self, socket: &Path, args: &[&str]) -> String {
        let mut command = self.command("tmux");
        command.arg("-u").arg("-S").arg(socket).args(args);
        process::run(command, None, Duration::from_secs(5)).map(|output| output.text()).unwrap_or_default()
    }

    /// What may explain a failure: logs, and what the windows show.
    fn dump(&self) {
        for log in self.files().iter().filter(|path| path.extension().is_some_and(|end| end == "log")) {
            let text = fs::read(log).unwrap_or_default();
            let tail = &text[text.len().saturating_sub(16 * 1024)..];
            say(&format!("--- {}\n{}", log.display(), String::from_utf8_lossy(tail)));
        }
        for socket in self.tmux_sockets() {
            let panes = self.quiet_tmux(&socket, &["list-panes", "-a", "-F", "#{pane_id}"]);
            for pane in panes.lines() {
                let shown = self.quiet_tmux(&socket, &["capture-pane", "-p", "-t", pane]);
                if !shown.trim().is_empty() {
                    say(&format!("--- {} {pane}\n{}", socket.display(), shown.trim_end()));
                }
            }
        }
    }
}

/// Where the test runner shows it with the failure.
fn say(text: &str) {
    #[expect(clippy::print_stderr, reason = "the output of a failed test")]
    {
        eprintln!("{text}");
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dump();
        }
        for socket in self.tmux_sockets() {
            self.quiet_tmux(&socket, &["kill-server"]);
        }
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            let deadline = Instant::now() + Duration::from_secs(2);
            let mut left = self.processes();
            while !left.is_empty() && Instant::now() < deadline {
                left.iter().for_each(|&pid| process::signal_process(pid, signal));
                std::thread::park_timeout(Duration::from_millis(10));
                left = self.processes();
            }
        }
        let left = self.processes();
        if !left.is_empty() {
            say(&format!("--- still running in {}: {left:?}", self.folder.path().display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::wait::wait_until;

    #[test]
    fn a_program_sees_this_environment_and_no_other() {
        let mut env = TestEnv::new();
        env.stop_clock("2026-01-02T03:04:05Z");
        let vars = env.run("env", env.root(), [] as [&str; 0]).ok().stdout;
        assert!(vars.contains("WORK_CLOCK=2026-01-02T03:04:05Z\n"));
        assert!(!vars.contains("CARGO"), "{vars}");
        assert_eq!(
            env.run("sh", &env.home(), ["-c", "pwd; echo e >&2; exit 3"]),
            Output { stdout: format!("{}\n", env.home().display()), stderr: "e\n".to_owned(), code: 3 }
        );
        env.work(["--version"]);
        let repo = env.repo();
        assert_eq!(
            env.git(&repo, &["log", "--format=%an %ad", "--date=iso-strict"]),
            "Tester 2026-01-02T03:04:05Z"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nothing_outlives_it() {
        let env = TestEnv::new();
        let socket = env.tmux_socket();
        env.tmux(["-f", "/dev/null", "new-session", "-d", "--", "sleep", "1000"]).ok();
        // A child that has left our group and does not listen to TERM.
        let stubborn = "trap '' TERM; echo ready >ready; while :; do sleep 1; done";
        env.run("sh", env.root(), ["-c", &format!("setsid sh -c \"{stubborn}\" >log 2>&1 &")]).ok();
        wait_until("the stubborn child", PATIENCE, || env.root().join("ready").exists());
        let left = env.processes();
        assert!(left.len() >= 3, "{left:?}");
        let root = env.root().to_owned();
        drop(env);
        let is_ours = |pid: &u32| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            String::from_utf8_lossy(&environ).contains(root.to_str().unwrap())
        };
        assert!(!left.iter().any(is_ours));
        assert!(!socket.exists() && !root.exists());
    }
}
