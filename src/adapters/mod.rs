//! Other programs that `work` uses as they are: git and tmux.
//!
//! Knows how to ask them, and what their answers mean; never decides what to do about it. One
//! invariant: they get argv, and no name or path of a user's is ever read by a shell.

pub mod git;
pub mod tmux;
