//! git: where a repository is, and what it keeps of a file.
//!
//! To find a repository it reads git's own files instead of asking git, because every command begins
//! with that and git takes longer to start than the rest of a `work status`. It writes nothing. One invariant: from every
//! checkout of a repository, linked or not, the same main checkout and common directory are found.

mod config;
mod history;
mod locate;

pub use history::{committed, content, versions};
pub use locate::{LocateError, Repository, locate};
