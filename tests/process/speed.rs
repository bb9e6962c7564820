//! Generous bounds on time, for a debug build on a loaded machine: they catch what grows with the
//! square of the number of tasks. `cargo bench` measures properly.

use std::time::{Duration, Instant};

use crate::support::env::TestEnv;
use crate::support::streams;

/// The least of some runs: whatever else the machine does only adds to it.
fn least(env: &TestEnv, args: &[&str]) -> Duration {
    let once = || {
        let begun = Instant::now();
        env.work(args).ok();
        begun.elapsed()
    };
    (0..3).map(|_| once()).min().expect("some runs")
}

/// Ten times as many tasks take at most some ten times as long.
///
/// Mutant that makes it fail: looking each thread up by going through all of them, ten times.
#[test]
fn time_grows_with_the_number_of_tasks_and_not_with_its_square() {
    let (small, large) = (TestEnv::new(), TestEnv::new());
    streams::half_done(&small, 1_000);
    streams::half_done(&large, 10_000);
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["status", "--sessions"],
        &["tree"],
        &["validate"],
        &["prompt", "--thread", "01.01.01"],
        &["update", "--task", "01.01.01.01", "--status", "in_progress"],
        &["approve", "plan", "--yes"],
    ] {
        let (few, many) = (least(&small, args), least(&large, args));
        println!("{args:?}: {few:.1?} for 1,000 tasks, {many:.1?} for 10,000");
        assert!(few < Duration::from_secs(1), "{args:?} took {few:?}");
        assert!(many < few * 20, "{args:?} took {few:?} for 1,000 tasks and {many:?} for 10,000");
    }
}

/// A thousand attempts are looked at in one go, also where each is judged by what came after it.
///
/// Mutant: `report` copies the whole stream for each of its threads (`status` takes 1.6 s).
#[test]
fn many_attempts_are_no_burden() {
    let env = TestEnv::new();
    streams::many_sessions(&env);
    for args in [
        &["status"][..],
        &["status", "--sessions"],
        &["session", "list"],
        &["why", "01.10.20"],
        &["fix", "--json"],
    ] {
        let took = least(&env, args);
        println!("{args:?}: {took:.1?}");
        assert!(took < Duration::from_secs(1), "{args:?} took {took:?}");
    }
}
