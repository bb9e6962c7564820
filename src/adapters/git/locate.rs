//! From any folder to the repository around it.
//!
//! The layout is that of `gitrepository-layout(5)`: `.git` is the repository, or a file that names
//! it; a linked worktree has a folder of its own there, whose `commondir` leads to the common one.
//! `GIT_DIR` and the like are not read: a hook or an alias that runs `work` must find the same place.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::config;

/// A repository, seen from one of its checkouts. All paths are absolute and without symlinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The checkout around the place where the search began.
    pub checkout: PathBuf,
    /// The checkout that the repository was made with. A bare repository has none; there it is the
    /// worktree of the default branch, or else the first by name.
    pub main_checkout: PathBuf,
    /// The directory that all checkouts share: `.git` of the main checkout, mostly.
    pub common_dir: PathBuf,
    /// `checkout` was added by `git worktree add`.
    pub is_linked_worktree: bool,
}

/// Why it can't be told which repository a folder belongs to.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A `.git` file leads nowhere.
    #[error("`{}` names no git repository", path.display())]
    Broken {
        /// The `.git` file.
        path: PathBuf,
    },
    /// git does not keep where the main checkout is when the repository lies apart from it.
    #[error(
        "the main checkout of `{}` cannot be told from the linked worktree `{}`; set `WORK_ROOT` to it",
        common_dir.display(),
        checkout.display()
    )]
    NoMainCheckout {
        /// The repository.
        common_dir: PathBuf,
        /// The linked worktree.
        checkout: PathBuf,
    },
}

/// The repository around `start`, or `None` when it lies in none. Runs no program.
///
/// # Errors
/// `start` is not there, or the repository is damaged or unreadable.
pub fn locate(start: &Path) -> Result<Option<Repository>, LocateError> {
    for folder in canonical(start)?.ancestors() {
        let entry = folder.join(".git");
        let git_dir = match fs::metadata(&entry) {
            Ok(kind) if kind.is_dir() => entry,
            Ok(kind) if kind.is_file() => linked_to(&entry)?,
            // Not there, or not for us to see: git looks further up, too.
            _ => continue,
        };
        if is_repository(&git_dir) {
            return describe(folder, &canonical(&git_dir)?);
        }
    }
    Ok(None)
}

/// The repository whose directory, as `folder` sees it, is `git_dir`.
fn describe(folder: &Path, git_dir: &Path) -> Result<Option<Repository>, LocateError> {
    let link = git_dir.join("commondir");
    let is_linked_worktree = link.exists();
    let common_dir =
        if is_linked_worktree { canonical(&git_dir.join(read_path(&link)?))? } else { git_dir.to_owned() };
    let core = config::core(&common_dir)
        .map_err(|source| LocateError::Read { path: common_dir.join("config"), source })?;
    let main_checkout = if core.bare {
        match worktree_of_bare(&common_dir) {
            Some(worktree) => worktree,
            // A bare repository without worktrees has nothing that could be worked on.
            None => return Ok(None),
        }
    } else if !is_linked_worktree {
        folder.to_owned()
    } else if let Some(worktree) = core.worktree {
        canonical(&common_dir.join(worktree))?
    } else if let (true, Some(around)) = (common_dir.ends_with(".git"), common_dir.parent()) {
        around.to_owned()
    } else {
        return Err(LocateError::NoMainCheckout { common_dir, checkout: folder.to_owned() });
    };
    // The folder that only holds a bare repository is no checkout itself.
    let checkout = if core.bare && !is_linked_worktree { main_checkout.clone() } else { folder.to_owned() };
    Ok(Some(Repository { checkout, main_checkout, common_dir, is_linked_worktree }))
}

/// The worktree that stands for the main checkout of a bare repository.
fn worktree_of_bare(common_dir: &Path) -> Option<PathBuf> {
    let branch = fs::read(common_dir.join("HEAD")).ok();
    let mut worktrees: Vec<(bool, PathBuf)> = fs::read_dir(common_dir.join("worktrees"))
        .ok()?
        .filter_map(|entry| {
            let own = entry.ok()?.path();
            let link = own.join(read_path(&own.join("gitdir")).ok()?);
            let folder = link.parent()?.canonicalize().ok()?;
            let other_branch = fs::read(own.join("HEAD")).ok() != branch;
            Some((other_branch, folder))
        })
        .collect();
    worktrees.sort();
    worktrees.into_iter().next().map(|(_, folder)| folder)
}

/// Where a `.git` file leads.
fn linked_to(file: &Path) -> Result<PathBuf, LocateError> {
    let broken = || LocateError::Broken { path: file.to_owned() };
    let text = read_path(file)?.into_os_string().into_vec();
    let path = text.strip_prefix(b"gitdir: ").ok_or_else(broken)?;
    let path = PathBuf::from(OsString::from_vec(path.to_vec()));
    let path = file.parent().unwrap_or(Path::new("/")).join(path);
    if is_repository(&path) { Ok(path) } else { Err(broken()) }
}

/// Whether git would take the directory for a repository, or for a worktree's part of one.
fn is_repository(git_dir: &Path) -> bool {
    git_dir.join("HEAD").symlink_metadata().is_ok()
        && (git_dir.join("commondir").exists() || git_dir.join("objects").is_dir())
}

/// The one path that a small file holds.
fn read_path(file: &Path) -> Result<PathBuf, LocateError> {
    let mut bytes = fs::read(file).map_err(|source| LocateError::Read { path: file.to_owned(), source })?;
    while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

fn canonical(path: &Path) -> Result<PathBuf, LocateError> {
    path.canonicalize().map_err(|source| LocateError::Read { path: path.to_owned(), source })
}
