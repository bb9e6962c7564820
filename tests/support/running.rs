//! Commands that run, and what they leave.

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};

use serde_json::Value;
use work::sys::process::{self, Signal};

use super::wait::{PATIENCE, wait_for};

/// What a program left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    /// The exit code; 128 and more for a signal, as a shell says it.
    pub(crate) code: i32,
}

impl Output {
    /// Of a program that has ended.
    pub(crate) fn of(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Self {
        Self {
            stdout: String::from_utf8_lossy(stdout).into_owned(),
            stderr: String::from_utf8_lossy(stderr).into_owned(),
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        }
    }

    /// The same, when it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }

    /// The one JSON document that it printed.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// The lines that it printed, each a JSON document.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// A command that runs in the background. Dropped, it is killed.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts it as it is.
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        Self { child: command.spawn().expect("it starts") }
    }

    /// Starts it with pipes, and with nothing to read.
    #[track_caller]
    pub(crate) fn piped(command: &mut Command) -> Self {
        Self::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Its process id.
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
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        if let Some(mut pipe) = self.child.stdout.take() {
            let _ = pipe.read_to_end(&mut stdout);
        }
        if let Some(mut pipe) = self.child.stderr.take() {
            let _ = pipe.read_to_end(&mut stderr);
        }
        Output::of(status, &stdout, &stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
