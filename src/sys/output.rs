//! A program that is run to its end while its output is told as it comes, and that can be stopped from elsewhere.
//!
//! Its two outputs are one pipe, so they come in the order in which they were written. One invariant: when
//! [`follow`] returns, no process of its group is left.

use std::io::{self, Read as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::process::{RunError, Signal, argv_of, signal_group};

/// How long a group may take to end that was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// How long the rest of the output is waited for once the group is gone: what ran away from it may hold the pipe.
const REST: Duration = Duration::from_millis(500);

/// How much may wait to be told before its writer waits.
const PIECES: usize = 64;

/// How a program came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// By itself.
    Ended(ExitStatus),
    /// It ran longer than it may, and was ended.
    TimedOut,
    /// Somebody had it stopped.
    Stopped,
}

#[derive(Debug)]
enum Happening {
    Output(Vec<u8>),
    /// There is no more output.
    Silent,
    Ended,
    Asked,
}

#[derive(Debug, Default)]
struct Asked {
    is: bool,
    tell: Option<SyncSender<Happening>>,
}

/// Stops what is followed, and what is to be followed after it. Its clones are one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Mutex<Asked>>);

impl Stop {
    /// Stops it. Does not wait for its end.
    pub fn stop(&self) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.is = true;
        if let Some(tell) = &asked.tell {
            // One who is busy with output looks by itself.
            let _ = tell.try_send(Happening::Asked);
        }
    }

    /// Whether somebody wants it stopped.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is
    }

    fn tells(&self, to: Option<SyncSender<Happening>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tell = to;
    }
}

/// Runs a command to its end, without standard input, in a process group of its own, and tells what it writes.
/// What of its group outlives it is ended with it.
///
/// # Errors
/// [`RunError`] when it can't be started or waited for.
pub fn follow(
    mut command: Command,
    limit: Duration,
    stop: &Stop,
    tell: &mut dyn FnMut(&[u8]),
) -> Result<Finish, RunError> {
    let argv = argv_of(&command);
    let failed = |source| RunError::Start { argv: argv.clone(), source };
    let (mut reader, writer) = io::pipe().map_err(failed)?;
    command.stdin(Stdio::null()).stdout(writer.try_clone().map_err(failed)?).stderr(writer);
    let mut child = command.spawn().map_err(failed)?;
    // Our own ends of the pipe go with it.
    drop(command);
    let group = child.id();
    let (sender, happenings) = mpsc::sync_channel(PIECES);
    let (told, ended) = (sender.clone(), sender.clone());
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            if told.send(Happening::Output(buffer[..count].to_vec())).is_err() {
                return;
            }
        }
        // Whoever listened is done.
        let _ = told.send(Happening::Silent);
    });
    std::thread::spawn(move || {
        // It is not reaped yet, so that its group is surely its own.
        wait_unreaped(group);
        let _ = ended.send(Happening::Ended);
    });
    stop.tells(Some(sender));
    let mut listening = Listening { happenings, silent: false, ended: false };
    let early = listening.hear_it_out(group, Instant::now() + limit, stop, tell);
    stop.tells(None);
    signal_group(group, Signal::SIGTERM);
    listening.rest(GRACE, tell);
    signal_group(group, Signal::SIGKILL);
    let status = child.wait().map_err(|source| RunError::Io { argv, source })?;
    listening.rest(REST, tell);
    Ok(early.unwrap_or(Finish::Ended(status)))
}

/// Blocks until a child of ours has ended, and leaves it to be reaped.
fn wait_unreaped(pid: u32) {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    // An error means that there is nothing to wait for.
    while matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {}
}

struct Listening {
    happenings: mpsc::Receiver<Happening>,
    silent: bool,
    ended: bool,
}

