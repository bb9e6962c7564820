//! How a window reports to the `work multi` that opened it.
//!
//! tmux returns 0 for a program that never started, so a start is real only when the program says
//! so: `multi` listens on a socket of its own, the window connects to it and holds the connection for
//! its life. The end of the connection is the end of the window's program.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{LineReader, send};
use crate::model::{AgentName, ModelRef, SessionId, ThreadId, TurnOutcome};

/// What a window reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum LaunchReport {
    /// The program runs. Always first.
    Started {
        /// The thread it is for.
        thread: ThreadId,
        /// Its process.
        pid: u32,
    },
    /// Its session is open and recorded.
    Opened {
        /// The agent's own id of it.
        session: SessionId,
        /// The attempt.
        attempt: u32,
        /// The agent.
        agent: AgentName,
        /// The model.
        model: ModelRef,
    },
    /// What the agent does, in a few words.
    Activity {
        /// The words.
        text: String,
    },
    /// The turn is over.
    Ended {
        /// How.
        outcome: TurnOutcome,
    },
    /// There was no turn, and why.
    Refused {
        /// In words.
        message: String,
    },
}

/// A report, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub enum LaunchEvent {
    /// A window said something.
    Report(ThreadId, LaunchReport),
    /// A window's program is gone.
    Gone(ThreadId),
    /// Whoever listens was asked to end.
    Interrupted,
}

/// The listening side. Its socket is removed when it is dropped.
#[derive(Debug)]
pub struct LaunchHost {
    socket: PathBuf,
    events: Receiver<LaunchEvent>,
    interrupts: Sender<LaunchEvent>,
}

impl LaunchHost {
    /// Listens on `socket`.
    ///
    /// # Errors
    /// When the socket can't be made.
    pub fn bind(socket: PathBuf) -> io::Result<Self> {
        match std::fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&socket)?;
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
        let (sender, events) = mpsc::channel();
        let interrupts = sender.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                std::thread::spawn(move || follow(stream, &sender));
            }
        });
        Ok(Self { socket, events, interrupts })
    }

    /// What tells the listener to end, from another thread.
    pub fn interrupter(&self) -> impl Fn() + Send + 'static {
        let interrupts = self.interrupts.clone();
        // A listener that is gone has ended already.
        move || drop(interrupts.send(LaunchEvent::Interrupted))
    }

    /// Where windows find us.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The next report, or `None` when none came in time.
    #[must_use]
    pub fn next(&self, timeout: Duration) -> Option<LaunchEvent> {
        self.events.recv_timeout(timeout).ok()
    }
}

impl Drop for LaunchHost {
    fn drop(&mut self) {
        // A socket that is gone already is what we want.
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Reads one window's reports until it is gone.
fn follow(stream: UnixStream, sender: &Sender<LaunchEvent>) {
    let mut reader = LineReader::new(stream);
    let Ok(Some(LaunchReport::Started { thread, pid })) = reader.next_message() else { return };
    let mut event = LaunchEvent::Report(thread, LaunchReport::Started { thread, pid });
    while sender.send(event).is_ok() {
        match reader.next_message() {
            Ok(Some(report)) => event = LaunchEvent::Report(thread, report),
            Ok(None) | Err(_) => break,
        }
    }
    // A host that stopped listening does not want to know.
    let _ = sender.send(LaunchEvent::Gone(thread));
}

/// The window's side. Without a host, or when the host is gone, reports go nowhere.
#[derive(Debug, Default)]
pub struct Launched {
    stream: Option<UnixStream>,
}

impl Launched {
    /// Reports to the host on `socket`, if there is one.
    #[must_use]
    pub fn to(socket: Option<&Path>, thread: ThreadId) -> Self {
        let mut launched = Self { stream: socket.and_then(|socket| UnixStream::connect(socket).ok()) };
        launched.report(&LaunchReport::Started { thread, pid: std::process::id() });
        launched
    }

    /// Reports.
    pub fn report(&mut self, report: &LaunchReport) {
        if self.stream.as_ref().is_some_and(|stream| send(stream, report).is_err()) {
            self.stream = None;
        }
    }
}
