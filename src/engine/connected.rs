//! The session that a person has open, and that `--mode primary` talks to.
//!
//! One invariant: a session belongs to a person or to background jobs, never to both.

use super::{Hint, Workspace};
use crate::model::{Mode, SessionId, Stream};
use crate::store::private::{Private, PrivateError};

/// Why a session can't be the connected one.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Background jobs use it.
    #[error("session `{session}` belongs to background jobs of stream `{stream}`")]
    Headless {
        /// The session.
        session: SessionId,
        /// The stream.
        stream: String,
    },
    /// The private folder is of no use.
    #[error(transparent)]
    Private(#[from] PrivateError),
}

impl Hint for ConnectError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Headless { .. } => {
                vec!["connect another one; `work session connect` lists those that there are".to_owned()]
            }
            Self::Private(_) => Vec::new(),
        }
    }
}

/// The connected session, if there is one. Looking makes no folder.
///
/// # Errors
/// When the private folder can't be read.
pub fn connected(workspace: &Workspace) -> Result<Option<SessionId>, PrivateError> {
    if workspace.private.is_dir() { Private::open(&workspace.private)?.connected() } else { Ok(None) }
}

/// Makes a session the connected one.
///
/// # Errors
/// [`ConnectError`]; then the one before still is.
pub fn connect(workspace: &Workspace, session: &SessionId) -> Result<(), ConnectError> {
    for id in workspace.stream_ids() {
        // A stream that can't be read says so wherever it is meant.
        let Ok(stream) = workspace.store(&id).read() else { continue };
        if used_as(&stream, session, Mode::Headless) {
            let stream = id.to_string();
            return Err(ConnectError::Headless { session: session.clone(), stream });
        }
    }
    Ok(Private::open(&workspace.private)?.set_connected(Some(session))?)
}

/// Forgets the connected session.
///
/// # Errors
/// [`PrivateError`]
pub fn disconnect(workspace: &Workspace) -> Result<(), PrivateError> {
    Private::open(&workspace.private)?.set_connected(None)
}

/// Whether an attempt of the stream used the session so.
pub(super) fn used_as(stream: &Stream, session: &SessionId, mode: Mode) -> bool {
    let mut records = stream.threads.iter().flat_map(|thread| &thread.sessions);
    records.any(|record| record.mode == Some(mode) && record.session.known() == Some(session))
}
