//! One call of git: plumbing only, and the same whatever the user has configured.
//!
//! No hook runs, nothing is signed, nothing is collected, and what git writes is on the disk before it says
//! so. One invariant: an error holds git's own words.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::model::ObjectId;
use crate::sys::process::{self, RunError};

/// How long git may take over a large repository.
const PATIENCE: Duration = Duration::from_secs(300);

/// The oldest git that merges without a checkout (`git merge-tree --write-tree`).
const OLDEST: (u32, u32) = (2, 38);

/// What makes git the same for everybody.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.splitIndex=false",
    "core.safecrlf=false",
    "core.quotePath=false",
    // Objects and refs are durable before git says that they are there.
    "core.fsync=committed,loose-object,reference",
    "core.fsyncMethod=fsync",
    "gc.auto=0",
    "maintenance.auto=false",
    "commit.gpgSign=false",
    "advice.addEmbeddedRepo=false",
    "merge.conflictStyle=merge",
    "merge.renames=true",
    "merge.directoryRenames=false",
    "diff.renames=false",
    "submodule.recurse=false",
];

/// A tool of an agent may have these set for another repository.
const FOREIGN: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
];

/// Why git gave no result.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It could not be started, or took too long.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It failed.
    #[error("`{argv}` failed: {said}")]
    Failed {
        /// Program and arguments, without the settings that are always the same.
        argv: String,
        /// Its exit code, unless a signal ended it.
        code: Option<i32>,
        /// What it said.
        said: String,
    },
    /// It is older than what is used here.
    #[error("git {found} is too old: worktrees and changes need git {}.{} or newer", OLDEST.0, OLDEST.1)]
    TooOld {
        /// Its version.
        found: String,
    },
    /// It answered something else than it should.
    #[error("`{argv}` gave an answer that makes no sense: {answer}")]
    Odd {
        /// Program and arguments.
        argv: String,
        /// The beginning of the answer.
        answer: String,
    },
    /// A file that it needs can't be made or read.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// What git says when the folder for a new object was empty, and a `git gc` removed it in that moment.
const SWEPT: &str = "unable to create temporary file: No such file or directory";

/// How often it is tried in all, when that happens.
const TRIES: u8 = 3;

/// git in one checkout, perhaps with an index of our own.
#[derive(Debug, Clone)]
pub struct Git {
    dir: PathBuf,
    index: Option<PathBuf>,
}