impl Listening {
    /// Up to the end of the child; why that came early.
    fn hear_it_out(
        &mut self,
        group: u32,
        mut until: Instant,
        stop: &Stop,
        tell: &mut dyn FnMut(&[u8]),
    ) -> Option<Finish> {
        let mut early = None;
        while !self.ended {
            let heard = self.hear(until, tell);
            let why = match heard {
                _ if early.is_none() && stop.is_asked() => Finish::Stopped,
                Err(RecvTimeoutError::Timeout) if early.is_none() => Finish::TimedOut,
                Err(RecvTimeoutError::Timeout) => {
                    signal_group(group, Signal::SIGKILL);
                    until = Instant::now() + GRACE;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Ok(()) => continue,
            };
            // One that came to its end by itself at this very moment has done so.
            if !self.ended {
                signal_group(group, Signal::SIGTERM);
                until = Instant::now() + GRACE;
                early = Some(why);
            }
        }
        early
    }

    /// What is left of the output, for a while.
    fn rest(&mut self, limit: Duration, tell: &mut dyn FnMut(&[u8])) {
        let until = Instant::now() + limit;
        while !self.silent && self.hear(until, tell).is_ok() {}
    }

    fn hear(&mut self, until: Instant, tell: &mut dyn FnMut(&[u8])) -> Result<(), RecvTimeoutError> {
        match self.happenings.recv_timeout(until.saturating_duration_since(Instant::now()))? {
            Happening::Output(bytes) => tell(&bytes),
            Happening::Silent => self.silent = true,
            Happening::Ended => self.ended = true,
            Happening::Asked => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::identity::{Identity, Liveness};
    use crate::sys::process::command;

    fn sh(line: &str) -> Command {
        let mut sh = command("sh");
        sh.args(["-c", line]);
        sh
    }

    fn run(line: &str, limit: Duration, stop: &Stop) -> (Finish, String) {
        let mut said = Vec::new();
        let finish = follow(sh(line), limit, stop, &mut |bytes| said.extend_from_slice(bytes));
        (finish.expect("it starts"), String::from_utf8_lossy(&said).into_owned())
    }

    const LONG: Duration = Duration::from_secs(60);

    fn code(finish: Finish) -> Option<i32> {
        match finish {
            Finish::Ended(status) => status.code(),
            _ => None,
        }
    }

    #[test]
    fn both_outputs_come_in_order_and_with_the_exit_code() {
        let (finish, said) = run("echo a; echo b >&2; echo c; exit 7", LONG, &Stop::default());
        assert_eq!((code(finish), said.as_str()), (Some(7), "a\nb\nc\n"));
        // It has no standard input to wait for.
        assert_eq!(code(run("cat", LONG, &Stop::default()).0), Some(0));
    }

    /// Mutant tried: not ending the group once its leader has ended.
    #[test]
    fn what_it_left_in_its_group_is_ended_with_it() {
        let begun = Instant::now();
        let (finish, said) = run("sleep 300 & echo $!", LONG, &Stop::default());
        assert_eq!(code(finish), Some(0));
        assert!(begun.elapsed() < Duration::from_secs(30));
        let pid: u32 = said.trim().parse().expect("a pid");
        let lives = || Identity::of(pid).is_some_and(|left| left.liveness() == Liveness::Alive);
        // It was sent the signal; that it is dead may take a moment.
        while lives() && begun.elapsed() < Duration::from_secs(30) {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        assert!(!lives(), "{pid} still runs");
    }

    #[test]
    fn it_is_ended_when_it_takes_too_long_though_it_ignores_that() {
        let (finish, said) =
            run("trap '' TERM; echo up; sleep 300", Duration::from_secs(1), &Stop::default());
        assert_eq!((finish, said.as_str()), (Finish::TimedOut, "up\n"));
    }

    /// Mutant tried: `stop` that only sets the mark.
    #[test]
    fn it_is_stopped_from_elsewhere_and_so_is_what_comes_after() {
        let stop = Stop::default();
        let begun = Instant::now();
        let finish = follow(sh("echo up; sleep 300"), LONG, &stop, &mut |_| {
            let stop = stop.clone();
            std::thread::spawn(move || stop.stop());
        });
        assert_eq!(finish.expect("it starts"), Finish::Stopped);
        assert!(begun.elapsed() < Duration::from_secs(30));
        assert!(stop.is_asked());
    }
}
