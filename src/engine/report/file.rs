//! The file of a report: it takes the place of an earlier report, and of nothing else.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::super::Hint;
use crate::sys::atomic::{WriteError, write_atomic};

/// What becomes of a file that is there, and is no report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the report is refused.
    Keep,
    /// A person said that it may go.
    Replace,
}

/// Why no report was written. What was there is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ReportFileError {
    /// Something else is there.
    #[error("`{0}` is there, and `work report` did not write it")]
    Foreign(PathBuf),
    /// It can't be told what is there.
    #[error("cannot read `{path}`, which is there")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It can't be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Hint for ReportFileError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Foreign(_) => vec![
                "`work report --force` replaces it; or move it away".to_owned(),
                "`work report --stdout` prints the report instead".to_owned(),
            ],
            Self::Read { .. } => vec!["`work report --stdout` prints the report instead".to_owned()],
            Self::Write(error) => error.hint().into_iter().collect(),
        }
    }
}

/// Writes a report whole or not at all. `mark` is how all reports of its kind begin.
///
/// # Errors
/// [`ReportFileError`]; what was there is as it was.
pub fn write_report(path: &Path, text: &str, mark: &str, existing: Existing) -> Result<(), ReportFileError> {
    if existing == Existing::Keep && !is_ours(path, mark)? {
        return Err(ReportFileError::Foreign(path.to_owned()));
    }
    Ok(write_atomic(path, text.as_bytes())?)
}

/// Whether nothing is there, or something that begins as our reports do, or that is empty.
fn is_ours(path: &Path, mark: &str) -> Result<bool, ReportFileError> {
    let mut begin = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(u64::try_from(mark.len()).unwrap_or(u64::MAX)).read_to_end(&mut begin));
    match read {
        Ok(_) => Ok(begin.is_empty() || begin == mark.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(source) => Err(ReportFileError::Read { path: path.to_owned(), source }),
    }
}
