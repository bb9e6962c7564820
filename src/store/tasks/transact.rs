//! The only way to change a stream: lock, read, change, write, let go, make durable.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::copies::{Copies, GoodCopy, folder_of};
use super::error::{StoreError, TransactError};
use super::parse::{Format, Loaded, Unreadable, parse, render};
use super::v1;
use chrono::{DateTime, Utc};

use crate::diag::Diagnostic;
use crate::model::Stream;
use crate::sys::atomic::{self, Access, Written};
use crate::sys::clock::Clock;
use crate::sys::fault;
use crate::sys::lock::{self, Lock};

/// The name of the file in a stream's folder.
pub const FILE_NAME: &str = "tasks.json";

/// How long a writer waits for the others.
const PATIENCE: Duration = Duration::from_secs(10);

/// The state of one stream on disk. Holds nothing open and nothing cached.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    clock: Clock,
    copies: Option<Copies>,
    patience: Duration,
}

impl Store {
    /// The store of the stream in `dir` (`work/NNN-slug`). Touches nothing.
    #[must_use]
    pub fn open(dir: impl Into<PathBuf>, clock: Clock) -> Self {
        Self { dir: dir.into(), clock, copies: None, patience: PATIENCE }
    }

    /// The same, with earlier versions kept in the private folder.
    #[must_use]
    pub fn with_copies(mut self, private: &Path) -> Self {
        self.copies = folder_of(&self.dir).map(|stream| Copies::new(private, &stream));
        self
    }

