//! Commands that a person wrote for a shell, run to their end: told line by line as they speak, and ended whole.
//!
//! What they write to standard output and standard error comes in the order in which they wrote it. One
//! invariant: when [`run`] returns, all that was left of their process group is killed.

use std::io::{self, BufRead as _, BufReader, PipeReader, Read as _};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::process::{self, RunError, Signal};

/// How long a command may take to end itself when it is asked to.
const GRACE: Duration = Duration::from_secs(3);

/// How long one waits for the last words of what ran away from the group and holds the pipe.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Longer lines come in pieces of so many bytes.
const LONGEST: u64 = 8 * 1024;

/// How many lines may wait for whoever hears them; the command waits then.
const WAITING: usize = 256;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellEnd {
    /// By itself.
    Exited(ExitStatus),
    /// It took longer than it may, and was ended.
    TimedOut,
    /// Somebody did not want it any more, and it was ended.
    Stopped,
}

impl ShellEnd {
    /// Whether it ended by itself, and well.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Exited(status) if status.success())
    }

    /// Its exit code, when it ended by itself and not by a signal.
    #[must_use]
    pub fn code(self) -> Option<i32> {
        match self {
            Self::Exited(status) => status.code(),
            Self::TimedOut | Self::Stopped => None,
        }
    }
}

/// Stops a command from another thread. Clones stop the same; asked before it begins, nothing is started.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    asked: Arc<Mutex<Asked>>,
}

#[derive(Debug, Default)]
struct Asked {
    stopped: bool,
    wake: Option<SyncSender<Happened>>,
}

impl Stop {
    /// Asks for the end. Returns at once; whoever runs the command sees that it ends.
    pub fn stop(&self) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.stopped = true;
        if let Some(wake) = asked.wake.take() {
            // When so much waits already, the one who hears it is awake.
            let _ = wake.try_send(Happened::Stop);
        }
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).stopped
    }

    fn wakes(&self, wake: Option<SyncSender<Happened>>) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).wake = wake;
    }
}

/// What whoever runs a command hears.
#[derive(Debug)]
enum Happened {
    Said(String),
    Silent,
    Ended,
    Stop,
}

/// `line` as a command of `sh` in a directory, without standard input, in a process group of its own. Nothing of
/// ours is put into the line; what it may know goes into its environment.
#[must_use]
pub fn shell(line: &str, directory: &Path) -> Command {
    let mut command = process::command("sh");
    command.args(["-c", line]).current_dir(directory);
    command
}

/// Runs a command to its end, or to `limit`, or until it is stopped. `told` hears every line that it writes, as
/// text and without its end; of a line that was overwritten (`\r`) the last state. What it left behind in its
/// process group is ended with it.
///
/// # Errors
/// [`RunError`] when it can't be started or waited for. An exit code other than 0 is no error.
pub fn run(
    mut command: Command,
    limit: Duration,
    stop: &Stop,
    told: &mut dyn FnMut(&str),
) -> Result<ShellEnd, RunError> {
    if stop.is_asked() {
        return Ok(ShellEnd::Stopped);
    }
    let argv = process::argv_of(&command);
    let fails = |source| RunError::Start { argv: argv.clone(), source };
    let (reader, writer) = io::pipe().map_err(fails)?;
    let both = writer.try_clone().and_then(|out| Ok((out, writer.try_clone()?))).map_err(fails)?;
    drop(writer);
    command.stdout(both.0).stderr(both.1);
    let mut child = command.spawn().map_err(fails)?;
    // Our copies of the pipe's end go with it, or its end would never come.
    drop(command);
    let (tell, heard) = mpsc::sync_channel(WAITING);
    stop.wakes(Some(tell.clone()));
    let mut running = Running { heard, silent: false, ended: false };
    let listening = tell.clone();
    std::thread::spawn(move || listen(reader, &listening));
    let leader = child.id();
    std::thread::spawn(move || {
        wait_without_reaping(leader);
        // Nobody hears it only when nobody waits for it.
        let _ = tell.send(Happened::Ended);
    });
    let end = running.follow(Instant::now() + limit, stop, told);
    stop.wakes(None);
    running.end_the_rest(leader, told);
    let status = child.wait().map_err(|source| RunError::Io { argv, source })?;
    Ok(end.unwrap_or(ShellEnd::Exited(status)))
}

/// A command that runs.
struct Running {
    heard: Receiver<Happened>,
    /// Nobody has its end of the pipe any more.
    silent: bool,
    /// Its leader has ended, and is not reaped: until then its group is certainly its own.
    ended: bool,
}

impl Running {
    /// Until it ends by itself (`None`), or has to be ended.
    fn follow(&mut self, deadline: Instant, stop: &Stop, told: &mut dyn FnMut(&str)) -> Option<ShellEnd> {
        while !self.ended {
            if stop.is_asked() {
                return Some(ShellEnd::Stopped);
            }
            if !self.hear(deadline, told) {
                return Some(ShellEnd::TimedOut);
            }
        }
        None
    }

