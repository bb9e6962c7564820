//! What processes cost and how old they are, for people to look at.
//!
//! Sources: `proc_pid_status(5)` (`VmRSS`), `proc_pid_stat(5)` field 22 and `proc_uptime(5)`; elsewhere `ps`.
//! One invariant: a process that is gone costs nothing, and is no error.

use std::time::Duration;

/// The resident memory of these processes together, in bytes; pages that they share count for each of
/// them. `None` when none of them is there.
#[cfg(target_os = "linux")]
#[must_use]
pub fn memory(pids: &[u32]) -> Option<u64> {
    let of = |pid: &u32| resident(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?);
    pids.iter().filter_map(of).reduce(|sum, one| sum + one)
}

/// The resident memory of these processes together, in bytes; pages that they share count for each of
/// them. `None` when none of them is there.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn memory(pids: &[u32]) -> Option<u64> {
    let list: Vec<String> = pids.iter().map(ToString::to_string).collect();
    let lines = super::process::output_of("ps", &["-o", "rss=", "-p", &list.join(",")])?;
    let kilobytes = lines.lines().filter_map(|line| line.trim().parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1024).reduce(|sum, one| sum + one)
}

/// How long a process has lived, to the hundredth of a second; `None` when it is gone.
#[cfg(target_os = "linux")]
#[must_use]
pub fn age(pid: u32) -> Option<Duration> {
    // In hundredths of a second, which the kernel shows to programs whatever its own clock is.
    let begun = super::identity::Identity::of(pid)?.started_at;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let now: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Duration::try_from_secs_f64(now).ok()?.saturating_sub(Duration::from_millis(begun * 10)))
}

/// How long a process has lived, to the second; `None` when it is gone.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn age(pid: u32) -> Option<Duration> {
    elapsed(super::process::output_of("ps", &["-o", "etime=", "-p", &pid.to_string()])?.trim())
}

/// What a folder takes on the disk with all that is in it, in bytes. What can't be looked at costs nothing.
#[must_use]
pub fn disk(folder: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
        .map(|(path, meta)| meta.blocks() * 512 + if meta.is_dir() { disk(&path) } else { 0 })
        .sum()
}

/// `VmRSS` of a `/proc/PID/status`, in bytes. A zombie has none.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has this file"))]
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The elapsed time of `ps`: `[[DAYS-]HOURS:]MINUTES:SECONDS`.
#[cfg_attr(target_os = "linux", cfg_attr(not(test), expect(dead_code, reason = "Linux tells it by itself")))]
fn elapsed(text: &str) -> Option<Duration> {
    let (days, rest) = text.split_once('-').unwrap_or(("0", text));
    let clock = rest.split(':').try_fold(0_u64, |sum, part| Some(sum * 60 + part.parse::<u64>().ok()?))?;
    Some(Duration::from_secs(days.parse::<u64>().ok()? * 86_400 + clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read() {
        assert_eq!(resident("Name:\ta\nVmRSS:\t    1200 kB\nThreads:\t1\n"), Some(1_228_800));
        assert_eq!(resident("Name:\ta\nState:\tZ (zombie)\n"), None);
        for (text, seconds) in [("00:07", 7), ("12:00", 720), ("1:00:00", 3_600), ("02-03:04:05", 183_845)] {
            assert_eq!(elapsed(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(elapsed("soon"), None);
    }

    #[test]
    fn we_cost_something_and_are_not_old() {
        let own = std::process::id();
        let alone = memory(&[own]).expect("we are here");
        assert!((1 << 20..1 << 40).contains(&alone), "{alone}");
        assert!(memory(&[own, own]).is_some_and(|twice| twice > alone));
        assert!(age(own).is_some_and(|age| age < Duration::from_secs(3600)), "{:?}", age(own));
        assert_eq!((memory(&[]), memory(&[u32::MAX]), age(u32::MAX)), (None, None, None));
    }
}