impl Git {
    /// git in the checkout at `dir`.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), index: None }
    }

    /// The same with another index than the checkout's own.
    #[must_use]
    pub fn with_index(&self, index: &Path) -> Self {
        Self { index: Some(index.to_owned()), ..self.clone() }
    }

    /// Where it is called.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Fails when git is too old for what is done with worktrees.
    ///
    /// # Errors
    /// [`GitError::TooOld`], or that there is no git.
    pub fn check_version(&self) -> Result<(), GitError> {
        static GOOD: OnceLock<()> = OnceLock::new();
        if GOOD.get().is_some() {
            return Ok(());
        }
        let found = self.line(&["version"])?;
        if version(&found).is_some_and(|found| found >= OLDEST) {
            GOOD.get_or_init(|| ());
            return Ok(());
        }
        Err(GitError::TooOld { found: found.trim_start_matches("git version ").to_owned() })
    }

    fn command(&self, args: &[impl AsRef<OsStr>]) -> Command {
        let mut command = process::command("git");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.arg("--literal-pathspecs").args(args).current_dir(&self.dir);
        command.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
        for name in FOREIGN {
            command.env_remove(name);
        }
        if let Some(index) = &self.index {
            command.env("GIT_INDEX_FILE", index);
        }
        command
    }

    /// Runs it; exit codes of `fine` are no failure.
    pub(super) fn run(
        &self,
        args: &[impl AsRef<OsStr>],
        input: Option<&[u8]>,
        fine: &[i32],
        environment: &[(&str, &str)],
    ) -> Result<(i32, Vec<u8>), GitError> {
        let mut tries = 1..=TRIES;
        loop {
            let mut command = self.command(args);
            command.envs(environment.iter().copied());
            let output = process::run(command, input.map(<[u8]>::to_vec), PATIENCE)?;
            let code = output.status.code();
            if let Some(code) = code.filter(|code| fine.contains(code)) {
                return Ok((code, output.stdout));
            }
            let said = output.error_text();
            tries.next();
            if !tries.is_empty() && said.contains(SWEPT) {
                continue;
            }
            let said = if said.is_empty() { format!("it ended with {}", output.status) } else { said };
            return Err(GitError::Failed { argv: argv(args), code, said });
        }
    }

    /// Standard output.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn bytes(&self, args: &[impl AsRef<OsStr>]) -> Result<Vec<u8>, GitError> {
        Ok(self.run(args, None, &[0], &[])?.1)
    }

    /// Standard output of a git that reads `input`.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn feed(&self, args: &[impl AsRef<OsStr>], input: impl AsRef<[u8]>) -> Result<Vec<u8>, GitError> {
        Ok(self.run(args, Some(input.as_ref()), &[0], &[])?.1)
    }

    /// Standard output as one line.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn line(&self, args: &[impl AsRef<OsStr>]) -> Result<String, GitError> {
        Ok(String::from_utf8_lossy(&self.bytes(args)?).trim_end_matches('\n').to_owned())
    }

    /// Standard output as the name of an object.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn object(&self, args: &[impl AsRef<OsStr>]) -> Result<ObjectId, GitError> {
        let answer = self.bytes(args)?;
        object(args, &answer)
    }

    /// The object that a name means, peeled as `name^{tree}` says; none when there is none.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn resolve(&self, name: &str) -> Result<Option<ObjectId>, GitError> {
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", name];
        let (code, answer) = self.run(&args, None, &[0, 1], &[])?;
        if code == 0 { object(&args, &answer).map(Some) } else { Ok(None) }
    }

    /// A path of this checkout's part of the repository, absolute.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn own_path(&self, name: &str) -> Result<PathBuf, GitError> {
        let mut answer = self.bytes(&["rev-parse", "--path-format=absolute", "--git-path", name])?;
        if answer.last() == Some(&b'\n') {
            answer.pop();
        }
        Ok(PathBuf::from(OsString::from_vec(answer)))
    }
}

/// An answer that is the name of an object.
pub(super) fn object(args: &[impl AsRef<OsStr>], answer: &[u8]) -> Result<ObjectId, GitError> {
    let text = String::from_utf8_lossy(answer);
    ObjectId::new(text.trim()).ok_or_else(|| odd(args, answer))
}

/// That an answer makes no sense.
pub(super) fn odd(args: &[impl AsRef<OsStr>], answer: &[u8]) -> GitError {
    let answer: String = String::from_utf8_lossy(answer).chars().take(200).collect();
    GitError::Odd { argv: argv(args), answer }
}

fn argv(args: &[impl AsRef<OsStr>]) -> String {
    let args: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
    format!("git {}", args.join(" "))
}

/// Bytes between NULs, without the end.
pub(super) fn fields(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.strip_suffix(b"\0").unwrap_or(bytes).split(|byte| *byte == 0).filter(|field| !field.is_empty())
}

/// A path as git writes it.
pub(super) fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

/// Major and minor of `git version 2.39.5 (Apple Git-154)`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.trim().parse().ok()?, numbers.next()?.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_git_writes_them() {
        for (text, expected) in [
            ("git version 2.47.3", Some((2, 47))),
            ("git version 2.39.5 (Apple Git-154)", Some((2, 39))),
            ("git version 2.38.0.windows.1", Some((2, 38))),
            ("git version 3.0", Some((3, 0))),
            ("hub 1", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
        assert!(version("git version 2.9.1").is_some_and(|old| old < OLDEST));
    }
}
