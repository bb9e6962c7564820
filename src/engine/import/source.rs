//! Where streams of the older tool lie.

use std::path::{Path, PathBuf};

use super::super::validate::FileFindings;
use super::ImportError;
use crate::diag::Diagnostic;
use crate::engine::spot;
use crate::model::{Extra, StreamId};
use crate::store::tasks::{OlderIndex, older_index};

/// A folder with a stream in it.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The folder.
    pub(super) dir: PathBuf,
    /// The id that the folder's name is.
    pub(super) id: Option<StreamId>,
    /// What the index knows of it.
    pub(super) entry: Extra,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) sources: Vec<Source>,
    /// The folders of the current streams.
    pub(super) current: Vec<PathBuf>,
    /// What is odd with an index.
    pub(super) findings: Vec<FileFindings>,
}

/// The files that make a folder one of a stream.
const MARKS: [&str; 4] = ["tasks.json", "PLAN.md", "TASKS.md", "threads.json"];

/// The streams in `dirs`, each once. A repository is meant as its `work/`.
pub(super) fn find(dirs: &[PathBuf]) -> Result<Found, ImportError> {
    let mut found = Found::default();
    for dir in dirs {
        let failed = |source| ImportError::Folder { path: dir.clone(), source };
        let dir = dir.canonicalize().map_err(failed)?;
        std::fs::read_dir(&dir).map_err(failed)?;
        let before = found.sources.len();
        let named = dir.file_name().is_some_and(|name| name.to_string_lossy().parse::<StreamId>().is_ok());
        let roots = [dir.clone(), dir.join("work")];
        let root = roots.into_iter().find(|root| !streams_in(root).is_empty());
        match root {
            // Beside a plan of its own, a checkout may have streams: then these are meant.
            Some(root) if !(named && is_stream(&dir)) => found.root(&root, streams_in(&root), true),
            _ if is_stream(&dir) => {
                found.root(dir.parent().unwrap_or(&dir), vec![dir.clone()], false);
            }
            _ => {}
        }
        let known = |path: &PathBuf| found.sources.iter().any(|source| source.dir.starts_with(path));
        if found.sources.len() == before && !known(&dir) {
            return Err(ImportError::NoStream(dir));
        }
    }
    Ok(found)
}

fn is_stream(dir: &Path) -> bool {
    MARKS.iter().any(|mark| dir.join(mark).is_file())
}

/// The folders of streams in `root`, in order of their names.
fn streams_in(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut dirs: Vec<PathBuf> = entries
        .filter(|path| path.is_dir() && is_stream(path))
        .filter(|path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')))
        .collect();
    dirs.sort();
    dirs
}

impl Found {
    /// Adds folders with what the index beside them knows.
    fn root(&mut self, root: &Path, dirs: Vec<PathBuf>, whole: bool) {
        let index = match older_index(root) {
            Ok(index) => index.unwrap_or_default(),
            Err(error) => {
                let message =
                    format!("`index.json` can't be read, so its approvals are not taken over: {error}");
                self.odd(root, String::new(), vec![Diagnostic::warning("I001", message)]);
                OlderIndex::default()
            }
        };
        let mut odd = Vec::new();
        if whole {
            for (id, _) in index.entries.iter().filter(|(id, _)| !dirs.iter().any(|dir| dir.ends_with(id))) {
                let message = format!("the index lists stream `{id}`, which has no folder");
                let finding = Diagnostic::warning("I001", message);
                odd.push(match spot::text(&index.source, "id", id, 0) {
                    Some(span) => finding.at(span, ""),
                    None => finding,
                });
            }
        }
        for dir in dirs {
            let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let entry = index.entries.iter().find(|(id, _)| *id == name).map(|(_, entry)| entry.clone());
            if index.current.as_ref() == Some(&name) {
                self.current.push(dir.clone());
            }
            if whole && entry.is_none() && !index.source.is_empty() {
                odd.push(Diagnostic::warning(
                    "I001",
                    format!("the index does not know the stream in `{name}`"),
                ));
            }
            if self.sources.iter().all(|source| source.dir != dir) {
                self.sources.push(Source { dir, id: name.parse().ok(), entry: entry.unwrap_or_default() });
            }
        }
        self.odd(root, index.source, odd);
    }

    fn odd(&mut self, root: &Path, source: String, diagnostics: Vec<Diagnostic>) {
        if !diagnostics.is_empty() {
            self.findings.push(FileFindings { path: root.join("index.json"), source, diagnostics });
        }
    }
}
