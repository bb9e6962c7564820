//! Earlier versions of a file, kept in the private folder for the day that the file can't be read.
//!
//! A copy is not fsynced: it is a second chance, not the record. One that a power cut tore is not
//! offered by whoever knows the format, since only copies that can be read count as good.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// How many versions of a file are kept.
const KEPT: usize = 5;

/// The versions of one file: `STEM-NNNNNN.json` in a folder of their own.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    dir: PathBuf,
    stem: &'static str,
}

impl Rotation {
    /// Those of `name`, in a private folder. Touches nothing.
    pub(super) fn new(private: &Path, name: &str, stem: &'static str) -> Self {
        Self { dir: private.join("backups").join(name), stem }
    }

    /// Keeps `bytes` as the newest version and removes the oldest. Only under the file's lock.
    pub(super) fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        let mut numbers = match self.numbers() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                super::private::create_dir(&self.dir)?;
                Vec::new()
            }
            numbers => numbers?,
        };
        let next = numbers.last().map_or(1, |last| last + 1);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path(next))?;
        file.write_all(bytes)?;
        numbers.truncate((numbers.len() + 1).saturating_sub(KEPT));
        for old in numbers {
            fs::remove_file(self.path(old))?;
        }
        Ok(())
    }

    /// Keeps `bytes` unless they are the newest version already. Only under the file's lock.
    pub(super) fn keep_if_new(&self, bytes: &[u8]) -> io::Result<()> {
        match self.newest_first().first().map(fs::read) {
            Some(Ok(newest)) if newest == bytes => Ok(()),
            _ => self.keep(bytes),
        }
    }

    /// All versions, whether they can be read or not.
    pub(super) fn newest_first(&self) -> Vec<PathBuf> {
        self.numbers().unwrap_or_default().into_iter().rev().map(|number| self.path(number)).collect()
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{}-{number:06}.json", self.stem))
    }

    /// The numbers of all versions, oldest first.
    fn numbers(&self) -> io::Result<Vec<u64>> {
        let number = |name: &str| {
            name.strip_prefix(self.stem)?.strip_prefix('-')?.strip_suffix(".json")?.parse::<u64>().ok()
        };
        let entries = fs::read_dir(&self.dir)?.flatten();
        let mut numbers: Vec<u64> = entries.filter_map(|entry| number(entry.file_name().to_str()?)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}
