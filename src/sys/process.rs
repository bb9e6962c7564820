//! Programs: found, started, bounded in time, and ended, in this one place.
//!
//! Everything is argv, never a shell string. Every child is the leader of its own process group, so
//! that what it starts can be ended with it. Who spawns, reaps: ask, wait, TERM the group, wait,
//! KILL the group.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
pub use nix::sys::signal::Signal;
use nix::sys::signal::{kill, killpg};
use nix::unistd::Pid;

use super::identity::{Identity, Liveness};

/// A program that is not there, or can't be run.
#[derive(Debug, thiserror::Error)]
#[error("program `{name}` was not found on PATH")]
pub struct NotFound {
    /// The program as it was asked for.
    pub name: String,
}

/// Why a short-lived program gave no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It could not be started.
    #[error("cannot start `{argv}`")]
    Start {
        /// Program and arguments.
        argv: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ran longer than it may, and was ended.
    #[error("`{argv}` did not end within {limit:?}")]
    Timeout {
        /// Program and arguments.
        argv: String,
        /// The limit.
        limit: Duration,
    },
    /// Reading from it or waiting for it failed.
    #[error("lost `{argv}`")]
    Io {
        /// Program and arguments.
        argv: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What a short-lived program left.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text, without trailing newlines.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }

    /// Standard error as text, trimmed.
    #[must_use]
    pub fn error_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }
}

/// The full path of a program on `PATH`, or of a path to a program.
///
/// # Errors
/// [`NotFound`], with the name.
pub fn find(name: impl AsRef<OsStr>) -> Result<PathBuf, NotFound> {
    which::which(name.as_ref()).map_err(|_| NotFound { name: name.as_ref().to_string_lossy().into_owned() })
}

/// A command without standard input, in a process group of its own.
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = foreground(program);
    command.stdin(Stdio::null()).process_group(0);
    command
}

/// A command that shares our terminal: our standard streams and our process group.
#[must_use]
pub fn foreground(program: impl AsRef<OsStr>) -> Command {
    #[expect(clippy::disallowed_methods, reason = "this is the seam")]
    Command::new(program)
}

/// Program and arguments on one line, for messages. Never the environment.
#[must_use]
pub fn argv_of(command: &Command) -> String {
    let parts: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect();
    parts.join(" ")
}

/// Runs a command to its end, with `input` on its standard input, and keeps what it wrote.
///
/// # Errors
/// [`RunError`] when it can't be started, or is ended for taking longer than `limit`. An exit code
/// other than 0 is no error here.
pub fn run(mut command: Command, input: Option<Vec<u8>>, limit: Duration) -> Result<Output, RunError> {
    let argv = argv_of(&command);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| RunError::Start { argv: argv.clone(), source })?;
    let group = child.id();
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // A program that does not read its input closes the pipe; that is its right.
        std::thread::spawn(move || stdin.write_all(&input));
    }
    let stderr = child.stderr.take().map(|pipe| std::thread::spawn(move || drain(pipe)));
    let stdout = child.stdout.take();
    let (done, ended) = mpsc::channel();
    let waiter = std::thread::spawn(move || {
        let stdout = stdout.map_or_else(|| Ok(Vec::new()), drain);
        let status = child.wait();
        // The receiver is gone only when it gave up on us.
        let _ = done.send(());
        (status, stdout)
    });
    if ended.recv_timeout(limit).is_err() {
        end_group(group, || ended.recv_timeout(Duration::from_secs(1)).is_ok());
        return Err(RunError::Timeout { argv, limit });
    }
    let lost = |source| RunError::Io { argv: argv.clone(), source };
    let gone = || io::Error::other("a reader of its output panicked");
    let (status, stdout) = waiter.join().map_err(|_| lost(gone()))?;
    let stderr = stderr.map_or_else(|| Ok(Vec::new()), |reader| reader.join().map_err(|_| gone())?);
    Ok(Output { status: status.map_err(lost)?, stdout: stdout.map_err(lost)?, stderr: stderr.map_err(lost)? })
}