    /// Hears one thing; false when the time is over.
    fn hear(&mut self, deadline: Instant, told: &mut dyn FnMut(&str)) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        match self.heard.recv_timeout(left) {
            Ok(Happened::Said(line)) => told(&line),
            Ok(Happened::Silent) => self.silent = true,
            Ok(Happened::Ended) => self.ended = true,
            Ok(Happened::Stop) => {}
            Err(RecvTimeoutError::Timeout) => return false,
            // Both who tell are gone, so both have told their last.
            Err(RecvTimeoutError::Disconnected) => (self.silent, self.ended) = (true, true),
        }
        true
    }

    /// Ends what is left of the group: by asking, then by force.
    fn end_the_rest(&mut self, leader: u32, told: &mut dyn FnMut(&str)) {
        process::signal_group(leader, Signal::SIGTERM);
        let deadline = Instant::now() + GRACE;
        while !(self.ended && self.silent) && self.hear(deadline, told) {}
        process::signal_group(leader, Signal::SIGKILL);
        let deadline = Instant::now() + LAST_WORDS;
        while !(self.ended && self.silent) && self.hear(deadline, told) {}
    }
}

/// Tells every line, and then that there are no more.
fn listen(pipe: PipeReader, tell: &SyncSender<Happened>) {
    let mut pipe = BufReader::new(pipe);
    let mut bytes = Vec::new();
    // What can't be read any more is as good as its end.
    while pipe.by_ref().take(LONGEST).read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim_end_matches(['\n', '\r']);
        let line = line.rsplit('\r').next().unwrap_or(line).to_owned();
        bytes.clear();
        if tell.send(Happened::Said(line)).is_err() {
            return;
        }
    }
    // The one who heard is gone, or not.
    let _ = tell.send(Happened::Silent);
}

/// Blocks until a child of ours has ended, and leaves it to be reaped.
fn wait_without_reaping(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let Some(pid) = pid else { return };
    while waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        .is_err_and(|error| error == rustix::io::Errno::INTR)
    {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::identity::Identity;

    const LONG: Duration = Duration::from_secs(60);

    fn ran(line: &str, limit: Duration, stop: &Stop) -> (ShellEnd, Vec<String>) {
        let (mut lines, directory) = (Vec::new(), std::env::temp_dir());
        let end = run(shell(line, &directory), limit, stop, &mut |line| lines.push(line.to_owned()));
        (end.expect("started"), lines)
    }

    /// Waits for the end of what was killed: whoever inherited it has to reap it.
    fn ends(pid: &str) -> bool {
        let (pid, until) = (pid.parse().expect("a pid"), Instant::now() + Duration::from_secs(10));
        while Identity::of(pid).is_some() && Instant::now() < until {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Identity::of(pid).is_none()
    }

    /// Mutant tried: not cutting long lines.
    #[test]
    fn lines_come_as_they_were_written() {
        let long = "x".repeat(20_000);
        let (end, lines) = ran(
            "for n in 1 2 3; do echo out $n; echo err $n >&2; done; printf '10%%\\r50%%\\r99%%\\r\\n\\n'; \
             printf '%020000d\\n' 0; printf '\\377end'; exit 3",
            LONG,
            &Stop::default(),
        );
        assert_eq!((end.code(), end.is_success()), (Some(3), false));
        assert_eq!(lines[..8], ["out 1", "err 1", "out 2", "err 2", "out 3", "err 3", "99%", ""]);
        let zeros: Vec<usize> = lines[8..11].iter().map(String::len).collect();
        assert_eq!((zeros.iter().sum::<usize>(), zeros[0]), (long.len(), 8192), "{zeros:?}");
        assert_eq!(lines[11..], ["\u{fffd}end"]);
        assert!(ran("true", LONG, &Stop::default()).0.is_success());
    }

    /// Mutant tried: signalling the leader alone (the first `sleep` lives on).
    #[test]
    fn a_command_that_takes_too_long_is_ended_with_all_it_started() {
        let line = "sleep 300 & echo $!; trap '' TERM; echo $$; while :; do sleep 300; done";
        let begun = Instant::now();
        let (end, lines) = ran(line, Duration::from_millis(300), &Stop::default());
        assert_eq!(end, ShellEnd::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert!(lines.len() == 2 && lines.iter().all(|pid| ends(pid)), "{lines:?}");
    }

    /// Mutant tried: not waking who waits (it is over only with the limit).
    #[test]
    fn a_command_is_stopped_from_another_thread() {
        let stop = Stop::default();
        let mut pid = String::new();
        let stopper = stop.clone();
        let end = run(shell("echo $$; exec sleep 300", &std::env::temp_dir()), LONG, &stop, &mut |line| {
            pid = line.to_owned();
            let stopper = stopper.clone();
            std::thread::spawn(move || stopper.stop());
        });
        assert_eq!(end.expect("started"), ShellEnd::Stopped);
        assert!(ends(&pid), "{pid}");
        assert_eq!(ran("echo never", LONG, &stop), (ShellEnd::Stopped, Vec::new()), "asked before it began");
    }

    /// Mutant tried: leaving what is left behind alone.
    #[test]
    fn what_a_command_leaves_behind_is_ended() {
        let begun = Instant::now();
        let (end, lines) = ran("sleep 300 & echo $!", LONG, &Stop::default());
        assert!(end.is_success() && ends(&lines[0]), "{lines:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
