//! What is kept on disk: `tasks.json` of each stream, the queue of jobs, the journals of turns, the private
//! folder.
//!
//! Owns every file format and its conversion from and to [`crate::model`]; decides nothing about the
//! work itself. One invariant: state changes only inside [`Store::transact`], and what can't be read
//! is never replaced.

pub mod jobs;
pub mod journal;
pub mod private;
mod rotation;
pub mod tasks;

pub use jobs::{JobStore, JobStoreError, JobsCopy};
pub use journal::Journals;
pub use private::Private;
pub use tasks::{GoodCopy, Store, StoreError, TransactError};
