//! What `/proc` tells of processes that run.

use std::collections::BTreeMap;
use std::fs;

fn number(text: &str, name: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn read(pid: u32, name: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default()
}

/// How many threads it has.
pub(crate) fn threads(pid: u32) -> u64 {
    number(&read(pid, "status"), "Threads")
}

/// How often its threads went to sleep by themselves, and so woke up.
pub(crate) fn wake_ups(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks
        .map(|task| fs::read_to_string(task.path().join("status")).unwrap_or_default())
        .map(|status| number(&status, "voluntary_ctxt_switches"))
        .sum()
}

/// The memory that it has now.
pub(crate) fn resident_kib(pid: u32) -> u64 {
    number(&read(pid, "status"), "VmRSS")
}

/// How many processes of each name there are among these, and their memory, what they share counted
/// once.
pub(crate) fn by_name(pids: &[u32]) -> BTreeMap<String, (usize, u64)> {
    let mut found = BTreeMap::new();
    for &pid in pids {
        let name = read(pid, "comm").trim().to_owned();
        let (count, kib): &mut (usize, u64) = found.entry(name).or_default();
        *count += 1;
        *kib += number(&read(pid, "smaps_rollup"), "Pss");
    }
    found
}
