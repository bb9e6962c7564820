//! Whether a worktree may be removed.

use std::path::PathBuf;

/// What is known of a worktree that is to go, besides what its snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorktreeFacts {
    /// A turn runs in it.
    pub running: bool,
    /// Processes that stand in it.
    pub inside: Vec<u32>,
    /// Repositories of their own within it, with or without commits; submodules that were filled, too.
    pub nested: Vec<PathBuf>,
    /// A merge in it is not resolved.
    pub unmerged: bool,
    /// Ignored files that are no copies of those of the main checkout.
    pub ignored: Vec<PathBuf>,
    /// It has a change that is neither applied nor dropped.
    pub pending: bool,
}

/// Why a worktree stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// A turn runs in it.
    Running,
    /// Processes stand in it.
    Inside(Vec<u32>),
    /// Repositories within it are in no snapshot.
    Nested(Vec<PathBuf>),
    /// A merge in it is not resolved.
    Unmerged,
    /// Ignored files are in no snapshot.
    Ignored(Vec<PathBuf>),
    /// Its change is neither applied nor dropped.
    Pending,
}

impl std::fmt::Display for Hindrance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |paths: &[PathBuf]| {
            let shown: Vec<String> =
                paths.iter().take(3).map(|path| format!("`{}`", path.display())).collect();
            let more = paths.len().saturating_sub(shown.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{more}", shown.join(", "))
        };
        match self {
            Self::Running => f.write_str("a turn runs in it"),
            Self::Inside(pids) => {
                let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
                write!(f, "processes stand in it: {}", pids.join(", "))
            }
            Self::Nested(paths) => write!(f, "repositories in it are in no snapshot: {}", list(paths)),
            Self::Unmerged => f.write_str("a merge in it is not resolved"),
            Self::Ignored(paths) => write!(f, "ignored files in it are in no snapshot: {}", list(paths)),
            Self::Pending => f.write_str("its change is neither applied nor dropped"),
        }
    }
}

impl WorktreeFacts {
    /// All that speaks against removing it. `ignored` gives the ignored files up; `pending` lets it go with a
    /// change that is pending, which stays pending.
    #[must_use]
    pub fn hindrances(self, ignored: bool, pending: bool) -> Vec<Hindrance> {
        let some = |paths: Vec<PathBuf>| (!paths.is_empty()).then_some(paths);
        [
            self.running.then_some(Hindrance::Running),
            (!self.inside.is_empty()).then_some(Hindrance::Inside(self.inside)),
            some(self.nested).map(Hindrance::Nested),
            self.unmerged.then_some(Hindrance::Unmerged),
            some(self.ignored).filter(|_| !ignored).map(Hindrance::Ignored),
            (self.pending && !pending).then_some(Hindrance::Pending),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_snapshot_holds_stays() {
        let path = || vec![PathBuf::from("a")];
        let facts = WorktreeFacts {
            running: true,
            inside: vec![7],
            nested: path(),
            unmerged: true,
            ignored: path(),
            pending: true,
        };
        assert_eq!(facts.clone().hindrances(false, false).len(), 6);
        let firm = facts.hindrances(true, true);
        assert_eq!(
            firm,
            [Hindrance::Running, Hindrance::Inside(vec![7]), Hindrance::Nested(path()), Hindrance::Unmerged]
        );
        assert!(WorktreeFacts::default().hindrances(false, false).is_empty());
    }
}
