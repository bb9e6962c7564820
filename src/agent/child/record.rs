//! What is kept of a running process, so that whoever comes after us can end it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::password::Password;
use super::sweep::sweep;
use crate::model::Owner;
use crate::sys::identity::{Identity, Liveness};
use crate::sys::process::{self, Signal};

/// What to do when a process and all that it started are gone.
pub type Gone = Box<dyn FnOnce() + Send>;

/// Told of a process before it is started, so that whoever comes after us can end it.
pub type StartHook = Arc<dyn Fn(&ServerRecord) -> Gone + Send + Sync>;

/// A server, or another process of an agent, as it stands in a private file. Holds its password: the file
/// is its owner's alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerRecord {
    /// Its process; of pid 0 before it is started.
    pub identity: Owner,
    /// Its address, once it told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its password.
    pub password: Password,
    /// The secret in the environment of everything that it started.
    pub marker: String,
}

/// The identity as it stands in a file.
pub(crate) fn owner(identity: &Identity) -> Owner {
    let Identity { pid, started_at, boot_id, host } = identity.clone();
    Owner { pid, started_at, boot_id, host }
}

/// The identity of a process that is still to be started: nothing that lives has it.
pub(crate) fn nobody() -> Owner {
    Owner { pid: 0, ..owner(&Identity::current()) }
}

/// The identity that stands in a file.
pub(crate) fn identity(owner: &Owner) -> Identity {
    let Owner { pid, started_at, boot_id, host } = owner.clone();
    Identity { pid, started_at, boot_id, host }
}

/// Ends a server that an earlier supervisor left, and all that it started.
///
/// The process is touched only while it is provably that server; what carries the marker is its own by
/// that secret.
pub async fn stop_leftover(record: &ServerRecord) {
    let identity = identity(&record.identity);
    match identity.liveness() {
        Liveness::Elsewhere => return,
        Liveness::Dead => {}
        Liveness::Alive => end(&identity).await,
    }
    sweep(&record.marker).await;
}

/// Without asking it first: a server that is asked to dispose of its instances reads its configuration anew
/// for the turns that still run, and one that is ended while it does so leaves a lock behind, for which the
/// next one waits a minute. Its tools are found by the marker.
async fn end(identity: &Identity) {
    let patience = Duration::from_secs(3);
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        if identity.liveness() == Liveness::Alive {
            process::signal_group(identity.pid, signal);
        }
        let deadline = Instant::now() + patience;
        while identity.liveness() == Liveness::Alive && Instant::now() < deadline {
            sleep(Duration::from_millis(50)).await;
        }
    }
}
