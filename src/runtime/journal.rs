//! The journal of a turn, written by a thread of its own, so that a slow disk never holds up the loop.

use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use chrono::{DateTime, Utc};

use crate::model::AgentEvent;
use crate::store::journal::Writer;

/// A journal that is being written. What is written to it keeps its order.
pub(super) struct Journal {
    lines: Option<Sender<(DateTime<Utc>, AgentEvent)>>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Takes over `writer`.
    pub(super) fn new(mut writer: Writer) -> Self {
        let (lines, incoming) = mpsc::channel::<(DateTime<Utc>, AgentEvent)>();
        let thread = std::thread::spawn(move || {
            let mut told = false;
            for (at, event) in incoming {
                if let Err(error) = writer.append_at(at, event) {
                    // The turn goes on; its record tells its end. Once is enough.
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(%error, "a journal could not be written");
                    }
                }
            }
        });
        Self { lines: Some(lines), thread: Some(thread) }
    }

    /// Writes one event.
    pub(super) fn append(&self, at: DateTime<Utc>, event: &AgentEvent) {
        if let Some(lines) = &self.lines {
            // The thread ends only with us.
            let _ = lines.send((at, event.clone()));
        }
    }

    /// Waits until everything is on its way to the disk.
    pub(super) async fn close(mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the writer must not take the turn with it.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}
