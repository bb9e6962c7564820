//! `jobs.json`: the queue of background jobs of a repository, in its private folder.
//!
//! `wire` is the format, `queue` reads it and is the only way to change it, `copies` are its earlier versions. One invariant: a file that
//! can't be read is never replaced, and fields that only a newer version knows survive.

mod copies;
mod queue;
mod wire;

#[cfg(test)]
mod tests;

pub use copies::JobsCopy;
pub use queue::{JobStore, JobStoreError};
pub use wire::schema;
