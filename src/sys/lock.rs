//! Locks between processes: `flock` on a file of its own that is never deleted.
//!
//! The lock file lies beside what it guards and is never the guarded file itself, because that one
//! is replaced by a rename, and a lock on a replaced file guards nothing. The kernel lets go of a
//! lock when its holder dies, however it dies, so a lock is also the proof that somebody lives.
//! Descriptors are close-on-exec (the default of `std`), so that no child inherits a lock.
//!
//! Waiting is blocking, with a deadline by a timer: polling starves whoever comes late.
//! One invariant: whoever holds a [`Lock`] holds the file that the path names at that moment.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::clock::Clock;

/// Who holds a lock, as it wrote into the lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id. For people; nothing is ever done to the process.
    pub pid: u32,
    /// What it does, e.g. `work update`.
    pub command: String,
    /// Since when it holds the lock.
    pub at: DateTime<Utc>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` (process {}, since {})", self.command, self.pid, self.at.format("%H:%M:%S UTC"))
    }
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it for too long.
    #[error(
        "`{path}` has been locked for {waited:.1?} by {who}",
        who = holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string)
    )]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who, if it said so.
        holder: Option<Holder>,
        /// How long we waited.
        waited: Duration,
    },
    /// The lock file can't be opened or locked.
    #[error("cannot lock `{path}`{whose}")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Whose it is, when it is not ours; else empty.
        whose: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What [`probe`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// Nobody holds the lock, or there is no lock file.
    Free,
    /// Somebody lives and holds it.
    Held(Option<Holder>),
}

/// A lock that is held until this value is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// The lock file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still names the file that is locked. False after somebody deleted the lock
    /// file (`git clean -x`): then others may hold a lock on a new one.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let inode = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
        match (self.file.metadata(), std::fs::metadata(&self.path)) {
            (Ok(held), Ok(named)) => inode(held) == inode(named),
            _ => false,
        }
    }

    fn sign(&mut self) {
        let holder = Holder { pid: std::process::id(), command: this_command(), at: Clock::System.now() };
        // A lock is as good without a name on it.
        let _ = serde_json::to_vec(&holder).map_err(io::Error::from).and_then(|line| {
            self.file.rewind()?;
            self.file.write_all(&line)?;
            self.file.set_len(line.len() as u64)
        });
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would do, unless a child is just between fork and exec and still has a copy.
        let _ = fs2::FileExt::unlock(&self.file);
    }
}

/// Takes the lock, waiting for at most `deadline`.
///
/// # Errors
/// [`LockError::Held`], naming the holder; [`LockError::Io`].
pub fn acquire(path: &Path, deadline: Duration) -> Result<Lock, LockError> {
    let begun = Instant::now();
    loop {
        let file = open(path)?;
        let file = match try_exclusive(file).map_err(|source| lock_io(path, source))? {
            Ok(file) => file,
            Err(file) => wait(path, file, begun, deadline)?,
        };
        let mut lock = Lock { file, path: path.to_owned() };
        if lock.is_intact() {
            lock.sign();
            return Ok(lock);
        }
        // The file was deleted while we waited for it: our lock guards nothing. Once more.
        if begun.elapsed() >= deadline {
            return Err(LockError::Held { path: path.to_owned(), holder: None, waited: begun.elapsed() });
        }
    }
}

/// Takes the lock if nobody holds it; `None` if somebody does.
///
/// A [`probe`] of somebody else is in the way for some microseconds; whoever must not be fooled by
/// that calls [`acquire`] with a short deadline.
///
/// # Errors
/// [`LockError::Io`]
pub fn try_acquire(path: &Path) -> Result<Option<Lock>, LockError> {
    loop {
        let Ok(file) = try_exclusive(open(path)?).map_err(|source| lock_io(path, source))? else {
            return Ok(None);
        };
        let mut lock = Lock { file, path: path.to_owned() };
        if lock.is_intact() {
            lock.sign();
            return Ok(Some(lock));
        }
    }
}

/// Whether somebody holds the lock. Takes it shared for an instant, and creates no file.
///
/// # Errors
/// [`LockError::Io`]
pub fn probe(path: &Path) -> Result<Probe, LockError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Probe::Free),
        Err(source) => return Err(lock_io(path, source)),
    };
    match fs2::FileExt::try_lock_shared(&file) {
        Ok(()) => {
            let _ = fs2::FileExt::unlock(&file);
            Ok(Probe::Free)
        }
        Err(error) if is_contended(&error) => Ok(Probe::Held(holder(path))),
        Err(source) => Err(lock_io(path, source)),
    }
}

fn open(path: &Path) -> Result<File, LockError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|source| lock_io(path, source))
}

fn lock_io(path: &Path, source: io::Error) -> LockError {
    let whose = match source.kind() {
        io::ErrorKind::PermissionDenied => super::atomic::whose(path),
        _ => String::new(),
    };
    LockError::Io { path: path.to_owned(), whose, source }
}

fn is_contended(error: &io::Error) -> bool {
    error.raw_os_error() == fs2::lock_contended_error().raw_os_error()
}

/// The locked file, or the file as it was when somebody else has it.
fn try_exclusive(file: File) -> io::Result<Result<File, File>> {
    match fs2::FileExt::try_lock_exclusive(&file) {
        Ok(()) => Ok(Ok(file)),
        Err(error) if is_contended(&error) => Ok(Err(file)),
        Err(error) => Err(error),
    }
}

/// Waits in the kernel's queue, in a thread of its own: the caller watches the clock.
///
/// After the deadline the thread still waits; when it gets the lock, nobody takes the file from it,
/// and the lock is gone with the file.
fn wait(path: &Path, file: File, begun: Instant, deadline: Duration) -> Result<File, LockError> {
    let (send, receive) = mpsc::sync_channel::<io::Result<File>>(0);
    let waiter = move || {
        let locked = loop {
            match fs2::FileExt::lock_exclusive(&file) {
                Ok(()) => break Ok(file),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        let _ = send.send(locked);
    };
    std::thread::Builder::new()
        .name("lock".to_owned())
        .stack_size(64 * 1024)
        .spawn(waiter)
        .map_err(|source| lock_io(path, source))?;
    match receive.recv_timeout(deadline.saturating_sub(begun.elapsed())) {
        Ok(locked) => locked.map_err(|source| lock_io(path, source)),
        Err(_) => {
            Err(LockError::Held { path: path.to_owned(), holder: holder(path), waited: begun.elapsed() })
        }
    }
}

fn holder(path: &Path) -> Option<Holder> {
    let mut line = Vec::new();
    File::open(path).ok()?.take(4096).read_to_end(&mut line).ok()?;
    serde_json::from_slice(&line).ok()
}

/// This program and its subcommand, without any other argument.
fn this_command() -> String {
    let mut args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    let program = args.next().unwrap_or_default();
    let program =
        Path::new(&program).file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    match args.find(|arg| !arg.starts_with('-')) {
        Some(subcommand) => format!("{program} {subcommand}"),
        None => program,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_names_its_holder_after_the_deadline() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        assert_eq!(probe(&path).expect("probed"), Probe::Free);
        assert!(!path.exists(), "a probe creates nothing");
        let held = acquire(&path, Duration::from_secs(1)).expect("free");
        assert!(held.is_intact());
        assert!(try_acquire(&path).expect("tried").is_none());
        assert!(matches!(probe(&path), Ok(Probe::Held(Some(_)))));
        let begun = Instant::now();
        let error = acquire(&path, Duration::from_millis(50)).expect_err("held");
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
        drop(held);
        // The waiter that was given up on may still get the lock for a moment.
        acquire(&path, Duration::from_secs(5)).expect("free again");
        assert_eq!(probe(&path).expect("probed"), Probe::Free);
    }

    #[test]
    fn a_waiter_gets_the_lock_when_it_is_free() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let held = acquire(&path, Duration::ZERO).expect("free");
        let waiter = std::thread::spawn(move || acquire(&path, Duration::from_secs(20)).map(drop));
        drop(held);
        waiter.join().expect("no panic").expect("taken");
    }

    #[test]
    fn a_deleted_lock_file_is_noticed() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let held = acquire(&path, Duration::ZERO).expect("free");
        std::fs::remove_file(&path).expect("removed");
        assert!(!held.is_intact());
        let other = acquire(&path, Duration::ZERO).expect("a new file");
        assert!(other.is_intact() && !held.is_intact());
    }
}
