//! How fast `work` is, beside what is wanted of it.
//!
//!     npm install --no-save --prefix tests/agents      # once, for the turns
//!     cargo bench                       # everything, some two minutes
//!     cargo bench -- state --strict     # one part; exit code 1 when something wanted is missed
//!
//! The parts are `state`, `supervisor`, `changes`, `turns`, `warm` and `memory`. Times are of whole processes, from before the start
//! to after the exit, with their output thrown away; memory is the most that was resident.
//!
//! "Raw" is what the same machine does in the same run without `work`: for the state, a process that
//! replaces a file of the same size durably (temporary file, fsync, rename, fsync of the folder); for
//! turns, the calls that prompt the same `opencode serve` and follow its events until the session rests.
//! A disk's fsync changes tenfold under load, so only the ratio to raw means something elsewhere.
//!
//! The turns run the real, pinned opencode with the scripted model, which answers at once, and with an
//! empty catalogue of models (`OPENCODE_MODELS_PATH` names a file with `{}`), which makes both sides as quick
//! as they can be; two rows have the catalogue that is built into opencode, as people have it. What is
//! timed is therefore everything but the model, on both sides.
//!
//! Where others work on the same machine, times say little. What a command computes can be counted all the
//! same: `valgrind --tool=callgrind work status` counts its instructions to some thousands, and
//! `strace -f -c work status` its calls of the system. (valgrind knows no instructions for SHA-256, so the
//! seal of a plan looks dear there, and is not.)
//!
//! Everything happens in a temporary folder with an environment of its own, and on the loopback.
#![expect(clippy::print_stdout, reason = "the table")]

mod background;
mod changes;
mod measure;
mod memory;
mod processes;
mod state;
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
#[path = "../support/mod.rs"]
mod support;
mod table;
mod turns;
mod warm;

use std::path::Path;
use std::process::ExitCode;

use table::{Row, draw};

/// A part of the benchmark.
type Part = (&'static str, &'static str, fn() -> Vec<Row>);

const PARTS: &[Part] = &[
    ("state", "State", state::alone),
    ("state", "Many at once", state::many_at_once),
    ("supervisor", "Supervisor", background::rows),
    ("changes", "Changes", changes::large),
    ("turns", "Turns", turns::rows),
    ("warm", "ACP agents", warm::rows),
    ("memory", "Memory", memory::rows),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((first, rest)) if first == measure::MEASURE => measure::measure(rest),
        Some((first, rest)) if first == measure::RAW => measure::replace(rest),
        _ => bench(&args),
    }
}

fn bench(args: &[String]) -> ExitCode {
    // `--bench` is what cargo says to every benchmark.
    let wanted: Vec<&String> = args.iter().filter(|arg| !arg.starts_with("--")).collect();
    if let Some(unknown) = wanted.iter().find(|part| PARTS.iter().all(|(name, ..)| name != *part)) {
        println!(
            "there is no part `{unknown}`; the parts are state, supervisor, changes, turns, warm and memory"
        );
        return ExitCode::FAILURE;
    }
    let mut misses = 0;
    for (name, title, rows) in PARTS {
        if !wanted.is_empty() && !wanted.iter().any(|part| part == name) {
            continue;
        }
        if ["turns", "warm", "memory"].contains(name) {
            build_model();
        }
        let rows = rows();
        misses += rows.iter().filter(|row| row.misses()).count();
        println!("\n{}", draw(title, &rows));
    }
    println!(
        "{}",
        if misses == 0 { "all as wanted".to_owned() } else { format!("{misses} rows miss what is wanted") }
    );
    let strict = args.iter().any(|arg| arg == "--strict");
    if strict && misses > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Builds the scripted model server beside us, which `cargo bench` does not.
fn build_model() {
    let cargo = work::sys::env::raw("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = work::sys::process::command(cargo);
    command.args(["build", "--quiet", "--release", "--example", "scripted-model"]);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(command.status().expect("cargo starts").success(), "the scripted model could not be built");
}