fn drain(mut pipe: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).map(|_| bytes)
}

/// Standard output of a small system tool, or `None` when it fails in any way.
#[must_use]
pub fn output_of(program: &str, args: &[&str]) -> Option<String> {
    let mut tool = command(program);
    tool.args(args);
    run(tool, None, Duration::from_secs(5))
        .ok()
        .filter(|output| output.status.success())
        .map(|output| output.text())
}

/// Asks a process group to end, and ends it by force when `gone` does not become true in time.
///
/// `gone` is asked once, after TERM; it may take its own time to wait.
pub fn end_group(leader: u32, gone: impl FnOnce() -> bool) {
    signal_group(leader, Signal::SIGTERM);
    if !gone() {
        signal_group(leader, Signal::SIGKILL);
    }
}

/// Sends a signal to a process group that we made. A group that is gone is no error.
pub fn signal_group(leader: u32, signal: Signal) {
    if let Some(pid) = to_pid(leader) {
        let _ = killpg(pid, signal);
    }
}

/// Sends a signal to one process. One that is gone is no error.
pub fn signal_process(pid: u32, signal: Signal) {
    if let Some(pid) = to_pid(pid) {
        let _ = kill(pid, signal);
    }
}

/// Never 0, 1 or negative: those address groups, everyone, or init.
fn to_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().filter(|&pid| pid > 1).map(Pid::from_raw)
}

/// `PATH` with `first` in front of it.
#[must_use]
pub fn path_with(first: &Path) -> OsString {
    let mut path = OsString::from(first);
    if let Some(rest) = super::env::raw("PATH") {
        path.push(":");
        path.push(rest);
    }
    path
}

/// Makes a write beyond the limit on file sizes (`ulimit -f`) an error instead of our death.
///
/// Only a handler is installed, not `SIG_IGN`: what we spawn starts with the default again.
///
/// # Errors
/// When the handler can't be installed.
pub fn ignore_file_size_signal() -> io::Result<()> {
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    signal_hook::flag::register(Signal::SIGXFSZ as i32, seen).map(drop)
}

/// The directory of our own program, so that what we start can find us.
#[must_use]
pub fn own_directory() -> Option<PathBuf> {
    std::env::current_exe().ok()?.parent().map(Path::to_owned)
}

/// This user's processes that were started with `NAME=VALUE` in their environment, without ourselves.
///
/// It finds what ran away from its process group. The value must be a secret that nobody else has: then
/// to hold it is proof of descent, which a pid is not.
#[must_use]
pub fn marked(name: &str, value: &str) -> Vec<u32> {
    let own = std::process::id();
    environments(&format!("{name}={value}")).into_iter().filter(|pid| *pid != own && *pid > 1).collect()
}

/// Live processes of this user whose environment holds `entry`; a zombie has no environment any more.
#[cfg(target_os = "linux")]
fn environments(entry: &str) -> Vec<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let user = nix::unistd::geteuid().as_raw();
    let holds = |dir: &Path| {
        std::fs::metadata(dir).is_ok_and(|meta| meta.uid() == user)
            && std::fs::read(dir.join("environ"))
                .is_ok_and(|bytes| bytes.split(|byte| *byte == 0).any(|found| found == entry.as_bytes()))
    };
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|found| Some((found.file_name().to_str()?.parse().ok()?, found.path())))
        .filter(|(_, dir)| holds(dir))
        .map(|(pid, _)| pid)
        .collect()
}

/// Live processes of this user whose environment holds `entry`, as `ps` shows it after the arguments.
#[cfg(not(target_os = "linux"))]
fn environments(entry: &str) -> Vec<u32> {
    let lines = output_of("ps", &["-xEww", "-o", "pid=,command="]).unwrap_or_default();
    lines
        .lines()
        .filter(|line| line.split_ascii_whitespace().any(|word| word == entry))
        .filter_map(|line| line.split_ascii_whitespace().next()?.parse().ok())
        .collect()
}

