//! The supervisor's log: what it did and what went wrong; no prompts, secrets or environment.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Mutex;

/// A log of more than this is begun anew when a supervisor starts; the old one is kept beside it.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Opens the log to append to it; its owner's alone.
///
/// # Errors
/// When it can't be opened.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Writes the process's traces to `path` (0600), or to standard error in the foreground.
///
/// # Errors
/// When the file can't be opened.
pub(super) fn start(path: &Path, detached: bool) -> io::Result<()> {
    let builder = tracing_subscriber::fmt().with_ansi(false).with_target(false);
    // A second subscriber in one process is refused, and the first one stays: that is fine.
    if detached {
        if std::fs::metadata(path).is_ok_and(|found| found.len() > LIMIT) {
            std::fs::rename(path, path.with_extension("log.1"))?;
        }
        let file = open(path)?;
        let _ = builder.with_writer(Mutex::new(file)).try_init();
    } else {
        let _ = builder.with_writer(io::stderr).try_init();
    }
    Ok(())
}
