//! What an agent asks, shown in its record to whoever reads the state. Written beside the turn, so that
//! a lock that somebody holds never holds up the turn.
//!
//! One invariant: what is shown last is what is written last.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::records::blocking;
use crate::engine::SessionError;
use crate::model::Ask;

/// How long whoever answers waits to see the state without what was asked.
const SEEN: Duration = Duration::from_secs(2);

/// How long to wait before what could not be written is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// All that is asked, and how often it has changed.
type Shown = (u64, Vec<Ask>);

/// The board of one turn.
pub(super) struct Board {
    wanted: watch::Sender<Shown>,
    written: watch::Receiver<u64>,
    writer: JoinHandle<()>,
}

impl Board {
    /// A board on which nothing is shown; `write` writes all that is asked.
    pub(super) fn new(write: impl Fn(Vec<Ask>) -> Result<(), SessionError> + Clone + Send + 'static) -> Self {
        let (wanted, changes) = watch::channel((0, Vec::new()));
        let (done, written) = watch::channel(0);
        Self { wanted, written, writer: tokio::spawn(keep_written(write, changes, done)) }
    }

    /// Shows what is asked now.
    pub(super) fn show(&self, asks: Vec<Ask>) {
        self.wanted.send_if_modified(|shown| {
            let news = shown.1 != asks;
            if news {
                *shown = (shown.0 + 1, asks);
            }
            news
        });
    }

    /// Waits, not for long, until what is shown now is written.
    pub(super) fn seen(&self) -> impl Future<Output = ()> + Send + use<> {
        let (wanted, mut written) = (self.wanted.borrow().0, self.written.clone());
        async move {
            // Late, or never since the turn has ended: then its end is written, which asks nothing.
            let _ = timeout(SEEN, written.wait_for(|number| *number >= wanted)).await;
        }
    }

    /// Takes the board down: the record's end, which comes next, asks nothing.
    pub(super) async fn close(self) {
        drop(self.wanted);
        // A panic of the writer must not take the turn with it.
        let _ = self.writer.await;
    }
}

async fn keep_written(
    write: impl Fn(Vec<Ask>) -> Result<(), SessionError> + Clone + Send + 'static,
    mut changes: watch::Receiver<Shown>,
    done: watch::Sender<u64>,
) {
    while changes.changed().await.is_ok() {
        loop {
            let (number, asks) = changes.borrow_and_update().clone();
            let write = write.clone();
            match blocking(move || write(asks)).await {
                Err(error) if error.may_pass() => {
                    tracing::warn!(%error, "what an agent asks could not be written; trying again");
                    if let Ok(Err(_)) = timeout(AGAIN, changes.changed()).await {
                        return;
                    }
                }
                written => {
                    if let Err(error) = written {
                        tracing::warn!(%error, "what an agent asks could not be written");
                    }
                    done.send_replace(number);
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use chrono::DateTime;

    use super::*;
    use crate::model::Wish;

    fn ask(id: &str) -> Ask {
        let (since, until) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);
        Ask { id: id.to_owned(), wish: Wish::Unknown, since, until }
    }

    #[tokio::test]
    async fn the_last_that_is_shown_is_the_last_that_is_written() {
        let file = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&file);
        let board = Board::new(move |asks| {
            *written.lock().expect("a lock") = asks;
            Ok(())
        });
        board.show(vec![ask("a"), ask("b")]);
        board.seen().await;
        assert_eq!(file.lock().expect("a lock").len(), 2);
        for number in 0..50 {
            board.show(vec![ask(&number.to_string())]);
        }
        board.seen().await;
        assert_eq!(*file.lock().expect("a lock"), [ask("49")]);
        board.show(Vec::new());
        board.close().await;
    }

    #[tokio::test]
    async fn what_can_never_be_written_holds_nobody_up() {
        let board = Board::new(|_| Err(SessionError::Bug("no".to_owned())));
        board.show(vec![ask("a")]);
        board.seen().await;
        board.close().await;
    }
}
