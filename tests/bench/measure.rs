//! Runs a program again and again, and takes its wall time, CPU time and peak memory.
//!
//! The runs are made by a copy of this program that does nothing else, since the system tells the
//! memory of ended children only as the most that any of them took.

use std::io::Write as _;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use work::sys::process;

use crate::support::env::TestEnv;

/// The first argument of the copy.
pub(crate) const MEASURE: &str = "--measure";
/// The first argument of a copy that replaces a file durably, once.
pub(crate) const RAW: &str = "--raw";

/// What some runs of one program took.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Runs {
    /// From before the start to after the end, each.
    pub(crate) wall: Vec<Duration>,
    /// User and system time, each.
    pub(crate) cpu: Vec<Duration>,
    /// The most memory that any of them had, in KiB.
    pub(crate) peak_kib: u64,
}

impl Runs {
    /// The wall time in the middle.
    pub(crate) fn median(&self) -> Duration {
        median(&self.wall)
    }

    fn add(&mut self, other: Self) {
        self.wall.extend(other.wall);
        self.cpu.extend(other.cpu);
        self.peak_kib = self.peak_kib.max(other.peak_kib);
    }
}

/// The one in the middle.
pub(crate) fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A program with its arguments; `{n}` in one stands for the number of the run.
pub(crate) type Argv = Vec<String>;

/// The arguments as an [`Argv`].
pub(crate) fn argv(words: &[&str]) -> Argv {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// `work` with these arguments.
pub(crate) fn work(args: &[&str]) -> Argv {
    argv(&[&[env!("CARGO_BIN_EXE_work")], args].concat())
}

/// One durable replacement of `file` by `size` bytes, in a process of its own.
pub(crate) fn raw(file: &str, size: u64) -> Argv {
    argv(&[&own_path(), RAW, file, &size.to_string()])
}

fn own_path() -> String {
    std::env::current_exe().expect("this program").to_string_lossy().into_owned()
}

/// Runs each program `times` times in `rounds` rounds, in turns, since the speed of a machine and its
/// disk changes from second to second.
pub(crate) fn in_turns(env: &TestEnv, programs: &[Argv], rounds: usize, times: usize) -> Vec<Runs> {
    let mut all = vec![Runs::default(); programs.len()];
    for round in 0..rounds {
        for (program, runs) in programs.iter().zip(&mut all) {
            let mut args = argv(&[MEASURE, &times.to_string(), &(round * times).to_string()]);
            args.extend(program.iter().cloned());
            let output = env.run(own_path(), &env.repo_dir(), args).ok();
            runs.add(serde_json::from_str(&output.stdout).expect("the runs as JSON"));
        }
    }
    all
}

/// The copy that runs a program: `TIMES FIRST PROGRAM ARGS…`.
pub(crate) fn measure(args: &[String]) -> ExitCode {
    let [times, first, program, args @ ..] = args else { return ExitCode::FAILURE };
    let (times, first): (usize, usize) = (times.parse().expect("a number"), first.parse().expect("a number"));
    let mut runs = Runs::default();
    for number in first..first + times {
        let mut command = process::command(program);
        command.args(args.iter().map(|arg| arg.replace("{n}", &number.to_string()))).stdout(Stdio::null());
        let (cpu, begun) = (cpu_of_children(), Instant::now());
        let status = command.status().expect("it starts");
        runs.wall.push(begun.elapsed());
        runs.cpu.push(cpu_of_children().saturating_sub(cpu));
        assert!(status.success(), "{program} {args:?}: {status}");
    }
    let most = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the usage of children").max_rss();
    let unit = if cfg!(target_os = "macos") { 1024 } else { 1 };
    runs.peak_kib = u64::try_from(most).unwrap_or(0) / unit;
    let json = serde_json::to_string(&runs).expect("plain numbers");
    writeln!(std::io::stdout(), "{json}").map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

fn cpu_of_children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the usage of children");
    let time = |time: nix::sys::time::TimeVal| {
        let (seconds, micros) = (time.tv_sec(), time.tv_usec());
        Duration::from_micros(
            u64::try_from(seconds).unwrap_or(0) * 1_000_000 + u64::try_from(micros).unwrap_or(0),
        )
    };
    time(usage.user_time()) + time(usage.system_time())
}

/// The copy that replaces a file: `FILE SIZE`.
pub(crate) fn replace(args: &[String]) -> ExitCode {
    let [file, size] = args else { return ExitCode::FAILURE };
    let bytes = vec![b'x'; size.parse().expect("a size")];
    let done = work::sys::atomic::write_atomic(file.as_ref(), &bytes);
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
