//! What has changed in a checkout, asked of git. Changes nothing, and takes no lock.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::sys::process;

/// How long git may take to look at a large checkout.
const PATIENCE: Duration = Duration::from_secs(20);

/// What git tells of a checkout.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Files that differ from the last commit, as `git status --short` lists them.
    pub files: Vec<String>,
    /// Commits since the given time, newest first: short id and subject.
    pub commits: Vec<String>,
}

/// The changes in the checkout at `dir`: uncommitted files, and the commits since `since`. `None` when git
/// can't tell: it is not installed, or there is no repository.
#[must_use]
pub fn changes(dir: &Path, since: DateTime<Utc>) -> Option<Changes> {
    let files = git(dir, &["status", "--short", "--untracked-files=normal"])?;
    let since = format!("--since={}", since.to_rfc3339_opts(SecondsFormat::Secs, true));
    // A repository without a commit has no log.
    let commits = git(dir, &["log", "--format=%h %s", "--max-count=50", &since]).unwrap_or_default();
    let lines = |text: String| text.lines().map(str::to_owned).collect();
    Some(Changes { files: lines(files), commits: lines(commits) })
}

/// What git prints, or `None` when it fails.
fn git(dir: &Path, args: &[&str]) -> Option<String> {
    let mut command = process::command("git");
    command.args(["-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "core.quotePath=false"]);
    command.args(args).current_dir(dir).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
    // A tool of an agent may have these set for another repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    let output = process::run(command, None, PATIENCE).ok()?;
    output.status.success().then(|| output.text())
}
