//! The end of a server's process: seen once, told to everybody who waits for it.
//!
//! A child of ours is reaped. One that we have taken over is no child; its end is waited for all the same.

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::sys::identity::Identity;
use crate::sys::process;

/// How a process ended.
#[derive(Debug, Clone)]
pub(crate) struct Exit {
    /// In words.
    pub(crate) words: String,
    /// When we saw it.
    pub(crate) at: Instant,
}

impl Exit {
    pub(crate) fn now(words: impl Into<String>) -> Self {
        Self { words: words.into(), at: Instant::now() }
    }
}

/// The end of one process, for any number of listeners.
#[derive(Debug, Clone)]
pub(crate) struct Exited(watch::Receiver<Option<Exit>>);

/// The one side that tells it.
pub(crate) type TellExit = watch::Sender<Option<Exit>>;

impl Exited {
    /// Both sides.
    pub(crate) fn channel() -> (TellExit, Self) {
        let (tell, exited) = watch::channel(None);
        (tell, Self(exited))
    }

    /// How it ended, if it has.
    pub(crate) fn get(&self) -> Option<Exit> {
        self.0.borrow().clone()
    }

    /// Waits for it.
    pub(crate) async fn wait(&mut self) -> Exit {
        let exit = self.0.wait_for(Option::is_some).await.ok().and_then(|exit| exit.clone());
        exit.unwrap_or_else(|| Exit::now("its reaper is gone"))
    }
}

/// Waits for the end of a process that is no child of ours, in a thread of its own.
pub(crate) async fn of_stranger(identity: Identity) {
    let (tell, ended) = oneshot::channel();
    std::thread::spawn(move || {
        process::wait_for_end(&identity);
        // Whoever waited may have given up.
        let _ = tell.send(());
    });
    // An error means that the thread is gone; then nothing can be told any more.
    let _ = ended.await;
}
