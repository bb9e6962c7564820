//! From the wire format to the model and back, without a loss.
//!
//! What the model has no place for (a word of a newer version, an `owner` on an ended record, an
//! error with more fields) stays in `extra` under the very key it had in the file. When the file is
//! written, the kept value is used as long as it still means what the model says, and dropped once
//! the model says something else.

mod kept;
mod session;
mod stream;

pub(super) use stream::{NotAStream, VERSION};
