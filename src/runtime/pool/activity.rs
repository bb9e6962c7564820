//! Who uses an agent process, and since when nobody does.
//!
//! One invariant: as long as a lease lives, its process is in use, whatever becomes of the turn.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

/// What somebody uses it for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    /// It is to be started, or a session opened.
    Start,
    /// A turn.
    Work,
    /// A turn in which it waits for a person.
    Ask,
}

/// How a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It is being started.
    Starting,
    /// It works.
    Busy,
    /// It waits for a person.
    Waiting,
    /// Nobody uses it.
    Idle(Instant),
}

/// All that is known of the use of one process.
#[derive(Debug)]
struct Activity {
    leases: Vec<(u64, For)>,
    next: u64,
    idle_since: Instant,
}

/// The use of one process. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(super) struct InUse {
    activity: Arc<Mutex<Activity>>,
    /// Who is told when it is in use no more.
    freed: Arc<Notify>,
}

impl InUse {
    /// A process that nobody uses yet.
    pub(super) fn new(freed: Arc<Notify>) -> Self {
        let activity = Activity { leases: Vec::new(), next: 0, idle_since: Instant::now() };
        Self { activity: Arc::new(Mutex::new(activity)), freed }
    }

    /// Begins to use it.
    pub(super) fn lease(&self) -> Lease {
        let id = self.with(|activity| {
            activity.next += 1;
            activity.leases.push((activity.next, For::Start));
            activity.next
        });
        Lease { of: self.clone(), id }
    }

    /// How it stands: it is busy as soon as one of its turns is.
    pub(super) fn now(&self) -> Use {
        self.with(|activity| {
            let any = |what| activity.leases.iter().any(|(_, used)| *used == what);
            if activity.leases.is_empty() {
                Use::Idle(activity.idle_since)
            } else if any(For::Work) {
                Use::Busy
            } else if any(For::Ask) {
                Use::Waiting
            } else {
                Use::Starting
            }
        })
    }

    /// Since when nobody uses it.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        match self.now() {
            Use::Idle(since) => Some(since),
            Use::Starting | Use::Busy | Use::Waiting => None,
        }
    }

    fn with<T>(&self, what: impl FnOnce(&mut Activity) -> T) -> T {
        what(&mut self.activity.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, id: u64, what: For) {
        self.with(|activity| {
            activity.leases.iter_mut().filter(|(one, _)| *one == id).for_each(|(_, used)| *used = what);
        });
    }

    fn end(&self, id: u64) {
        self.with(|activity| {
            activity.leases.retain(|(one, _)| *one != id);
            activity.idle_since = Instant::now();
        });
        self.freed.notify_one();
    }
}

/// Somebody uses a process; dropped, they do no more.
#[derive(Debug)]
pub(in crate::runtime) struct Lease {
    of: InUse,
    id: u64,
}

impl Lease {
    /// Its session is open, and a turn begins; or it waits for a person, or does so no more.
    pub(in crate::runtime) fn waits(&self, waits: bool) {
        self.of.set(self.id, if waits { For::Ask } else { For::Work });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.of.end(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tried mutants: no `Drop` of a lease; one that waits counts before one that works.
    #[tokio::test]
    async fn it_is_in_use_until_the_last_lease_is_dropped_and_then_says_so() {
        let freed = Arc::new(Notify::new());
        let process = InUse::new(Arc::clone(&freed));
        assert!(process.idle_since().is_some());
        let one = process.lease();
        assert_eq!(process.now(), Use::Starting);
        let two = process.lease();
        one.waits(true);
        assert_eq!(process.now(), Use::Waiting);
        two.waits(false);
        assert_eq!(process.now(), Use::Busy);
        drop(two);
        assert_eq!(process.now(), Use::Waiting);
        let before = Instant::now();
        drop(one);
        assert!(process.idle_since().is_some_and(|since| since >= before));
        // Whoever asks later is told as well.
        freed.notified().await;
    }
}
