//! The globs of `**Paths:**`: which files a thread may touch.
//!
//! Pure: knows paths as text, and no file. One invariant: two sets overlap exactly when some path
//! belongs to both. The rule that warns of two threads asks the one, whoever looks at what a thread has
//! changed asks the other.

mod glob;
mod name;
#[cfg(test)]
mod tests;

pub(super) use glob::Glob;
pub use glob::Paths;