/// How often we look at a process whose end nobody tells us.
const LOOK: Duration = Duration::from_secs(1);

/// Blocks until a process has ended that is no child of ours. The kernel tells it where it can.
pub fn wait_for_end(identity: &Identity) {
    let Some(end) = end_of(identity.pid) else {
        while identity.liveness() == Liveness::Alive {
            std::thread::park_timeout(LOOK);
        }
        return;
    };
    // Only with the descriptor in hand is it certain that it is of that very process.
    while identity.liveness() == Liveness::Alive {
        let mut wanted = [PollFd::new(end.as_fd(), PollFlags::POLLIN)];
        if poll(&mut wanted, PollTimeout::NONE).is_ok() {
            return;
        }
    }
}

/// A descriptor that is ready when the process has ended that has this pid now.
#[cfg(target_os = "linux")]
fn end_of(pid: u32) -> Option<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw)?;
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

/// The same, where there is no such thing.
#[cfg(not(target_os = "linux"))]
fn end_of(_pid: u32) -> Option<OwnedFd> {
    None
}

/// Processes that stand in a folder or below it, ourselves left out. Those of other users can't be seen.
#[cfg(target_os = "linux")]
#[must_use]
pub fn inside(folder: &Path) -> Vec<u32> {
    let own = std::process::id();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|found| Some((found.file_name().to_str()?.parse().ok()?, found.path())))
        .filter(|(pid, dir)| {
            *pid != own && std::fs::read_link(dir.join("cwd")).is_ok_and(|at| at.starts_with(folder))
        })
        .map(|(pid, _)| pid)
        .collect()
}

/// Processes that stand in a folder or below it, ourselves left out, as `lsof` tells them.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn inside(folder: &Path) -> Vec<u32> {
    let own = std::process::id();
    let lines = output_of("lsof", &["-a", "-d", "cwd", "-F", "pn"]).unwrap_or_default();
    let (mut pid, mut found) = (0, Vec::new());
    for line in lines.lines() {
        match line.split_at_checked(1) {
            Some(("p", number)) => pid = number.parse().unwrap_or(0),
            Some(("n", at)) if pid != own && Path::new(at).starts_with(folder) => found.push(pid),
            _ => {}
        }
    }
    found
}

/// Whether a process is of the group that `leader` leads. One that is gone is of every group.
#[must_use]
pub fn is_of_group(pid: u32, leader: u32) -> bool {
    let (Some(pid), Some(leader)) = (to_pid(pid), to_pid(leader)) else { return true };
    nix::unistd::getpgid(Some(pid)).map_or(true, |group| group == leader)
}

/// The user that we are.
#[must_use]
pub fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Asks one process of ours to end.
pub fn ask_to_end(pid: u32) {
    signal_process(pid, Signal::SIGTERM);
}

/// Leaves terminal, session and folder, and closes every descriptor that was inherited, besides the
/// three standard ones: somebody may wait for their end.
///
/// The umask stays the user's: agents that are started from here write the user's files. What is ours
/// alone is made private by name.
///
/// To be called first thing, by a process that does not lead its group.
///
/// # Errors
/// When the system refuses one of the steps.
pub fn detach() -> io::Result<()> {
    nix::unistd::setsid()?;
    std::env::set_current_dir("/")?;
    for descriptor in inherited()? {
        // One of them was the folder that we read their names from.
        let _ = nix::unistd::close(descriptor);
    }
    Ok(())
}

/// The open descriptors beyond the standard ones.
fn inherited() -> io::Result<Vec<i32>> {
    let names = std::fs::read_dir("/proc/self/fd").or_else(|_| std::fs::read_dir("/dev/fd"))?;
    let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
    Ok(names.flatten().filter_map(number).filter(|descriptor| *descriptor > 2).collect())
}

/// Points standard output at nothing: whoever reads it sees its end.
///
/// # Errors
/// When the system refuses.
pub fn let_go_of_stdout() -> io::Result<()> {
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
    Ok(nix::unistd::dup2_stdout(null)?)
}
