//! `status` and `update`, alone and many at once.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

use work::store::Store;
use work::sys::clock::Clock;

use super::measure::{self, Runs, in_turns, raw, work};
use super::table::{Row, mib, ms};
use crate::support::env::TestEnv;
use crate::support::streams;

/// How many processes report at once.
const WRITERS: usize = 64;

/// `status` and `update` of streams of all sizes.
pub(crate) fn alone() -> Vec<Row> {
    let mut rows: Vec<Row> = [10, 1_000, 10_000].into_iter().flat_map(of_size).collect();
    rows.extend(of_sessions());
    rows
}

/// `status` of many attempts, and how soon `status --watch` shows a change.
fn of_sessions() -> Vec<Row> {
    let env = TestEnv::new();
    let dir = streams::many_sessions(&env);
    let mut runs = in_turns(&env, &[work(&["status"]), work(&["status", "--sessions"])], 8, 10).into_iter();
    let (Some(status), Some(sessions)) = (runs.next(), runs.next()) else { return Vec::new() };
    let mut command = env.command(env!("CARGO_BIN_EXE_work"));
    command.args(["status", "--watch", "--json"]).current_dir(env.repo_dir());
    let mut watching = command.stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(watching.stdout.take().expect("piped")).lines();
    lines.next().expect("the first look").expect("a line");
    let store = Store::open(&dir, Clock::System);
    let mut seen = Runs::default();
    for round in 0..40 {
        let changed = store.transact(|stream| {
            stream.name = format!("Round {round}");
            Ok::<_, std::convert::Infallible>(())
        });
        changed.expect("written");
        let begun = Instant::now();
        lines.next().expect("the next look").expect("a line");
        seen.wall.push(begun.elapsed());
    }
    watching.kill().expect("it runs");
    watching.wait().expect("its end");
    let within = |runs: &Runs, limit: u64| runs.median() <= Duration::from_millis(limit);
    vec![
        Row::of("status of 200 threads, 1,000 sessions", &status).wanted("≤ 10 ms", within(&status, 10)),
        Row::of("status --sessions of the same", &sessions),
        Row::of("status --watch of the same, from a change on disk", &seen)
            .wanted("≤ 20 ms", within(&seen, 20)),
    ]
}

fn of_size(tasks: usize) -> Vec<Row> {
    let env = TestEnv::new();
    let dir = streams::half_done(&env, tasks);
    let size = fs::metadata(dir.join("tasks.json")).expect("a state").len();
    let raw_file = dir.join("raw");
    let report = "--report=Run {n} changed the reader.";
    let programs = [
        work(&["status"]),
        work(&["update", "--task", "01.01.01.01", "--status", "in_progress", report]),
        raw(&raw_file.to_string_lossy(), size),
    ];
    let (rounds, times) = if tasks > 1_000 { (5, 4) } else { (8, 10) };
    let [status, update, raw] =
        in_turns(&env, &programs, rounds, times).try_into().expect("as many as asked for");
    let mut shown = Row::of(format!("status of {tasks} tasks"), &status);
    if tasks == 1_000 {
        shown = shown.wanted("≤ 6 ms", status.median() <= Duration::from_millis(6));
        shown = shown.wanted("≤ 10 MiB", status.peak_kib <= 10 * 1024);
    }
    let over = update.median().saturating_sub(raw.median());
    let mut updated = Row::of(format!("update of one of {tasks} tasks"), &update).ratio(format!(
        "+ {} ({:.2} ×)",
        ms(over),
        ratio(&update, &raw)
    ));
    if tasks <= 1_000 {
        updated = updated.wanted("≤ raw + 5 ms", over <= Duration::from_millis(5));
    }
    vec![shown, updated, Row::of(format!("raw durable replace of {}", mib(size / 1024)), &raw)]
}

fn ratio(ours: &Runs, raw: &Runs) -> f64 {
    ours.median().as_secs_f64() / raw.median().as_secs_f64()
}

/// Updates of as many tasks by as many processes at once, beside as many raw replacements in a loop.
pub(crate) fn many_at_once() -> Vec<Row> {
    [640, 1_000].into_iter().flat_map(many_of).collect()
}

fn many_of(tasks: usize) -> Vec<Row> {
    let env = TestEnv::new();
    let dir = if tasks == 1_000 {
        streams::half_done(&env, tasks)
    } else {
        streams::approved(&env, &streams::plan(1, 1, WRITERS, tasks / WRITERS, "Do it.\n\n"))
    };
    let store = Store::open(&dir, Clock::System);
    let ids: Vec<String> = store
        .read()
        .expect("a state")
        .threads
        .iter()
        .flat_map(|thread| &thread.tasks)
        .step_by(tasks / WRITERS)
        .take(WRITERS)
        .map(|task| task.id.to_string())
        .collect();
    assert_eq!(ids.len(), WRITERS);
    let size = fs::metadata(dir.join("tasks.json")).expect("a state").len();
    let raw_file = dir.join("raw").to_string_lossy().into_owned();
    let (mut ours, mut raws, mut kept, mut refused) = (Vec::new(), Vec::new(), WRITERS, 0);
    for round in 0..5 {
        let begun = Instant::now();
        for _ in 0..WRITERS {
            let raw = measure::raw(&raw_file, size);
            assert_eq!(start(&env, &raw).wait().expect("its end").code(), Some(0));
        }
        raws.push(begun.elapsed());
        let report = format!("Reported in round {round}.");
        let begun = Instant::now();
        let updates: Vec<_> = ids
            .iter()
            .map(|id| {
                start(&env, &work(&["update", "--task", id, "--status", "in_progress", "--report", &report]))
            })
            .collect();
        for mut update in updates {
            refused += usize::from(!update.wait().expect("its end").success());
        }
        ours.push(begun.elapsed());
        let stream = store.read().expect("a valid state");
        let reported = |task: &&work::model::Task| task.report.as_deref() == Some(&report);
        let tasks = stream.threads.iter().flat_map(|thread| &thread.tasks);
        kept = kept.min(tasks.filter(reported).count());
    }
    let (ours, raws) = (measure::median(&ours), measure::median(&raws));
    let share = raws.as_secs_f64() / ours.as_secs_f64();
    let rate = |time: Duration| format!("{:.0} a second", 64.0 / time.as_secs_f64());
    vec![
        Row::new(
            format!("{WRITERS} updates at once, of {tasks} tasks in {}", mib(size / 1024)),
            format!("{} for all, {}", ms(ours), rate(ours)),
        )
        .memory(format!("kept {kept}, refused {refused}"))
        .ratio(format!("{:.0} % of its rate", share * 100.0))
        .wanted("64 of 64", kept == WRITERS && refused == 0)
        .wanted("≥ 35 %", share >= 0.35),
        Row::new(
            format!("{WRITERS} raw replacements of {}", mib(size / 1024)),
            format!("{}, {}", ms(raws), rate(raws)),
        ),
    ]
}

fn start(env: &TestEnv, program: &[String]) -> std::process::Child {
    let mut command = env.command(&program[0]);
    command.args(&program[1..]).current_dir(env.repo_dir()).stdout(std::process::Stdio::null());
    command.spawn().expect("it starts")
}
