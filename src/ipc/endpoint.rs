//! Where a repository's supervisor listens, and what it leaves on disk to be found.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::Owner;
use crate::sys::paths;

/// The files of one repository's supervisor.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The private folder, `.git/work`.
    pub private: PathBuf,
    /// The folder for sockets, 0700.
    sockets: PathBuf,
}

/// What a serving supervisor writes beside its lock (`supervisor.json`, 0600).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SupervisorRecord {
    /// Its process.
    pub owner: Owner,
    /// Its version.
    pub version: String,
    /// Its socket.
    pub socket: PathBuf,
}

impl Endpoint {
    /// The endpoint of the repository whose private folder this is. Creates the socket folder.
    ///
    /// # Errors
    /// When there is no place for sockets that belongs to us alone.
    pub fn new(private: &Path, runtime_dir: Option<&Path>) -> io::Result<Self> {
        Ok(Self { private: private.to_owned(), sockets: paths::socket_dir(runtime_dir)? })
    }

    /// The held-for-life lock that makes a supervisor the only one.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.private.join("supervisor.lock")
    }

    /// The lock under which one command starts a supervisor.
    #[must_use]
    pub fn start_lock(&self) -> PathBuf {
        self.private.join("supervisor.start.lock")
    }

    /// Who serves, and where.
    #[must_use]
    pub fn record(&self) -> PathBuf {
        self.private.join("supervisor.json")
    }

    /// The supervisor's log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.private.join("supervisor.log")
    }

    /// The socket that a new supervisor of this repository listens on. Short enough for 108 bytes
    /// whenever the folder is.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.sockets.join(format!("{:016x}.sock", self.hash()))
    }

    /// A socket for one command's own use, such as `multi`, which listens for its windows.
    #[must_use]
    pub fn own_socket(&self, what: &str) -> PathBuf {
        self.sockets.join(format!("{:016x}.{what}.{}.sock", self.hash(), std::process::id()))
    }

    /// The socket of the repository's private tmux server.
    #[must_use]
    pub fn tmux_socket(&self) -> PathBuf {
        self.sockets.join(format!("{:016x}.tmux", self.hash()))
    }

    /// Who serves, as it wrote itself; a killed one leaves that behind.
    #[must_use]
    pub fn serving(&self) -> Option<SupervisorRecord> {
        serde_json::from_slice(&std::fs::read(self.record()).ok()?).ok()
    }

    /// Where the serving supervisor listens, as it wrote itself, else where it would.
    #[must_use]
    pub fn serving_socket(&self) -> PathBuf {
        self.serving().map_or_else(|| self.socket(), |record| record.socket)
    }

    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.private.hash(&mut hasher);
        hasher.finish()
    }
}