    /// The same, waiting for at most `patience` for the lock.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The path of `tasks.json`.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.join(FILE_NAME)
    }

    /// The folder of the stream.
    #[must_use]
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The time that changes are stamped with.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Reads the stream. Takes no lock: a file is always whole.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn read(&self) -> Result<Stream, StoreError> {
        self.load().map(|loaded| loaded.stream)
    }

    /// Reads the stream, and tells its format and what was odd in it.
    ///
    /// # Errors
    /// [`StoreError`]
    pub fn load(&self) -> Result<Loaded, StoreError> {
        self.parse(&self.bytes()?)
    }

    /// Changes the stream: what `change` leaves is written before this returns, and survives a power
    /// cut. Nothing is written when `change` fails or changes nothing.
    ///
    /// Nothing slow belongs into `change`: every other writer waits for it.
    ///
    /// # Errors
    /// [`TransactError::Refused`] with the error of `change`, else [`TransactError::Store`].
    pub fn transact<T, E>(
        &self,
        change: impl FnOnce(&mut Stream) -> Result<T, E>,
    ) -> Result<T, TransactError<E>> {
        let lock = self.lock()?;
        let bytes = self.bytes()?;
        let Loaded { stream: before, format, .. } = self.parse(&bytes)?;
        if let Format::Newer(version) = format {
            return Err(StoreError::Newer { path: self.path(), version }.into());
        }
        let mut stream = before.clone();
        let result = change(&mut stream).map_err(TransactError::Refused)?;
        if stream == before {
            return Ok(result);
        }
        fault::point("store.changed");
        if format == Format::V1 {
            self.keep_v1(&bytes)?;
        }
        let written = self.write(&mut stream, &lock)?;
        drop(lock);
        fault::point("store.unlocked");
        written.sync_dir().map_err(StoreError::from)?;
        fault::point("store.durable");
        Ok(result)
    }

    /// Writes the first state of a new stream, and makes its folder.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there is one, readable or not; else [`StoreError`].
    pub fn create(&self, stream: &Stream) -> Result<(), StoreError> {
        fs::create_dir_all(&self.dir).map_err(|source| failed("create", &self.dir, source))?;
        let lock = self.lock()?;
        if fs::symlink_metadata(self.path()).is_ok() {
            return Err(StoreError::Exists { path: self.path() });
        }
        let written = self.write(&mut stream.clone(), &lock)?;
        drop(lock);
        Ok(written.sync_dir()?)
    }

    /// The earlier versions that can be read, newest first.
    #[must_use]
    pub fn good_copies(&self) -> Vec<GoodCopy> {
        self.copies.as_ref().map(Copies::good).unwrap_or_default()
    }

    /// Puts an earlier version in the place of a file that can't be read or is gone. Returns where
    /// the unreadable file is kept, byte for byte.
    ///
    /// # Errors
    /// [`StoreError::Sound`] when the file can be read; else [`StoreError`].
    pub fn restore(&self, copy: &GoodCopy) -> Result<Option<PathBuf>, StoreError> {
        let sound = |_: &Stream| Err(StoreError::Sound { path: self.path() });
        self.bring_back(copy, sound).map_err(|error| match error {
            TransactError::Store(error) | TransactError::Refused(error) => error,
        })
    }

    /// Puts an earlier version in the place of the file, also of one that can be read, if `may` allows
    /// that one to go. Returns where what was there is kept, byte for byte.
    ///
    /// # Errors
    /// [`TransactError::Refused`] with the error of `may`, else [`TransactError::Store`].
    pub fn bring_back<E>(
        &self,
        copy: &GoodCopy,
        may: impl FnOnce(&Stream) -> Result<(), E>,
    ) -> Result<Option<PathBuf>, TransactError<E>> {
        let lock = self.lock()?;
        let bytes = fs::read(&copy.path).map_err(|source| failed("read", &copy.path, source))?;
        let kept = match self.load() {
            Ok(Loaded { format: Format::Newer(version), .. }) => {
                return Err(StoreError::Newer { path: self.path(), version }.into());
            }
            Ok(loaded) => {
                may(&loaded.stream).map_err(TransactError::Refused)?;
                Some(self.set_aside("replaced")?)
            }
            Err(StoreError::Missing { .. }) => None,
            Err(StoreError::Corrupt { .. }) => Some(self.set_aside("corrupt")?),
            Err(error) => return Err(error.into()),
        };
        self.check(&lock)?;
        let written = atomic::replace(&self.path(), &bytes, Access::Shared).map_err(StoreError::from)?;
        if let Some(copies) = &self.copies {
            // It is the newest now: the next damage must not bring back what was just replaced.
            let _ = copies.keep_if_new(&bytes);
        }
        drop(lock);
        written.sync_dir().map_err(StoreError::from)?;
        Ok(kept)
    }

    /// The stream in an earlier version.
    ///
    /// # Errors
    /// [`StoreError`] when the copy is gone, or can't be read any more.
    pub fn read_copy(&self, copy: &GoodCopy) -> Result<Stream, StoreError> {
        let bytes = fs::read(&copy.path).map_err(|source| failed("read", &copy.path, source))?;
        self.parse(&bytes).map(|loaded| loaded.stream)
    }

    pub(super) fn lock(&self) -> Result<Lock, StoreError> {
        let path = self.path();
        let target = atomic::resolve(&path).map_err(|source| failed("read", &path, source))?;
        if !target.parent().is_none_or(Path::is_dir) {
            return Err(StoreError::Missing { path });
        }
        // Beside the file that is meant, so that two ways to it lead to one lock.
        let lock = lock::acquire(&target.with_file_name(format!(".{FILE_NAME}.lock")), self.patience)?;
        fault::point("store.locked");
        Ok(lock)
    }

    /// A lock whose file somebody deleted guards nothing.
    fn check(&self, lock: &Lock) -> Result<(), StoreError> {
        if lock.is_intact() { Ok(()) } else { Err(StoreError::LockLost { path: lock.path().to_owned() }) }
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.path();
        fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::Missing { path },
            _ => StoreError::Io { action: "read", path, source },
        })
    }

    pub(super) fn parse(&self, bytes: &[u8]) -> Result<Loaded, StoreError> {
        parse(bytes, |bytes| v1::read(bytes, &self.dir)).map(|loaded| self.named(loaded)).map_err(
            |unreadable| match unreadable {
                Unreadable::Newer(version) => StoreError::Newer { path: self.path(), version },
                Unreadable::Json(error) => {
                    self.corrupt(self.path(), error.line(), error.column(), plain(&error))
                }
                Unreadable::Value(what) => self.corrupt(self.path(), 0, 0, what),
                Unreadable::Beside(name, error) => {
                    self.corrupt(self.dir.join(name), error.line(), error.column(), plain(&error))
                }
                Unreadable::BesideIo(name, source) => failed("read", &self.dir.join(name), source),
            },
        )
    }

    /// A stream is its folder: the journals, the copies and everybody's `--stream` go by that name.
    fn named(&self, mut loaded: Loaded) -> Loaded {
        let folder = self.dir.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        if let Some(id) = folder.filter(|id| *id != loaded.stream.id) {
            let message =
                format!("the file calls its stream `{}`, and its folder is `{id}`", loaded.stream.id);
            let note =
                Diagnostic::note("T102", message).help("the folder counts; the next change writes its name");
            loaded.notes.push(note);
            loaded.stream.id = id;
        }
        loaded
    }

    fn corrupt(&self, path: PathBuf, line: usize, column: usize, what: String) -> StoreError {
        let newest = self.good_copies().into_iter().next().map(Box::new);
        StoreError::Corrupt { path, line, column, what, newest }
    }

    pub(super) fn write(&self, stream: &mut Stream, lock: &Lock) -> Result<Written, StoreError> {
        stream.updated_at = self.clock.now();
        let bytes = render(stream).map_err(StoreError::Render)?;
        let path = self.path();
        if let Ok(target) = atomic::resolve(&path) {
            atomic::remove_leftovers(&target);
        }
        self.check(lock)?;
        let written = atomic::replace(&path, &bytes, Access::Shared)?;
        fault::point("store.written");
        if let Some(copies) = &self.copies {
            // Without a second chance the record is as good; it must not fail for want of one.
            let _ = copies.keep(&bytes);
            fault::point("store.copied");
        }
        Ok(written)
    }

    /// Keeps the file of the older tool beside ours. The first one kept stays.
    pub(super) fn keep_v1(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.dir.join("tasks.v1.json");
        if fs::symlink_metadata(&path).is_err() {
            atomic::write_atomic(&path, bytes)?;
        }
        fault::point("store.kept-v1");
        Ok(())
    }

    /// Keeps the file beside, under a name that nobody has and that tells why.
    fn set_aside(&self, why: &str) -> Result<PathBuf, StoreError> {
        let path = self.path();
        let bytes = self.bytes()?;
        let stamp = self.clock.now().format("%Y%m%dT%H%M%SZ");
        for number in 0_u32.. {
            let more = if number == 0 { String::new() } else { format!("-{number}") };
            let aside = self.dir.join(format!("tasks.{why}-{stamp}{more}.json"));
            if fs::symlink_metadata(&aside).is_err() {
                atomic::write_atomic(&aside, &bytes)?;
                return Ok(aside);
            }
        }
        Err(failed("keep", &path, io::Error::other("every name is taken")))
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { action, path: path.to_owned(), source }
}

/// The message of a JSON error without its place, which is told apart.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.clone(), |at| text[..at].to_owned())
}
