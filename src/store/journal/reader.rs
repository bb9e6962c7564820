//! Reads a journal, also while it is being written.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::PathBuf;

use super::JournalError;
use super::line::Entry;

/// Yields the entries of a journal. After the last one, `next` may be asked again: it goes on when
/// the journal has grown. After an error there is nothing more.
#[derive(Debug)]
pub struct Reader {
    file: BufReader<File>,
    path: PathBuf,
    /// A line whose end is not written yet.
    begun: Vec<u8>,
    position: u64,
    skipped: usize,
    failed: bool,
}

impl Reader {
    /// The journal at `path` from the byte `position`, which is 0 or was given by [`Self::position`].
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn open(path: impl Into<PathBuf>, position: u64) -> Result<Self, JournalError> {
        let path = path.into();
        let opened = File::open(&path).and_then(|mut file| {
            file.seek(SeekFrom::Start(position))?;
            Ok(BufReader::new(file))
        });
        match opened {
            Ok(file) => Ok(Self { file, path, begun: Vec::new(), position, skipped: 0, failed: false }),
            Err(source) => Err(JournalError { action: "open", path, source }),
        }
    }

    /// The byte behind the last whole line that was read; a later reader goes on there.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many lines made no sense: damaged ones, and kinds that only a newer version knows.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Whether the journal ends in the middle of a line: its writer is at it, or was killed.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        !self.begun.is_empty()
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            match self.file.read_until(b'\n', &mut self.begun) {
                Err(source) => {
                    self.failed = true;
                    return Some(Err(JournalError { action: "read", path: self.path.clone(), source }));
                }
                Ok(_) if self.begun.last() != Some(&b'\n') => return None,
                Ok(_) => {}
            }
            self.position += self.begun.len() as u64;
            let line = std::mem::take(&mut self.begun);
            match Entry::parse(&line) {
                Some(entry) => return Some(Ok(entry)),
                None if line.trim_ascii().is_empty() => {}
                None => self.skipped += 1,
            }
        }
        None
    }
}
