//! `work init`: the `work/` folder and the skills for agents. Changes nothing that is there.

use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::Workspace;
use crate::config;
use crate::sys::{atomic, paths};

/// A family of agents that reads skills from a folder of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkillTarget {
    /// `.opencode/skills`
    Opencode,
    /// `.claude/skills`
    Claude,
    /// `.agents/skills`
    Agents,
}

impl SkillTarget {
    fn folder(self) -> &'static str {
        match self {
            Self::Opencode => ".opencode/skills",
            Self::Claude => ".claude/skills",
            Self::Agents => ".agents/skills",
        }
    }
}

/// The skills that we ship: name, and the text of its `SKILL.md`.
pub const SKILLS: &[(&str, &str)] = &[
    ("planning-work", include_str!("../../skills/planning-work/SKILL.md")),
    ("doing-work", include_str!("../../skills/doing-work/SKILL.md")),
];

/// What is of this machine and this moment: locks, files that are being written, and files set aside.
const IGNORED: &str = ".*.lock\n.*.work-tmp\n*.corrupt-*.json\n*.replaced-*.json\n";

/// What was done.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Initialized {
    /// Files that were made.
    #[serde(serialize_with = "super::lossy::list")]
    pub created: Vec<PathBuf>,
    /// Files that were there, and were left as they are.
    #[serde(serialize_with = "super::lossy::list")]
    pub kept: Vec<PathBuf>,
}

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A folder can't be made.
    #[error("cannot make `{path}`")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file can't be written.
    #[error(transparent)]
    Write(#[from] atomic::WriteError),
}

/// Makes what is missing.
///
/// # Errors
/// [`InitError`].
pub fn init(workspace: &Workspace, skills: &[SkillTarget], dry_run: bool) -> Result<Initialized, InitError> {
    let mut done = Initialized::default();
    let mut put = |path: PathBuf, text: &str| -> Result<(), InitError> {
        if path.exists() {
            done.kept.push(path);
            return Ok(());
        }
        if !dry_run {
            make_dir(path.parent().unwrap_or(&workspace.root))?;
            atomic::write_atomic(&path, text.as_bytes())?;
        }
        done.created.push(path);
        Ok(())
    };
    put(workspace.agents_file(), config::DEFAULT_AGENTS)?;
    put(workspace.work_dir.join(".gitignore"), IGNORED)?;
    if !workspace.is_git {
        put(workspace.private.join(".gitignore"), "*\n")?;
    }
    for target in skills {
        for (name, text) in SKILLS {
            put(workspace.root.join(target.folder()).join(name).join("SKILL.md"), text)?;
        }
    }
    if !dry_run {
        paths::private_dir(&workspace.private)
            .map_err(|source| InitError::Folder { path: workspace.private.clone(), source })?;
    }
    Ok(done)
}

fn make_dir(path: &Path) -> Result<(), InitError> {
    std::fs::create_dir_all(path).map_err(|source| InitError::Folder { path: path.to_owned(), source })
}
