//! What git keeps of a file: asked of the git program, since only it knows filters and the index.

use std::path::Path;
use std::time::Duration;

use crate::sys::process;

/// How long git may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The commit (short) that has `path`, a file or a folder, just as it is now. `None` when something in it
/// is changed or not committed, and also when git can't tell.
#[must_use]
pub fn committed(checkout: &Path, path: &Path) -> Option<String> {
    let below = path.strip_prefix(checkout).ok()?.to_str()?;
    let changed = git(checkout, &["status", "--porcelain", "-z", "--untracked-files=all", "--", below])?;
    if !changed.is_empty() {
        return None;
    }
    Some(git(checkout, &["log", "-1", "--format=%h", "--", below])?).filter(|commit| !commit.is_empty())
}

/// The newest commits (short) that changed a file, the newest first; none when git can't tell.
#[must_use]
pub fn versions(checkout: &Path, file: &Path, most: usize) -> Vec<String> {
    let Some(below) = file.strip_prefix(checkout).ok().and_then(Path::to_str) else { return Vec::new() };
    let listed = git(checkout, &["log", "--format=%h", &format!("--max-count={most}"), "--", below]);
    listed.unwrap_or_default().lines().map(str::to_owned).collect()
}

/// A file as a commit has it.
#[must_use]
pub fn content(checkout: &Path, commit: &str, file: &Path) -> Option<Vec<u8>> {
    let below = file.strip_prefix(checkout).ok()?.to_str()?;
    output(checkout, &["show", &format!("{commit}:{below}")])
}

fn git(checkout: &Path, args: &[&str]) -> Option<String> {
    Some(String::from_utf8_lossy(&output(checkout, args)?).trim_end_matches('\n').to_owned())
}

/// Standard output of a git that only looks.
fn output(checkout: &Path, args: &[&str]) -> Option<Vec<u8>> {
    let mut command = process::command("git");
    command.args(["-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "--literal-pathspecs"]);
    command.args(args).current_dir(checkout).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
    // A tool of an agent may have these set for another repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    let output = process::run(command, None, PATIENCE).ok()?;
    output.status.success().then_some(output.stdout)
}
