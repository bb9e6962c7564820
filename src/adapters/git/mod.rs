//! git: where a repository is, what has changed in a checkout, and what is kept of a file.
//!
//! Where it is is read from git's own files, because every command begins with it and git takes longer to
//! start than the rest of a `work status`. It writes nothing. One invariant: from every
//! checkout of a repository, linked or not, the same main checkout and common directory are found.

mod changes;
mod config;
mod history;
mod locate;

pub use changes::{Changes, changes};
pub use history::{committed, content, versions};
pub use locate::{LocateError, Repository, locate};
