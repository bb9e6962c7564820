//! Writing an imported stream: all of it into a folder beside, and then one rename.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::Refusal;
use crate::diag::Diagnostic;
use crate::engine::Workspace;
use crate::engine::validate::FileFindings;
use crate::model::Stream;
use crate::store::Store;
use crate::store::tasks::{FILE_NAME, Format, Older};
use crate::sys::{atomic, fault};

/// What unfinished streams are called in `work/`, so that nobody takes them for streams.
const UNFINISHED: &str = ".new-";

/// A file of the old stream, and its name in the new one, both below their folders.
#[derive(Debug, Clone)]
pub(super) struct Copied {
    from: PathBuf,
    pub(super) to: PathBuf,
}

/// Everything in the old folder but its state, which is written anew, and files of a moment. The old
/// state comes along under another name.
pub(super) fn files(dir: &Path, older: &Older) -> Result<(Vec<Copied>, Option<FileFindings>), Refusal> {
    let mut found = Vec::new();
    let mut odd = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = dir.join(&folder);
        let failed = |source| Refusal::File { action: "read", path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let below = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let of_a_moment =
                name.starts_with('.') && (name.ends_with(".lock") || name.ends_with(".work-tmp"));
            if kind.is_dir() {
                folders.push(below);
            } else if !kind.is_file() && !kind.is_symlink() {
                let message = format!("`{}` is no file, and does not come along", below.display());
                odd.push(Diagnostic::warning("I002", message));
            } else if !of_a_moment && below != Path::new(FILE_NAME) {
                found.push(Copied { from: below.clone(), to: below });
            }
        }
    }
    if older.bytes.is_some() && older.loaded.format == Format::V1 {
        let free =
            ["tasks.v1.json".to_owned()].into_iter().chain((1..).map(|n| format!("tasks.v1-{n}.json")));
        let mut free = free.map(PathBuf::from).skip_while(|name| found.iter().any(|file| file.to == *name));
        found.extend(free.next().map(|to| Copied { from: FILE_NAME.into(), to }));
    }
    found.sort_by(|a, b| a.to.cmp(&b.to));
    let odd = (!odd.is_empty()).then(|| FileFindings {
        path: dir.to_owned(),
        source: String::new(),
        diagnostics: odd,
    });
    Ok((found, odd))
}

/// Writes the stream, with copies of `files`, as a whole.
pub(super) fn put(
    workspace: &Workspace,
    stream: &Stream,
    from: &Path,
    files: &[Copied],
) -> Result<(), Refusal> {
    let unfinished = workspace.work_dir.join(format!("{UNFINISHED}{}", stream.id));
    let put = write(workspace, stream, from, files, &unfinished);
    if put.is_err() {
        let _ = fs::remove_dir_all(&unfinished);
    }
    put
}

fn write(
    workspace: &Workspace,
    stream: &Stream,
    from: &Path,
    files: &[Copied],
    unfinished: &Path,
) -> Result<(), Refusal> {
    Store::open(unfinished, workspace.clock).create(stream)?;
    for file in files {
        copy(&from.join(&file.from), &unfinished.join(&file.to))?;
    }
    fault::point("import.copied");
    let dir = workspace.stream_dir(&stream.id);
    let failed = |source| Refusal::File { action: "make", path: dir.clone(), source };
    fs::rename(unfinished, &dir).map_err(failed)?;
    fault::point("import.placed");
    fs::File::open(&workspace.work_dir).and_then(|dir| dir.sync_all()).map_err(failed)
}

fn copy(from: &Path, to: &Path) -> Result<(), Refusal> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| Refusal::File { action, path, source }
    };
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
    }
    let meta = fs::symlink_metadata(from).map_err(failed("read", from))?;
    // The state is the one file that is meant and not the link; any other link stays one.
    if meta.is_symlink() && !from.ends_with(FILE_NAME) && !from.ends_with("PLAN.md") {
        let target = fs::read_link(from).map_err(failed("read", from))?;
        return symlink(target, to).map_err(failed("make", to));
    }
    let bytes = fs::read(from).map_err(failed("read", from))?;
    atomic::write_atomic(to, &bytes)?;
    if meta.permissions().mode() & 0o111 != 0 && meta.is_file() {
        fs::set_permissions(to, meta.permissions()).map_err(failed("write", to))?;
    }
    Ok(())
}

/// Removes what an import or `work create` that was killed left. Only under the lock of both.
pub(super) fn sweep(workspace: &Workspace) {
    for entry in fs::read_dir(&workspace.work_dir).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            // Whoever can't remove it leaves it to the next.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
