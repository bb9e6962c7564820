//! Refs: read all at once, changed all or none.

use std::fs::File;
use std::path::Path;

use super::program::{Git, GitError, odd};
use crate::model::ObjectId;

/// A ref to a commit, with what the commit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    /// The whole name, from `refs/`.
    pub name: String,
    /// The commit.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// When it was made, in seconds since 1970.
    pub at: i64,
    /// Its message.
    pub message: String,
}

/// One step of a change of refs. All that is expected must hold, or nothing happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefStep {
    /// It must not be there.
    Create(String, ObjectId),
    /// It must be at `old`; with none, it must not be there.
    Move {
        /// The ref.
        name: String,
        /// Where it goes.
        new: ObjectId,
        /// Where it is.
        old: Option<ObjectId>,
    },
    /// It must be at this commit.
    Delete(String, ObjectId),
}

/// The name that git takes for "nothing".
fn nothing(like: &ObjectId) -> String {
    "0".repeat(like.as_str().len())
}

impl Git {
    /// The refs below a prefix, by name.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn refs(&self, prefix: &str) -> Result<Vec<Ref>, GitError> {
        const FORMAT: &str =
            "--format=%(refname)%00%(objectname)%00%(tree)%00%(committerdate:unix)%00%(contents)%00";
        let args = ["for-each-ref", FORMAT, prefix];
        let answer = self.bytes(&args)?;
        let text = String::from_utf8_lossy(&answer);
        let fields: Vec<&str> = text.split('\0').collect();
        fields
            .chunks_exact(5)
            .map(|of| {
                let (commit, tree) = (ObjectId::new(of[1]), ObjectId::new(of[2]));
                let (Some(commit), Some(tree), Ok(at)) = (commit, tree, of[3].parse()) else {
                    return Err(odd(&args, of.join(" ").as_bytes()));
                };
                let name = of[0].trim_start_matches('\n').to_owned();
                Ok(Ref { name, commit, tree, at, message: of[4].to_owned() })
            })
            .collect()
    }

    /// Changes refs: all of them or none, and durably. `common_dir` is the repository.
    ///
    /// # Errors
    /// [`GitError`]; somebody else may have moved one of them.
    pub fn change_refs(&self, common_dir: &Path, steps: &[RefStep]) -> Result<(), GitError> {
        let mut input = String::from("start\0");
        for step in steps {
            input.push_str(&match step {
                RefStep::Create(name, new) => format!("create {name}\0{new}\0"),
                RefStep::Move { name, new, old } => {
                    let old = old.as_ref().map_or_else(|| nothing(new), ToString::to_string);
                    format!("update {name}\0{new}\0{old}\0")
                }
                RefStep::Delete(name, old) => format!("delete {name}\0{old}\0"),
            });
        }
        input.push_str("prepare\0commit\0");
        self.feed(&["update-ref", "-m", "work", "--no-deref", "--stdin", "-z"], input.into_bytes())?;
        // git makes the files durable, but not their names.
        let names = steps.iter().map(|step| match step {
            RefStep::Create(name, _) | RefStep::Move { name, .. } | RefStep::Delete(name, _) => name,
        });
        for name in names {
            sync_names(common_dir, &common_dir.join(name))?;
        }
        Ok(())
    }
}

/// Makes the entries of the folders above a ref durable. Another store of refs has no such folders.
fn sync_names(common_dir: &Path, name: &Path) -> Result<(), GitError> {
    let folders = name.ancestors().skip(1).take_while(|folder| folder.starts_with(common_dir));
    for folder in folders {
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(GitError::Io { action: "make durable", path: folder.to_owned(), source });
            }
        }
    }
    Ok(())
}
