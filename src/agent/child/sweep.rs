//! Finds and ends what a server left behind.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::sys::env::SERVER_MARKER;
use crate::sys::process::{self, Signal};

/// Ends every process that carries the marker: asks, waits, forces.
pub(crate) async fn sweep(marker: &str) {
    for (signal, patience) in [(Signal::SIGTERM, 1500), (Signal::SIGKILL, 1000), (Signal::SIGKILL, 1000)] {
        let left = marked(marker).await;
        if left.is_empty() {
            return;
        }
        tracing::debug!(count = left.len(), ?signal, "ending what the server left behind");
        for pid in left {
            process::signal_process(pid, signal);
        }
        let deadline = Instant::now() + Duration::from_millis(patience);
        while Instant::now() < deadline && !marked(marker).await.is_empty() {
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Reading every environment takes milliseconds, which are not the loop's to give.
async fn marked(marker: &str) -> Vec<u32> {
    let marker = marker.to_owned();
    tokio::task::spawn_blocking(move || process::marked(SERVER_MARKER, &marker)).await.unwrap_or_default()
}
