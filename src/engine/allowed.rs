//! The files that a thread may touch by its `**Paths:**`, and what was changed beside them.
//!
//! A thread without `**Paths:**` may touch all. Nothing is refused for this; it is only told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Workspace, approved, read_text};
use crate::model::{AgentEvent, OutsidePaths, Stream, StreamId, ThreadId, ToolStatus};
use crate::plan::{self, Paths};

/// Tools that write the file that they are given, as the agents call them. What a shell writes, nobody tells.
const WRITERS: [&str; 6] = ["edit", "write", "multiedit", "write_file", "replace", "edit_file"];

/// What such a tool calls its file.
const FILE: [&str; 3] = ["filePath", "file_path", "path"];

/// The files that do not belong to these globs; none when there are no globs. Both count from the root of the
/// repository.
#[must_use]
pub fn outside<'a>(
    globs: impl IntoIterator<Item = &'a str>,
    files: impl IntoIterator<Item = PathBuf>,
) -> Option<OutsidePaths> {
    let paths = Paths::new(globs);
    if paths.is_empty() {
        return None;
    }
    let files = files.into_iter().map(|file| file.to_string_lossy().into_owned());
    OutsidePaths::of(files.filter(|file| !paths.hold(file)))
}

/// The file of the repository at `root` that an agent in `directory` has just written, where its tool tells.
#[must_use]
pub fn written(event: &AgentEvent, root: &Path, directory: &Path) -> Option<PathBuf> {
    let AgentEvent::ToolCall { name, status: ToolStatus::Completed, input: Some(input), .. } = event else {
        return None;
    };
    if !WRITERS.contains(&name.as_str()) {
        return None;
    }
    let file = FILE.iter().find_map(|key| input.get(key)?.as_str())?;
    directory.join(file).strip_prefix(root).ok().map(Path::to_owned)
}

/// The globs of each thread that has some, by the plan that was approved.
#[must_use]
pub fn paths(workspace: &Workspace, stream: &StreamId) -> BTreeMap<ThreadId, Paths> {
    let handle = super::StreamHandle::of(workspace, stream);
    let state = handle.store.read().ok();
    // A copy that is not of what was approved is nothing to go by; the plan itself is closer then.
    let is_approved =
        |text: &String| state.as_ref().is_some_and(|state: &Stream| approved::is_approved(state, text));
    let copy = approved::copy(workspace, stream).filter(is_approved);
    let Some(text) = copy.or_else(|| read_text(&handle.plan_file()).ok()) else { return BTreeMap::new() };
    let plan = plan::read(&text);
    let threads = plan.batches().flat_map(|batch| &batch.threads);
    let with = threads.filter(|thread| !thread.paths.is_empty());
    with.map(|thread| (thread.id, Paths::new(thread.paths.iter().map(|path| path.value.as_str())))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Mutant tried: telling what the globs hold.
    #[test]
    fn only_files_beside_the_globs_are_told() {
        let cases: [(&[&str], &[&str], &[&str]); 6] = [
            (&[], &["a"], &[]),
            (&["src/**"], &["src/a.rs", "src/b/c.rs"], &[]),
            (
                &["src/**", "*.md"],
                &["src/a.rs", "README.md", "docs/x.md", "Cargo.toml"],
                &["Cargo.toml", "docs/x.md"],
            ),
            (&["src"], &["src/deep/down", "srcs/a"], &["srcs/a"]),
            (&["{a,b}/x"], &["a/x", "b/x", "c/x"], &["c/x"]),
            (&["src/**"], &[], &[]),
        ];
        for (globs, files, wanted) in cases {
            let found = outside(globs.iter().copied(), files.iter().map(PathBuf::from));
            let found = found.map(|found| found.files).unwrap_or_default();
            assert_eq!(found, wanted, "{globs:?} {files:?}");
        }
    }

    #[test]
    fn a_tool_that_wrote_tells_its_file() {
        let call = |name: &str, status, input| AgentEvent::ToolCall {
            id: "1".into(),
            name: name.into(),
            title: String::new(),
            status,
            input: Some(input),
            output: None,
        };
        let done = ToolStatus::Completed;
        let cases = [
            (call("write", done, json!({ "filePath": "/r/a/b" })), Some("a/b")),
            (call("edit", done, json!({ "file_path": "c" })), Some("sub/c")),
            (call("edit", ToolStatus::Failed, json!({ "filePath": "/r/a" })), None),
            (call("edit", ToolStatus::Running, json!({ "filePath": "/r/a" })), None),
            (call("read", done, json!({ "filePath": "/r/a" })), None),
            (call("write", done, json!({ "filePath": "/elsewhere/a" })), None),
            (call("write", done, json!({ "content": "x" })), None),
        ];
        for (event, wanted) in cases {
            let found = written(&event, Path::new("/r"), Path::new("/r/sub"));
            assert_eq!(found.as_deref(), wanted.map(Path::new), "{event:?}");
        }
    }
}
