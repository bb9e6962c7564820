//! Who a process is: pid, start time, boot and host together. A pid alone is a rumour.
//!
//! Sources: `proc_pid_stat(5)` field 22 (start time in clock ticks after boot), field 3 (state);
//! `/proc/sys/kernel/random/boot_id`. On macOS `ps` and `sysctl` tell the same.

use std::path::Path;

/// A process, told apart from every other that has or will ever have its pid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Process id.
    pub pid: u32,
    /// When the kernel started it; compared for equality only.
    pub started_at: u64,
    /// The boot it runs in.
    pub boot_id: String,
    /// The host's name.
    pub host: String,
}

/// What can be told of a process from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It is this very process, and it runs, sleeps or is stopped.
    Alive,
    /// It is gone, a zombie, of another boot, or its pid belongs to someone else.
    Dead,
    /// It lives, or lived, on another host; nothing can be told from here.
    Elsewhere,
}

impl Identity {
    /// This process.
    #[must_use]
    pub fn current() -> Self {
        Self::of(std::process::id()).unwrap_or_else(|| Self {
            pid: std::process::id(),
            started_at: 0,
            boot_id: boot_id(),
            host: host(),
        })
    }

    /// The process that has `pid` now, unless it is a zombie or there is none.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        start_time(pid).map(|started_at| Self { pid, started_at, boot_id: boot_id(), host: host() })
    }

    /// Whether it still lives.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        if self.host != host() {
            return Liveness::Elsewhere;
        }
        if self.boot_id == boot_id() && start_time(self.pid) == Some(self.started_at) {
            Liveness::Alive
        } else {
            Liveness::Dead
        }
    }
}

/// The host's name.
#[must_use]
pub fn host() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The id of this boot; in a container, still the one of the machine's kernel.
#[cfg(target_os = "linux")]
#[must_use]
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// The id of this boot.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn boot_id() -> String {
    super::process::output_of("sysctl", &["-n", "kern.bootsessionuuid"]).unwrap_or_default().trim().to_owned()
}

/// Start time of a live process; `None` for no process and for zombies.
#[cfg(target_os = "linux")]
fn start_time(pid: u32) -> Option<u64> {
    parse_stat(&std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?)
}

/// Start time of a live process, as `ps` prints it, hashed to a number.
#[cfg(not(target_os = "linux"))]
fn start_time(pid: u32) -> Option<u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let line = super::process::output_of("ps", &["-o", "stat=,lstart=", "-p", &pid.to_string()])?;
    let (state, started) = line.trim().split_once(' ')?;
    let mut hasher = DefaultHasher::new();
    started.trim().hash(&mut hasher);
    (!state.starts_with('Z')).then(|| hasher.finish())
}

/// State and start time of a `/proc/PID/stat` line. The command's name may hold spaces and brackets,
/// so fields are counted from the last `)`.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has this file"))]
fn parse_stat(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_past_a_hostile_name() {
        let line = |state: &str| {
            format!("42 (a) Z 1 (b) {state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20")
        };
        assert_eq!(parse_stat(&line("S")), Some(777));
        assert_eq!(parse_stat(&line("T")), Some(777));
        assert_eq!(parse_stat(&line("Z")), None);
        assert_eq!(parse_stat("garbage"), None);
    }

    #[test]
    fn a_process_is_more_than_its_pid() {
        let me = Identity::current();
        assert_eq!(me.liveness(), Liveness::Alive);
        assert_eq!(Identity { started_at: me.started_at + 1, ..me.clone() }.liveness(), Liveness::Dead);
        assert_eq!(Identity { boot_id: "another".into(), ..me.clone() }.liveness(), Liveness::Dead);
        assert_eq!(Identity { host: "another".into(), ..me }.liveness(), Liveness::Elsewhere);
    }
}
