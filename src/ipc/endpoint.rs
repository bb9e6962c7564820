//! Where a repository's supervisor listens, and what it leaves on disk to be found.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::model::Owner;
use crate::sys::clock::Clock;
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

/// A socket that is younger than this may belong to somebody who is just making it.
const YOUNG: Duration = Duration::from_secs(60);

/// Whether nobody has this socket open. Whoever has is not disturbed: they take streams, and we offer none.
fn is_deserted(socket: &Path) -> bool {
    let connected = UnixDatagram::unbound().and_then(|ours| ours.connect(socket));
    connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
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

    /// Takes away the sockets, of any repository, that nobody listens on any more: those of supervisors, of
    /// commands and of tmux servers that were killed, or have left theirs.
    pub fn sweep(&self) {
        let now = SystemTime::from(Clock::System.now());
        for entry in std::fs::read_dir(&self.sockets).into_iter().flatten().flatten() {
            let old = entry.metadata().ok().filter(|meta| meta.file_type().is_socket()).is_some_and(|meta| {
                let age = meta.modified().ok().and_then(|at| now.duration_since(at).ok());
                age.is_some_and(|age| age > YOUNG)
            });
            if old && is_deserted(&entry.path()) {
                tracing::debug!(socket = %entry.path().display(), "a socket that nobody listens on");
                // Another one may have been faster.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.private.hash(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::sys::process;

    /// Mutant: every old socket counts as deserted (the one that lives goes).
    #[test]
    fn only_old_sockets_that_nobody_has_open_are_swept() {
        let home = tempfile::tempdir().expect("a folder");
        let endpoint = Endpoint::new(home.path(), Some(home.path())).expect("an endpoint");
        let folder = home.path().join("work");
        let bind = |name: &str| UnixListener::bind(folder.join(name)).expect("a socket");
        let lives = bind("lives.sock");
        fs::rename(folder.join("lives.sock"), folder.join("renamed.sock")).expect("renamed");
        for name in ["dead.sock", "dead.tmux", "young.sock"] {
            drop(bind(name));
        }
        File::create(folder.join("file.sock")).expect("no socket");
        for name in ["renamed.sock", "dead.sock", "dead.tmux", "file.sock"] {
            let path = folder.join(name);
            let path = path.to_str().expect("a path");
            process::output_of("touch", &["-t", "202001010000", path]).expect("touched");
        }
        endpoint.sweep();
        let mut left: Vec<_> = fs::read_dir(&folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        left.sort();
        assert_eq!(left, ["file.sock", "renamed.sock", "young.sock"]);
        lives.set_nonblocking(true).expect("set");
        assert!(lives.accept().is_err(), "whoever listens was not disturbed");
    }
}
