//! The main job, as a stranger sees it first: one command, the real opencode, real tmux windows.

use std::time::Duration;

use work::sys::{env, process};

use crate::support::env::TestEnv;

/// The script checks by itself what the agents did, and that nothing is left behind.
#[test]
fn the_quickstart_runs_to_the_end_of_its_plan_and_leaves_nothing_behind() {
    let machine = TestEnv::new();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart.sh");
    let mut command = machine.command("bash");
    command.args([script, "--clean"]);
    // Rust's own programs lie below the home of who runs this.
    let home = env::raw("HOME").expect("a home");
    for (name, below) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let folder =
            env::raw(name).unwrap_or_else(|| std::path::Path::new(&home).join(below).into_os_string());
        command.env(name, folder);
    }
    for name in ["RUSTUP_TOOLCHAIN", "CARGO_TARGET_DIR"] {
        command.envs(env::raw(name).map(|value| (name, value)));
    }
    let output = process::run(command, None, Duration::from_secs(300)).expect("it runs to its end");
    let (said, errors) = (output.text(), output.error_text());
    assert!(output.status.success(), "{said}\n{errors}");
    for line in [
        "  01.01.01  completed   Greeting  (the agent ended its turn)",
        "  01.01.03  failed      Manual  (failed: auth: scripted status 401)",
        "  02.01.01  completed   Everybody  (the agent ended its turn)",
        "  ok  no process and no file is left",
    ] {
        assert!(said.lines().any(|found| found == line), "`{line}` is missing in:\n{said}\n{errors}");
    }
}
