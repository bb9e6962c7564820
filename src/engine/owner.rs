//! Who runs an attempt, and whether they still live: the bridge between record and process.

use crate::model::Owner;
use crate::sys::identity::{Identity, Liveness};

/// This process as an owner.
#[must_use]
pub fn current() -> Owner {
    let Identity { pid, started_at, boot_id, host } = Identity::current();
    Owner { pid, started_at, boot_id, host }
}

/// Whether the owner may still be at work. One on another host is given the benefit of the doubt:
/// nothing can be told from here.
#[must_use]
pub fn is_alive(owner: &Owner) -> bool {
    liveness(owner) != Liveness::Dead
}

/// What can be told of an owner from here.
#[must_use]
pub fn liveness(owner: &Owner) -> Liveness {
    let Owner { pid, started_at, boot_id, host } = owner.clone();
    Identity { pid, started_at, boot_id, host }.liveness()
}
