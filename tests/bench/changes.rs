//! Snapshots and forecasts of a repository with 50,000 files.

use std::fs;
use std::time::Instant;

use work::config::WorktreeSettings;
use work::engine::Workspace;
use work::engine::changes::Desk;
use work::model::{StreamId, ThreadId, TurnMark};
use work::sys::clock::Clock;

use super::measure::Runs;
use super::table::Row;
use crate::support::env::TestEnv;

/// How many files, in folders of a hundred.
const FILES: usize = 50_000;

/// A snapshot of a warm checkout, and the forecast of a change.
pub(crate) fn large() -> Vec<Row> {
    let env = TestEnv::new();
    let repo = env.repo();
    for number in 0..FILES {
        env.write(format!("repo/d{:03}/f{number}", number / 100), format!("file {number}\n"));
    }
    env.git(&repo, &["add", "--all"]);
    env.git(&repo, &["commit", "--quiet", "--message=many"]);
    let workspace = Workspace::find(&repo, None, Clock::System).expect("a repository");
    let desk = Desk::open_with(&workspace, env.home()).expect("a desk");
    let stream: StreamId = "001-many".parse().expect("an id");
    let thread: ThreadId = "01.01.01".parse().expect("an id");
    let settings = WorktreeSettings::default();
    let mut made = Runs::default();
    let begun = Instant::now();
    let tree = desk.ensure_worktree(&stream, thread, &settings, &mut |_| {}).expect("made");
    made.wall.push(begun.elapsed());
    #[expect(clippy::disallowed_methods, reason = "no reader is near")]
    fs::write(tree.join("d000/f1"), "changed\n").expect("written");
    let (mut kept, mut listed) = (Runs::default(), Runs::default());
    for turn in 1..=5 {
        let mark = TurnMark {
            turn,
            agent: "bench".to_owned(),
            model: "a/b".to_owned(),
            session: None,
            status: "completed".to_owned(),
            outside: Vec::new(),
        };
        let begun = Instant::now();
        desk.keep_turn(&stream, thread, mark).expect("kept").expect("a turn");
        kept.wall.push(begun.elapsed());
        let begun = Instant::now();
        assert_eq!(desk.list(None).expect("listed").len(), 1);
        listed.wall.push(begun.elapsed());
    }
    let within = |runs: &Runs, limit: u64| runs.median() <= std::time::Duration::from_millis(limit);
    vec![
        Row::of("a worktree of 50,000 files, made", &made),
        Row::of("what a turn left in it, kept", &kept).wanted("≤ 1 s", within(&kept, 1_000)),
        Row::of("`work changes`: main snapshot and forecast", &listed)
            .wanted("≤ 0.5 s more", within(&listed, 1_500)),
    ]
}
