//! Named points at which a test kills this very process, as `kill -9` or a power cut would.
//!
//! `WORK_FAULT=NAME` kills at the first time that the point is reached, `WORK_FAULT=NAME:N` at the
//! Nth. Only debug builds look; in a release build a point is nothing at all. One invariant: every
//! point that exists is in [`ALL`], so that a test can visit each of them.

/// Every point; those of one write in the order in which it comes to them.
pub const ALL: &[&str] = &[
    "store.locked",
    "store.changed",
    "store.kept-v1",
    "atomic.created",
    "atomic.written",
    "atomic.synced",
    "atomic.renamed",
    "store.written",
    "store.copied",
    "store.unlocked",
    "store.durable",
    "jobs.locked",
    "jobs.changed",
    "jobs.written",
    "jobs.copied",
    "jobs.unlocked",
    "jobs.durable",
    "journal.appended",
    "import.copied",
    "import.placed",
    "worktree.based",
    "worktree.added",
    "worktree.copied",
    "worktree.ready",
    "worktree.unready",
    "worktree.gone",
    "changes.kept",
    "changes.marked",
    "apply.begun",
    "place.staged",
    "place.removed",
    "place.placed",
    "apply.placed",
    "apply.done",
    "together.begun",
    "together.placed",
    "together.moved",
    "undo.begun",
    "undo.placed",
    "drop.marked",
    "check.claimed",
    "check.done",
];

/// Kills the process here if `WORK_FAULT` asks for it.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The point that is asked for, and at which visit.
    static ASKED: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let asked = super::env::raw("WORK_FAULT")?.into_string().ok()?;
        Some(match asked.rsplit_once(':').and_then(|(name, nth)| Some((name, nth.parse().ok()?))) {
            Some((name, nth)) => (name.to_owned(), nth),
            None => (asked, 1),
        })
    });
    static VISITS: AtomicU32 = AtomicU32::new(0);

    debug_assert!(ALL.contains(&name), "the fault point `{name}` is missing in `ALL`");
    if let Some((asked, nth)) = &*ASKED
        && asked == name
        && VISITS.fetch_add(1, Ordering::Relaxed) + 1 == *nth
    {
        // Nothing is flushed and nothing is dropped, which is the point.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL);
        std::process::abort();
    }
}

/// Nothing: a release build has no fault points.
#[cfg(not(debug_assertions))]
#[inline]
pub fn point(_name: &str) {}
