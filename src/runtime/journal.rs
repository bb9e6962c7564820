//! The journal of a turn, written by a thread of its own, so that a slow disk never holds up the loop.
//!
//! One invariant: every line is with the system before the turn's end is recorded, and durable before that
//! end is told to anybody.

use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use crate::model::AgentEvent;
use crate::store::journal::{JournalError, Writer};

/// A journal that is being written. What is written to it keeps its order.
pub(super) struct Journal {
    lines: Sender<(DateTime<Utc>, AgentEvent)>,
    ending: Ending,
}

/// A journal to which nothing more is written.
pub(super) struct Ending {
    written: Option<oneshot::Receiver<()>>,
    thread: JoinHandle<()>,
}

impl Journal {
    /// Takes over `writer`.
    pub(super) fn new(mut writer: Writer) -> Self {
        let (lines, incoming) = mpsc::channel::<(DateTime<Utc>, AgentEvent)>();
        let (tell_written, written) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let mut told = false;
            let mut tell = |result: Result<(), JournalError>| {
                // The turn goes on; its record tells its end. Once is enough.
                if let Err(error) = result
                    && !std::mem::replace(&mut told, true)
                {
                    tracing::warn!(%error, "a journal could not be written");
                }
            };
            for (at, event) in incoming {
                tell(writer.append_at(at, event).map(drop));
            }
            // Whoever waited for it may be gone.
            let _ = tell_written.send(());
            tell(writer.sync());
        });
        Self { lines, ending: Ending { written: Some(written), thread } }
    }

    /// Writes one event.
    pub(super) fn append(&self, at: DateTime<Utc>, event: &AgentEvent) {
        // The thread ends only with us.
        let _ = self.lines.send((at, event.clone()));
    }

    /// Ends it, and waits until every line is with the system.
    pub(super) async fn end(self) -> Ending {
        let Self { lines, mut ending } = self;
        drop(lines);
        if let Some(written) = ending.written.take() {
            // A panic of the writer must not take the turn with it.
            let _ = written.await;
        }
        ending
    }
}

/// Waits until all of a journal, if there is one, is durable, as far as the disk allows.
pub(super) async fn durable(journal: Option<Ending>) {
    if let Some(Ending { thread, .. }) = journal {
        // A panic of the writer must not take the turn with it.
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}
