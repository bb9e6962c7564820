//! A tree of all that a person sees in a checkout, taken without touching anything they see.
//!
//! It is made in a copy of the index, so that only what changed is read again. The copy keeps the time of the
//! original: git takes a file of the same second for unchanged only when the index is younger than it.
//! One invariant: index, HEAD, files, refs and stash are as they were, byte for byte.

use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::program::{Git, GitError, fields, path};
use crate::model::ObjectId;

/// What a checkout holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The tree: every tracked file as it lies there, and the untracked ones that are not ignored.
    pub tree: ObjectId,
    /// Repositories within it that are no submodules; the tree does not hold them.
    pub nested: Vec<PathBuf>,
}

/// Takes a snapshot of the checkout at `checkout`. `scratch` is a private folder for the copy of the index.
///
/// # Errors
/// [`GitError`]: a file can't be read, a filter failed, the disk is full.
pub fn snapshot(checkout: &Path, scratch: &Path) -> Result<Snapshot, GitError> {
    match attempt(checkout, scratch) {
        // A file that went away or was replaced between two looks; a second look decides.
        Err(GitError::Failed { .. }) => attempt(checkout, scratch),
        result => result,
    }
}

fn attempt(checkout: &Path, scratch: &Path) -> Result<Snapshot, GitError> {
    let git = Git::at(checkout);
    let index = TemporaryIndex::copy_of(&git.own_path("index")?, scratch)?;
    let git = git.with_index(&index.path);
    see_all(&git)?;
    git.bytes(&["add", "--update", "--sparse"])?;
    let untracked = git.bytes(&["ls-files", "--others", "--exclude-standard", "-z"])?;
    let (nested, files): (Vec<&[u8]>, Vec<&[u8]>) = fields(&untracked).partition(|name| name.ends_with(b"/"));
    if !files.is_empty() {
        git.feed(&["update-index", "--add", "--remove", "-z", "--stdin"], list(&files))?;
    }
    let tree = git.object(&["write-tree"])?;
    Ok(Snapshot { tree, nested: nested.into_iter().map(path).collect() })
}

/// The tree of the index alone: what is staged. None while a merge is not resolved.
///
/// # Errors
/// [`GitError`]
pub fn staged(checkout: &Path, scratch: &Path) -> Result<Option<ObjectId>, GitError> {
    let git = Git::at(checkout);
    let index = TemporaryIndex::copy_of(&git.own_path("index")?, scratch)?;
    let git = git.with_index(&index.path);
    if !git.bytes(&["ls-files", "--unmerged", "-z"])?.is_empty() {
        return Ok(None);
    }
    git.object(&["write-tree"]).map(Some)
}

/// Files that git ignores, and folders that hold nothing else, with a slash.
///
/// # Errors
/// [`GitError`]
pub fn ignored(checkout: &Path) -> Result<Vec<PathBuf>, GitError> {
    let args = ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"];
    let answer = Git::at(checkout).bytes(&args)?;
    Ok(fields(&answer).map(path).collect())
}

/// The submodules of a checkout that are filled, and so hold what no snapshot holds.
///
/// # Errors
/// [`GitError`]
pub fn filled_submodules(checkout: &Path) -> Result<Vec<PathBuf>, GitError> {
    let listed = Git::at(checkout).bytes(&["ls-files", "--stage", "-z"])?;
    let of = |entry: &[u8]| {
        let at = entry.iter().position(|byte| *byte == b'\t')?;
        entry.starts_with(b"160000 ").then(|| path(&entry[at + 1..]))
    };
    let filled = |path: &PathBuf| checkout.join(path).join(".git").symlink_metadata().is_ok();
    Ok(fields(&listed).filter_map(of).filter(filled).collect())
}

/// Takes the marks away by which git would not look at a file that is there. One that is not there, and
/// need not be (a sparse checkout), keeps its mark, and so its place in the tree.
fn see_all(git: &Git) -> Result<(), GitError> {
    let listed = git.bytes(&["ls-files", "-v", "-z"])?;
    let (mut unchanged, mut skipped) = (Vec::new(), Vec::new());
    for entry in fields(&listed) {
        let Some((tag, name)) = entry.split_first_chunk::<2>() else { continue };
        if tag[0].is_ascii_lowercase() {
            unchanged.push(name);
        }
        if tag[0].eq_ignore_ascii_case(&b'S') && git.dir().join(path(name)).symlink_metadata().is_ok() {
            skipped.push(name);
        }
    }
    for (names, flag) in [(unchanged, "--no-assume-unchanged"), (skipped, "--no-skip-worktree")] {
        if !names.is_empty() {
            git.feed(&["update-index", flag, "-z", "--stdin"], list(&names))?;
        }
    }
    Ok(())
}

/// Names for git to read.
pub(super) fn list(names: &[&[u8]]) -> Vec<u8> {
    let mut input = Vec::with_capacity(names.iter().map(|name| name.len() + 1).sum());
    for name in names {
        input.extend_from_slice(name);
        input.push(0);
    }
    input
}

/// Paths for git to read.
pub(super) fn list_of(paths: &[&Path]) -> Vec<u8> {
    list(&paths.iter().map(|path| path.as_os_str().as_bytes()).collect::<Vec<_>>())
}

/// An index of our own, gone with this value.
#[derive(Debug)]
pub(super) struct TemporaryIndex {
    _folder: Scratch,
    pub(super) path: PathBuf,
}

impl TemporaryIndex {
    /// One with nothing in it.
    pub(super) fn empty(scratch: &Path) -> Result<Self, GitError> {
        let folder = Scratch::new(scratch)?;
        let path = folder.path.join("index");
        Ok(Self { _folder: folder, path })
    }

    /// One with all that another has; an index that is not there has nothing.
    fn copy_of(original: &Path, scratch: &Path) -> Result<Self, GitError> {
        let temporary = Self::empty(scratch)?;
        let failed = |source| GitError::Io { action: "copy", path: original.to_owned(), source };
        match File::open(original) {
            Ok(from) => copy(from, &temporary.path).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        Ok(temporary)
    }
}

/// Copies with the time of the last change. All from one open file: git replaces its index by a rename.
fn copy(mut from: File, to: &Path) -> io::Result<()> {
    let changed = from.metadata()?.modified()?;
    let mut copy = File::create_new(to)?;
    io::copy(&mut from, &mut copy)?;
    copy.set_times(FileTimes::new().set_modified(changed))
}

/// A folder for a moment, with everything in it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new one in `parent`.
    ///
    /// # Errors
    /// [`GitError::Io`]
    pub fn new(parent: &Path) -> Result<Self, GitError> {
        use std::hash::{BuildHasher as _, Hasher as _, RandomState};
        let random = RandomState::new().build_hasher().finish();
        let path = parent.join(format!("{}-{random:016x}", std::process::id()));
        fs::create_dir(&path).map_err(|source| GitError::Io {
            action: "make",
            path: path.clone(),
            source,
        })?;
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed is removed by the next who takes the lock.
        let _ = fs::remove_dir_all(&self.path);
    }
}
