//! Merges without a checkout.

use std::path::PathBuf;

use super::objects::By;
use super::program::{Git, GitError, odd, path};
use crate::model::ObjectId;

/// What a merge gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The merged tree; where there are conflicts, files of it hold their marks.
    pub tree: ObjectId,
    /// The paths that conflict, in order; none when it is clean.
    pub conflicts: Vec<PathBuf>,
}

impl Git {
    /// Merges two trees that came from a third.
    ///
    /// # Errors
    /// [`GitError`]; a conflict is none.
    pub fn merge(&self, base: &ObjectId, ours: &ObjectId, theirs: &ObjectId) -> Result<Merged, GitError> {
        if ours == base || ours == theirs {
            return Ok(Merged { tree: theirs.clone(), conflicts: Vec::new() });
        }
        if theirs == base {
            return Ok(Merged { tree: ours.clone(), conflicts: Vec::new() });
        }
        self.check_version()?;
        // git finds the base by itself; that of trees can only be told to a newer one.
        let by = By::Work(None, 0);
        let base = self.commit(base, &[], "base", &by)?;
        let ours = self.commit(ours, &[&base], "ours", &by)?;
        let theirs = self.commit(theirs, &[&base], "theirs", &by)?;
        let args = ["merge-tree", "--write-tree", "-z", "--name-only", ours.as_str(), theirs.as_str()];
        let (code, answer) = self.run(&args, None, &[0, 1], &[])?;
        // TREE NUL, then a NUL behind each path, then an empty one, then words for people.
        let mut rest = answer.split(|byte| *byte == 0);
        let tree = rest.next().and_then(|id| ObjectId::new(&String::from_utf8_lossy(id)));
        let tree = tree.ok_or_else(|| odd(&args, &answer))?;
        // Where a file meets a folder, git puts it aside under a name with the commit's.
        let sides = [&ours, &theirs].map(|side| format!("~{side}").into_bytes());
        let plain = |name: &[u8]| {
            path(sides.iter().find_map(|side| name.strip_suffix(side.as_slice())).unwrap_or(name))
        };
        let mut conflicts: Vec<PathBuf> = match code {
            0 => Vec::new(),
            _ => rest.take_while(|name| !name.is_empty()).map(plain).collect(),
        };
        conflicts.sort();
        conflicts.dedup();
        if code == 1 && conflicts.is_empty() {
            return Err(odd(&args, &answer));
        }
        Ok(Merged { tree, conflicts })
    }
}
