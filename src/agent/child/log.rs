//! The log of an agent's process: a file that only its owner may read.
//!
//! The process writes to the file itself, so nothing has to be drained, and it outlives us unharmed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A log that is larger than this at a start begins anew.
const LARGEST: u64 = 4 * 1024 * 1024;

/// How much of its last lines a message tells, in characters.
const WORDS: usize = 400;

/// How much of its end is looked at.
const TAIL: u64 = 16 * 1024;

/// The part of a log file that one process wrote.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    path: PathBuf,
    from: u64,
}

impl Log {
    /// Opens the file for a process that is about to start, which appends to it.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, File)> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        if file.metadata()?.len() > LARGEST {
            file.set_len(0)?;
        }
        let from = file.metadata()?.len();
        Ok((Self { path: path.to_owned(), from }, file))
    }

    /// The log of a process that runs already; what it wrote and what came before it can't be told apart.
    pub(crate) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), from: 0 }
    }

    /// What it has written, up to `limit` bytes of its beginning.
    pub(crate) fn beginning(&self, limit: u64) -> String {
        self.read(self.from, limit).unwrap_or_default()
    }

    /// Its last lines, for a message.
    pub(crate) fn last_lines(&self) -> String {
        let end = fs::metadata(&self.path).map_or(0, |meta| meta.len());
        let text = self.read(self.from.max(end.saturating_sub(TAIL)), TAIL).unwrap_or_default();
        let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let lines = lines[lines.len().saturating_sub(4)..].join(" | ");
        // Its end is what tells why; a program that is no opencode may say anything.
        let skip = lines.chars().count().saturating_sub(WORDS);
        let dots = if skip > 0 { "…" } else { "" };
        format!("{dots}{}", lines.chars().skip(skip).collect::<String>())
    }

    fn read(&self, from: u64, limit: u64) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_only_of_its_own_process() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("logs/server.log");
        let append = |text: &str| {
            use std::io::Write as _;
            OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(text.as_bytes()))
        };
        drop(Log::open(&path).expect("a log"));
        append("old\n").expect("written");
        let (log, _) = Log::open(&path).expect("a log");
        append("one\n\ntwo\nthree\nfour\nfive\n").expect("written");
        assert_eq!(log.last_lines(), "two | three | four | five");
        assert!(log.beginning(8).starts_with("one"));
    }
}
