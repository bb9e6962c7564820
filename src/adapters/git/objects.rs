//! Commits, trees and differences: what is kept, read without a checkout.

use std::path::{Path, PathBuf};

use super::program::{Git, GitError, fields, object, odd, path};
use super::snapshot::{TemporaryIndex, list_of};
use crate::model::ObjectId;

/// A file in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its kind and mode as git writes it: `100644`, `100755`, `120000` a link, `160000` a submodule.
    pub mode: String,
    /// Its content.
    pub object: ObjectId,
}

impl Entry {
    /// A commit of another repository.
    #[must_use]
    pub fn is_submodule(&self) -> bool {
        self.mode == "160000"
    }

    /// A symbolic link.
    #[must_use]
    pub fn is_link(&self) -> bool {
        self.mode == "120000"
    }
}

/// A path that differs between two trees. A rename is a file that went and one that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The path, from the top of the checkout.
    pub path: PathBuf,
    /// What it was.
    pub old: Option<Entry>,
    /// What it is.
    pub new: Option<Entry>,
    /// Lines that came and went; none for binary files.
    pub lines: Option<(u64, u64)>,
}

/// Who a commit is by.
#[derive(Debug, Clone)]
pub enum By<'a> {
    /// A snapshot of ours, made for this agent or, without a name, for ourselves.
    Work(Option<&'a str>, i64),
    /// Its author is this agent; its committer is the user, as git knows them.
    User(&'a str),
}

/// The address of authors that have none.
const ADDRESS: &str = "work@localhost";

impl Git {
    /// Makes a commit.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn commit(
        &self,
        tree: &ObjectId,
        parents: &[&ObjectId],
        message: &str,
        by: &By<'_>,
    ) -> Result<ObjectId, GitError> {
        let mut args = vec!["commit-tree", tree.as_str()];
        parents.iter().for_each(|parent| args.extend(["-p", parent.as_str()]));
        let time;
        let mut environment = Vec::new();
        let author = match by {
            By::Work(author, _) => *author,
            By::User(author) => Some(*author),
        };
        environment.push(("GIT_AUTHOR_NAME", author.filter(|name| !name.is_empty()).unwrap_or("work")));
        environment.push(("GIT_AUTHOR_EMAIL", ADDRESS));
        if let By::Work(_, at) = by {
            time = format!("@{at} +0000");
            environment.extend([
                ("GIT_COMMITTER_NAME", "work"),
                ("GIT_COMMITTER_EMAIL", ADDRESS),
                ("GIT_AUTHOR_DATE", &time),
                ("GIT_COMMITTER_DATE", &time),
            ]);
        }
        let (_, answer) = self.run(&args, Some(message.as_bytes()), &[0], &environment)?;
        object(&args, &answer)
    }

    /// The paths that differ between two trees (or commits), in order.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn diff(&self, old: &ObjectId, new: &ObjectId) -> Result<Vec<Difference>, GitError> {
        self.diff_with(old, new, true)
    }

    /// The same without counting lines, which is faster.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn diff_paths(&self, old: &ObjectId, new: &ObjectId) -> Result<Vec<Difference>, GitError> {
        self.diff_with(old, new, false)
    }

    fn diff_with(&self, old: &ObjectId, new: &ObjectId, count: bool) -> Result<Vec<Difference>, GitError> {
        let mut args = vec!["diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--no-abbrev", "--raw"];
        args.extend(count.then_some("--numstat"));
        args.extend(["--end-of-options", old.as_str(), new.as_str()]);
        let answer = self.bytes(&args)?;
        let mut found: Vec<Difference> = Vec::new();
        let mut counted = 0;
        let mut rest = fields(&answer);
        while let Some(field) = rest.next() {
            let text = String::from_utf8_lossy(field);
            if let Some(raw) = text.strip_prefix(':') {
                let name = rest.next().ok_or_else(|| odd(&args, field))?;
                found.push(raw_difference(raw, name).ok_or_else(|| odd(&args, field))?);
            } else if let Some(difference) = found.get_mut(counted) {
                difference.lines = lines(&text);
                counted += 1;
            } else {
                return Err(odd(&args, field));
            }
        }
        Ok(found)
    }

    /// The tree with everything at these paths replaced by what `from` has there: one that has nothing takes
    /// them away.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn tree_with(
        &self,
        tree: &ObjectId,
        from: &ObjectId,
        folder: &Path,
        scratch: &Path,
    ) -> Result<ObjectId, GitError> {
        let changed: Vec<Difference> =
            self.diff_paths(tree, from)?.into_iter().filter(|one| one.path.starts_with(folder)).collect();
        if changed.is_empty() {
            return Ok(tree.clone());
        }
        let index = TemporaryIndex::empty(scratch)?;
        let git = self.with_index(&index.path);
        git.bytes(&["read-tree", tree.as_str()])?;
        git.put(changed.iter().map(|one| (one.path.as_path(), one.new.as_ref())))?;
        git.object(&["write-tree"])
    }

    /// A tree of these files.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn tree_of<'a>(
        &self,
        files: impl Iterator<Item = (&'a Path, &'a Entry)>,
        scratch: &Path,
    ) -> Result<ObjectId, GitError> {
        let index = TemporaryIndex::empty(scratch)?;
        let git = self.with_index(&index.path);
        git.put(files.map(|(path, entry)| (path, Some(entry))))?;
        git.object(&["write-tree"])
    }

    /// Puts files into the index, and takes others out of it.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn put<'a>(
        &self,
        files: impl Iterator<Item = (&'a Path, Option<&'a Entry>)>,
    ) -> Result<(), GitError> {
        let (mut gone, mut there) = (Vec::new(), Vec::new());
        for (path, entry) in files {
            match entry {
                Some(Entry { mode, object }) => {
                    there.extend_from_slice(format!("{mode} {object} 0\t").as_bytes());
                    there.extend(list_of(&[path]));
                }
                None => gone.push(path),
            }
        }
        // A file makes room before a folder of its name comes.
        if !gone.is_empty() {
            self.feed(&["update-index", "--force-remove", "-z", "--stdin"], list_of(&gone))?;
        }
        if !there.is_empty() {
            self.feed(&["update-index", "-z", "--index-info"], there)?;
        }
        Ok(())
    }

    /// The files of a tree, all of them.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn files(&self, tree: &ObjectId) -> Result<Vec<(PathBuf, Entry)>, GitError> {
        let args = ["ls-tree", "-r", "-z", "--full-tree", tree.as_str()];
        let answer = self.bytes(&args)?;
        fields(&answer)
            .map(|field| {
                let at = field.iter().position(|byte| *byte == b'\t').ok_or_else(|| odd(&args, field))?;
                let (head, name) = (String::from_utf8_lossy(&field[..at]), &field[at + 1..]);
                let mut words = head.split(' ');
                let (mode, object) = (words.next(), words.nth(1).and_then(ObjectId::new));
                let (Some(mode), Some(object)) = (mode, object) else { return Err(odd(&args, field)) };
                Ok((path(name), Entry { mode: mode.to_owned(), object }))
            })
            .collect()
    }

    /// Writes files of a tree below `into`, with the filters that a checkout would use.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn export(
        &self,
        tree: &ObjectId,
        paths: &[&Path],
        into: &Path,
        scratch: &Path,
    ) -> Result<(), GitError> {
        let index = TemporaryIndex::empty(scratch)?;
        let git = self.with_index(&index.path);
        git.bytes(&["read-tree", tree.as_str()])?;
        let prefix = format!("--prefix={}/", into.display());
        git.feed(&["checkout-index", "-z", "--stdin", &prefix], list_of(paths)).map(drop)
    }

    /// Keeps the bytes of files as they lie there, without filters. Links must not be among them.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn keep_files(&self, files: &[PathBuf]) -> Result<Vec<ObjectId>, GitError> {
        use std::os::unix::ffi::OsStrExt as _;
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let args = ["hash-object", "-w", "--no-filters", "--stdin-paths"];
        if files.iter().any(|file| file.as_os_str().as_bytes().contains(&b'\n')) {
            return files.iter().map(|file| self.keep_file(file)).collect();
        }
        let mut input = Vec::new();
        for file in files {
            input.extend_from_slice(file.as_os_str().as_bytes());
            input.push(b'\n');
        }
        let answer = self.feed(&args, input)?;
        let ids: Option<Vec<_>> = String::from_utf8_lossy(&answer).lines().map(ObjectId::new).collect();
        ids.filter(|ids| ids.len() == files.len()).ok_or_else(|| odd(&args, &answer))
    }

    fn keep_file(&self, file: &Path) -> Result<ObjectId, GitError> {
        let args = ["hash-object".as_ref(), "-w".as_ref(), "--no-filters".as_ref(), file.as_os_str()];
        self.object(&args)
    }

    /// Keeps bytes.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn keep(&self, bytes: Vec<u8>) -> Result<ObjectId, GitError> {
        let args = ["hash-object", "-w", "--no-filters", "--stdin"];
        let answer = self.feed(&args, bytes)?;
        object(&args, &answer)
    }

    /// The bytes of blobs, in their order.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn blobs(&self, ids: &[&ObjectId]) -> Result<Vec<Vec<u8>>, GitError> {
        let args = ["cat-file", "--batch"];
        let input: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let answer = self.feed(&args, input.into_bytes())?;
        let mut rest = answer.as_slice();
        let mut blobs = Vec::with_capacity(ids.len());
        for _ in ids {
            // `ID blob SIZE`, a newline, the bytes, a newline.
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| odd(&args, rest))?;
            let head = String::from_utf8_lossy(&rest[..end]);
            let size: Option<usize> = head.split_once(" blob ").and_then(|(_, size)| size.parse().ok());
            let blob = size.and_then(|size| rest.get(end + 1..end + 1 + size));
            let blob = blob.ok_or_else(|| odd(&args, &rest[..end]))?;
            blobs.push(blob.to_vec());
            rest = &rest[(end + blob.len() + 2).min(rest.len())..];
        }
        Ok(blobs)
    }

    /// The tree that has nothing in it.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn empty_tree(&self) -> Result<ObjectId, GitError> {
        let args = ["mktree"];
        object(&args, &self.feed(&args, Vec::new())?)
    }

    /// The paths whose entry in the index differs from a tree.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn staged_paths(&self, tree: &ObjectId) -> Result<Vec<PathBuf>, GitError> {
        let answer = self.bytes(&["diff-index", "--cached", "--name-only", "-z", tree.as_str()])?;
        Ok(fields(&answer).map(path).collect())
    }

    /// What a symbolic ref points to; none when it is no symbolic ref.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn symbolic(&self, name: &str) -> Result<Option<String>, GitError> {
        let (code, answer) = self.run(&["symbolic-ref", "--quiet", name], None, &[0, 1], &[])?;
        let target = String::from_utf8_lossy(&answer).trim_end_matches('\n').to_owned();
        Ok((code == 0).then_some(target))
    }

    /// Whether a commit is among those that led to another.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn is_ancestor(&self, one: &ObjectId, of: &ObjectId) -> Result<bool, GitError> {
        let args = ["merge-base", "--is-ancestor", one.as_str(), of.as_str()];
        Ok(self.run(&args, None, &[0, 1], &[])?.0 == 0)
    }

    /// Whether all that a commit holds is there, besides what another one holds, too.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn is_whole(&self, commit: &ObjectId, besides: &ObjectId) -> Result<bool, GitError> {
        let args = ["rev-list", "--objects", "--quiet", commit.as_str(), "--not", besides.as_str()];
        Ok(self.run(&args, None, &[0, 1, 128], &[])?.0 == 0)
    }

    /// The ignored files that fit one of these patterns, written as in a `.gitignore`.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn matching_ignored(&self, patterns: &[String]) -> Result<Vec<PathBuf>, GitError> {
        let standard = self.bytes(&["ls-files", "--others", "--ignored", "--exclude-standard", "-z"])?;
        let mut args =
            vec!["ls-files".to_owned(), "--others".to_owned(), "--ignored".to_owned(), "-z".to_owned()];
        args.extend(patterns.iter().map(|pattern| format!("--exclude={pattern}")));
        let wanted = self.bytes(&args)?;
        let wanted: std::collections::HashSet<&[u8]> = fields(&wanted).collect();
        Ok(fields(&standard)
            .filter(|name| wanted.contains(name) && !name.ends_with(b"/"))
            .map(path)
            .collect())
    }
}

/// `100644 100755 OLD NEW M`, and the name.
fn raw_difference(raw: &str, name: &[u8]) -> Option<Difference> {
    let words: Vec<&str> = raw.split(' ').collect();
    let [old_mode, new_mode, old, new, _] = words.as_slice() else { return None };
    let entry = |mode: &str, object: &str| -> Option<Option<Entry>> {
        if mode == "000000" {
            return Some(None);
        }
        Some(Some(Entry { mode: mode.to_owned(), object: ObjectId::new(object)? }))
    };
    Some(Difference { path: path(name), old: entry(old_mode, old)?, new: entry(new_mode, new)?, lines: None })
}

/// `3\t1\tNAME`, or `-\t-\tNAME`.
fn lines(text: &str) -> Option<(u64, u64)> {
    let mut words = text.split('\t');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}
