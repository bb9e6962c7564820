//! Ends what supervisors that died have left, for commands that find none.

use std::io;
use std::path::Path;

use crate::runtime;

pub use crate::runtime::Left;

/// Ends the agents that dead supervisors have left below a private folder, and tells how many that were.
///
/// # Errors
/// When the asynchronous runtime can't be made.
pub fn end_left(private: &Path, what: Left) -> io::Result<usize> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(tokio.block_on(runtime::end_left(private, what)))
}
