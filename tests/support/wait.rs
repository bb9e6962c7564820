//! Waiting for a condition, with a deadline. Tests never sleep for luck.

use std::time::{Duration, Instant};

/// How long any one thing may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not hold within `limit`; the message says `what` was waited for.
#[track_caller]
pub(crate) fn wait_until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    wait_for(what, limit, || condition().then_some(()));
}

/// Waits until `probe` finds something, and returns it.
///
/// # Panics
/// When it finds nothing within `limit`; the message says `what` was waited for.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} for {what}");
        // Probes may cost a request, so the pauses grow; a parked thread may also wake early.
        std::thread::park_timeout(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}
