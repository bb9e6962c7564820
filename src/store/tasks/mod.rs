//! `tasks.json`: the state of one stream, as a file.
//!
//! `wire` is the format, `convert` maps it to the model and back, `parse` tells versions apart,
//! `time` reads and writes times, `v1` reads the older tool's files, `older` takes them over, `transact` is the only way to
//! change anything, `copies` keeps earlier versions for the day a file can't be read.
//!
//! One invariant: reading a file and writing it back unchanged loses nothing, not even fields and
//! words that only a newer version knows.

mod convert;
mod copies;
mod error;
mod fields;
mod older;
mod parse;
mod schema;
mod time;
mod transact;
mod usage;
mod v1;
mod wire;

#[cfg(test)]
mod tests;

pub use copies::GoodCopy;
pub use error::{StoreError, TransactError};
pub use older::{Counts, Older, OlderIndex, TaskList, older_index};
pub use parse::{Format, Loaded};
pub use schema::schema;
pub use transact::{FILE_NAME, Store};
