//! git: where a repository is.
//!
//! Reads git's own files instead of asking git, because every command begins with it and git takes
//! longer to start than the rest of a `work status`. It writes nothing. One invariant: from every
//! checkout of a repository, linked or not, the same main checkout and common directory are found.

mod config;
mod locate;

pub use locate::{LocateError, Repository, locate};
